import DenseMath
import Testing

/// OpenBLAS and the loops behind it against a triple loop in double precision.
@Suite struct DenseProductTests {
  static let sizes = [
    (1, 1, 1), (3, 5, 7), (8, 32, 16), (9, 33, 40), (15, 16, 17), (16, 17, 31), (24, 64, 64),
    (5, 80, 3), (11, 70, 1040),
  ]

  /// A view with two columns more than it shows; those must stay as they are.
  final class Strided {
    let buffer: FloatBuffer
    let view: MatrixView

    init(_ rows: Int, _ columns: Int, _ purpose: String) {
      buffer = FloatBuffer(count: rows * (columns + 2))
      RandomStream(seed: 1, purpose: purpose).fillNormal(
        buffer.base, count: buffer.count, fill: 0)
      view = MatrixView(base: buffer.base, rows: rows, columns: columns, stride: columns + 2)
    }

    subscript(row: Int, column: Int) -> Double { Double(buffer.base[row * view.stride + column]) }

    var margins: [Float] {
      (0..<view.rows).flatMap { row in
        (view.columns..<view.stride).map { buffer.base[row * view.stride + $0] }
      }
    }
  }

  @Test(arguments: [false, true]) func products(accumulates: Bool) {
    for (m, n, k) in Self.sizes {
      for (transposeA, transposeB) in [(false, false), (false, true), (true, false), (true, true)] {
        let a = transposeA ? Strided(k, m, "a") : Strided(m, k, "a")
        let b = transposeB ? Strided(n, k, "b") : Strided(k, n, "b")
        let c = Strided(m, n, "c")
        let (before, margins) = (c.view.matrix, c.margins)
        DenseProduct.multiply(
          a.view, b.view, transposeA: transposeA, transposeB: transposeB, into: c.view,
          accumulates: accumulates)
        var worst = 0.0
        for i in 0..<m {
          for j in 0..<n {
            var sum = accumulates ? Double(before[i, j]) : 0
            for p in 0..<k {
              sum += (transposeA ? a[p, i] : a[i, p]) * (transposeB ? b[j, p] : b[p, j])
            }
            worst = max(worst, abs(c[i, j] - sum))
          }
        }
        #expect(worst < 2e-6 * Double(k + 4), "\(m) × \(n) over \(k)")
        #expect(c.margins == margins)
      }
    }
  }

  @Test(arguments: BLAS.vectorInstructionSets) func finishes(instructions: String) {
    BLAS.withVectorInstructionSet(instructions) { finishes() }
  }

  private func finishes() {
    for (m, n, k) in Self.sizes {
      let (a, weight, c) = (Strided(m, k, "a"), Strided(n, k, "w"), Strided(m, n, "c"))
      let (bias, dot) = (Strided(1, n, "bias"), Strided(1, n, "dot"))
      let dots = FloatBuffer(count: m)
      func multiply(_ finish: ProductFinish) {
        DenseProduct.multiply(
          a.view, weight.view, transposeB: true, into: c.view, finish: finish)
      }
      func expected(_ i: Int, _ j: Int) -> Double {
        (0..<k).reduce(bias[0, j]) { $0 + a[i, $1] * weight[j, $1] }
      }
      let tolerance = 2e-6 * Double(k + 4)

      multiply(.bias(bias.buffer.base))
      for i in 0..<m { for j in 0..<n { #expect(abs(c[i, j] - expected(i, j)) < tolerance) } }

      multiply(
        .biasReLUDot(
          bias: bias.buffer.base, weights: dot.buffer.base, start: 0.5, out: dots.base))
      for i in 0..<m {
        var sum = 0.5
        for j in 0..<n {
          let value = max(expected(i, j), 0)
          #expect(abs(c[i, j] - value) < tolerance)
          sum += value * dot[0, j]
        }
        #expect(abs(Double(dots.base[i]) - sum) < tolerance * Double(n + 4))
      }
    }
  }

  @Test(arguments: BLAS.vectorInstructionSets) func maskAndColumnSums(instructions: String) {
    BLAS.withVectorInstructionSet(instructions) { maskAndColumnSums() }
  }

  private func maskAndColumnSums() {
    for (m, n, k) in Self.sizes {
      let (a, b, c) = (Strided(m, k, "a"), Strided(k, n, "b"), Strided(m, n, "c"))
      let (positive, sums) = (Strided(m, n, "h"), FloatBuffer(count: n))
      for j in 0..<n { sums.base[j] = Float(j) }
      DenseProduct.multiply(
        a.view, b.view, into: c.view,
        finish: .mask(positive: positive.view, columnSums: sums.base))
      for j in 0..<n {
        var sum = Double(j)
        for i in 0..<m {
          let value =
            positive[i, j] > 0 ? (0..<k).reduce(0.0) { $0 + a[i, $1] * b[$1, j] } : 0
          #expect(abs(c[i, j] - value) < 2e-6 * Double(k + 4))
          sum += value
        }
        #expect(abs(Double(sums.base[j]) - sum) < 2e-6 * Double(k + 4) * Double(m + 4))
      }
    }
  }

  /// A NaN must reach the loss, whatever ReLU does.
  @Test(arguments: BLAS.vectorInstructionSets) func reluKeepsNaN(instructions: String) {
    BLAS.withVectorInstructionSet(instructions) { reluKeepsNaN() }
  }

  private func reluKeepsNaN() {
    let (a, b, c) = (Strided(9, 4, "a"), Strided(33, 4, "b"), Strided(9, 33, "c"))
    let bias = FloatBuffer(count: 33)
    a.buffer.base[2 * a.view.stride] = .nan
    DenseProduct.multiply(
      a.view, b.view, transposeB: true, into: c.view, finish: .biasReLU(bias.base))
    #expect((0..<33).allSatisfy { c[2, $0].isNaN })
    #expect((0..<33).allSatisfy { c[3, $0] >= 0 })
  }
}
