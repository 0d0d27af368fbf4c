import CVectorKernels
import DenseMath
import Testing

/// The vector loops against plain loops in double precision, on sizes around the vector widths.
@Suite struct LayerKernelTests {
  static let widths = [1, 3, 15, 16, 17, 31, 64, 257]

  static func random(_ count: Int, _ purpose: String) -> [Float] {
    var stream = RandomStream(seed: 3, purpose: purpose)
    return (0..<count).map { _ in Float(stream.normal()) }
  }

  /// Largest difference, in units of the largest expected magnitude.
  static func error(_ actual: [Float], _ expected: [Double]) -> Double {
    let scale = max(expected.map(abs).max() ?? 0, 1e-30)
    return zip(actual, expected).map { abs(Double($0) - $1) / scale }.max() ?? 0
  }

  @Test(arguments: widths) func biasAndReLU(columns: Int) {
    let rows = 5
    var z = Self.random(rows * columns, "z")
    let bias = Self.random(columns, "bias")
    let expected = z.indices.map { max(Double(z[$0]) + Double(bias[$0 % columns]), 0) }
    bk_bias_relu(&z, columns, bias, rows, columns)
    #expect(Self.error(z, expected) < 1e-6)
    var unknown: [Float] = [.nan, 1]
    bk_bias_relu(&unknown, 2, [0, 0], 1, 2)
    #expect(unknown[0].isNaN, "a NaN must reach the loss")
  }

  @Test(arguments: widths) func headForwardAndBackward(columns: Int) {
    let rows = 7
    var z = Self.random(rows * columns, "z")
    let (bias, w) = (Self.random(columns, "bias"), Self.random(columns, "w"))
    let before = z
    var out = [Float](repeating: 0, count: rows)
    bk_bias_relu_dot(&z, columns, bias, w, 0.25, &out, rows, columns)
    var expected = [Double](repeating: 0.25, count: rows)
    for r in 0..<rows {
      for c in 0..<columns {
        expected[r] += max(Double(before[r * columns + c]) + Double(bias[c]), 0) * Double(w[c])
      }
    }
    #expect(Self.error(out, expected) < 1e-5)

    let index: [Int32] = [0, 2, 3, 6]
    let dout = Self.random(rows, "dout")
    var dz = [Float](repeating: 9, count: index.count * columns)
    var gw = [Float](repeating: 1, count: columns)
    var gbias = [Float](repeating: 2, count: columns)
    bk_dot_backward(z, columns, dout, index, index.count, w, &dz, &gw, &gbias, columns)
    var (gw64, gb64) = (
      [Double](repeating: 1, count: columns), [Double](repeating: 2, count: columns)
    )
    var dz64: [Double] = []
    for row in index {
      for c in 0..<columns {
        let h = Double(z[Int(row) * columns + c])
        let d = h > 0 ? Double(dout[Int(row)]) * Double(w[c]) : 0
        dz64.append(d)
        gw64[c] += Double(dout[Int(row)]) * h
        gb64[c] += d
      }
    }
    #expect(Self.error(dz, dz64) < 1e-6)
    #expect(Self.error(gw, gw64) < 1e-5)
    #expect(Self.error(gbias, gb64) < 1e-5)
  }

  @Test(arguments: widths, [1, 2, 3, 5, 6, 7, 13])
  func expandedFirstLayer(columns: Int, actions: Int) {
    let (states, repeats) = (3, 4)
    let rows = states * repeats
    let base = Self.random(states * columns, "base")
    let a = Self.random(rows * actions, "a")
    let wt = Self.random(actions * columns, "wt")
    var h = [Float](repeating: 0, count: rows * columns)
    bk_expand_first_layer(base, columns, a, actions, wt, &h, states, repeats, columns)
    var expected: [Double] = []
    for r in 0..<rows {
      for c in 0..<columns {
        var sum = Double(base[r / repeats * columns + c])
        for k in 0..<actions { sum += Double(a[r * actions + k]) * Double(wt[k * columns + c]) }
        expected.append(max(sum, 0))
      }
    }
    #expect(Self.error(h, expected) < 2e-6)

    // Backward on rows 1, 2, 5, 11 only; the second state has one row, the third one.
    let index: [Int32] = [1, 2, 5, 11]
    let kept = index.flatMap { Array(h[Int($0) * columns..<(Int($0) + 1) * columns]) }
    let dh = Self.random(kept.count, "dh")
    var gwt = [Float](repeating: 0.5, count: actions * columns)
    var gbase = [Float](repeating: 0.25, count: states * columns)
    bk_expand_first_layer_backward(
      dh, kept, a, actions, index, index.count, &gwt, &gbase, columns, repeats, columns)
    var gwt64 = [Double](repeating: 0.5, count: gwt.count)
    var gbase64 = [Double](repeating: 0.25, count: gbase.count)
    for (i, row) in index.enumerated() {
      for c in 0..<columns where kept[i * columns + c] > 0 {
        let dz = Double(dh[i * columns + c])
        gbase64[Int(row) / repeats * columns + c] += dz
        for k in 0..<actions { gwt64[k * columns + c] += Double(a[Int(row) * actions + k]) * dz }
      }
    }
    #expect(Self.error(gwt, gwt64) < 2e-6)
    #expect(Self.error(gbase, gbase64) < 2e-6)
  }

  @Test func compactsRows() {
    var x = (0..<20).map { Float($0) }
    bk_compact_rows(&x, 4, [1, 2, 4], 3, 4)
    #expect(Array(x[0..<12]) == [4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19])
  }

  /// NaN below switches every unit on, and none that is not there: layers are padded.
  @Test(arguments: BLAS.vectorInstructionSets, [1, 3, 8, 17])
  func groupsOfNaNKeepTheirUnits(name: String, units: Int) {
    let (lanes, room) = (Int(BK_HALF_GROUP), Int(BK_GROUP_ROOM))
    var out = [Float](repeating: 0, count: (units + room) * lanes)
    var index = [Int32](repeating: -1, count: units + room)
    var place = index
    let kept = BLAS.withVectorInstructionSet(name) {
      var arranged = [Float](repeating: 0, count: 2 * (units + room))
      bk_group_arrange([Float](repeating: 1, count: 2 * units), 2, 2, units, &arranged)
      return bk_group_layer(
        [Float](repeating: .nan, count: lanes), [1], 1, arranged, 2,
        [Float](repeating: 0, count: units), units, &out, &index, &place)
    }
    #expect(kept == units)
    #expect(Array(index[..<kept]) == Array(0..<Int32(units)))
    #expect(out[(bk_group_off(units) * lanes)...].allSatisfy { $0 == 0 })
  }

  @Test(arguments: widths + [2500]) func adamFollowsItsDefinition(count: Int) {
    let parts = 3
    var p = Self.random(count, "p")
    var (m, v) = (Self.random(count, "m"), Self.random(count, "v").map { $0 * $0 })
    var g = Self.random(count * parts, "g")
    var target = Self.random(count, "target")
    var (p64, t64) = (p.map(Double.init), target.map(Double.init))
    for i in 0..<count {
      let gradient = (0..<parts).reduce(0.0) { $0 + Double(g[$1 * count + i]) }
      let m64 = 0.9 * Double(m[i]) + 0.1 * gradient
      let v64 = 0.999 * Double(v[i]) + 0.001 * gradient * gradient
      p64[i] -= 0.01 * (m64 / 0.19) / ((v64 / 0.002).squareRoot() + 1e-8)
      t64[i] = 0.95 * t64[i] + 0.05 * p64[i]
    }
    bk_adam(
      &p, &m, &v, &g, count, parts, &target, 0.05, 0.01, 0.9, 0.999, 0.19, 0.002, 1e-8, count)
    #expect(Self.error(p, p64) < 2e-5)
    #expect(Self.error(target, t64) < 2e-5)
    #expect(g.allSatisfy { $0 == 0 }, "the gradient must be cleared")
  }

  @Test func softmaxIsStable() {
    let rows: [[Float]] = [[1, 2, 3], [1000, 999, -1000], [-5000, -5000, -5001]]
    for temperature in [1.0, 2.5] {
      var softmax = [Float](repeating: 0, count: 9)
      var lse = [Float](repeating: 0, count: 3)
      bk_softmax_rows(rows.flatMap { $0 }, &softmax, &lse, Float(temperature), 3, 3)
      for (r, row) in rows.enumerated() {
        let top = Double(row.max()!)
        let weights = row.map { Double.exp((Double($0) - top) / temperature) }
        let sum = weights.reduce(0, +)
        let expected = top + temperature * Double.log(sum)
        #expect(abs(Double(lse[r]) - expected) <= 1e-6 * abs(expected) + 1e-6)
        #expect(Self.error(Array(softmax[3 * r..<3 * r + 3]), weights.map { $0 / sum }) < 1e-6)
      }
    }
  }

  /// All of the above with each instruction set that this processor has.
  @Test(arguments: BLAS.vectorInstructionSets) func everyInstructionSet(name: String) {
    BLAS.withVectorInstructionSet(name) {
      for width in Self.widths {
        biasAndReLU(columns: width)
        headForwardAndBackward(columns: width)
        adamFollowsItsDefinition(count: width)
        for actions in [3, 6, 7] { expandedFirstLayer(columns: width, actions: actions) }
      }
      compactsRows()
      softmaxIsStable()
    }
  }
}
