import DenseMath

/// The matrix products of an update and nothing else: what the update cannot be faster than.
///
/// The products are those of a dense program (one full-width first layer, every row forward and backward)
/// that evaluates nothing twice and differentiates only what it must, cut into the same row blocks and
/// shared among the same threads as ours.
struct ProductFloor {
  /// C[m, n] ← op(A)·op(B) over k, one call of GEMM.
  struct Product {
    var m: Int
    var n: Int
    var k: Int
    var transposeA = false
    var transposeB = false
    var accumulates = false
  }

  /// Products of one task run in order on one thread; tasks run in parallel.
  private let tasks: [[Product]]
  private let operands: [[FloatBuffer]]
  private let pool: WorkerPool

  init(_ work: [NetworkPasses], pool: WorkerPool) {
    self.pool = pool
    tasks = work.flatMap(\.tasks)
    let largest = tasks.joined().map { max($0.m * $0.k, $0.k * $0.n, $0.m * $0.n) }.max()!
    operands = (0..<pool.threads).map { worker in
      (0..<3).map { which in
        let buffer = FloatBuffer(count: largest)
        RandomStream(seed: 0, purpose: "benchmark/floor-\(worker)-\(which)").fillUniform(
          buffer.base, count: largest, low: -1, high: 1, fill: 0)
        return buffer
      }
    }
  }

  /// Floating-point operations of all products.
  var flops: Double { tasks.joined().reduce(0) { $0 + 2 * Double($1.m * $1.n * $1.k) } }

  func run() {
    pool.run(tasks.count) { task, worker in
      let (a, b, c) = (operands[worker][0], operands[worker][1], operands[worker][2])
      for product in tasks[task] {
        BLAS.multiply(
          product.transposeA
            ? a.matrix(rows: product.k, columns: product.m)
            : a.matrix(rows: product.m, columns: product.k),
          product.transposeB
            ? b.matrix(rows: product.n, columns: product.k)
            : b.matrix(rows: product.k, columns: product.n),
          transposeA: product.transposeA, transposeB: product.transposeB,
          into: c.matrix(rows: product.m, columns: product.n), alpha: 1e-3,
          beta: product.accumulates ? 1 : 0)
      }
    }
  }
}

/// What an update does with networks of one kind: all that a floor is made of.
struct NetworkPasses {
  enum Pass {
    case forward
    /// Gradient of the parameters, and for it of every layer's input but the first.
    case parameters
    /// Gradient of the input alone; of all its columns, since a dense program joins states and actions.
    case input
    /// Both.
    case parametersAndInput
    /// Gradient that the parameters have of ``input``'s result: forward once more through the same ReLUs, and
    /// each layer's weights.
    case parametersOfInput
  }

  /// Inputs, hidden layers, outputs.
  var widths: [Int]
  var members = 1
  /// Of the minibatch.
  var rows: Int
  /// Inputs of each of these rows; a state with its actions stays together.
  var repeats = 1
  var passes: [Pass]

  /// The products, one task for each piece of each network, cut as an update cuts them.
  var tasks: [[ProductFloor.Product]] {
    // A CQL critic takes 64 states at a time, in blocks of up to 256 inputs.
    let piece = repeats > 1 ? 64 : members >= 6 || rows > 512 ? 256 : 128
    let block = repeats > 1 ? max(1, 256 / repeats) : piece
    return (0..<members).flatMap { _ in
      stride(from: 0, to: rows, by: piece).map { start in
        let end = min(start + piece, rows)
        return stride(from: start, to: end, by: block).flatMap { first in
          let inputs = (min(first + block, end) - first) * repeats
          return passes.flatMap { products(of: $0, rows: inputs) }
        }
      }
    }
  }

  private func products(of pass: Pass, rows: Int) -> [ProductFloor.Product] {
    typealias Product = ProductFloor.Product
    func alternating(_ first: [Product], _ second: [Product]) -> [Product] {
      zip(first, second).flatMap { [$0, $1] }
    }
    let layers = zip(widths, widths.dropFirst())
    let forward = layers.map { Product(m: rows, n: $1, k: $0, transposeB: true) }
    let inputs = layers.map { Product(m: rows, n: $0, k: $1) }
    let weights = layers.map { Product(m: $1, n: $0, k: rows, transposeA: true, accumulates: true) }
    switch pass {
    case .forward: return forward
    case .input: return inputs.reversed()
    case .parameters: return alternating(inputs, weights).dropFirst().reversed()
    case .parametersAndInput: return alternating(inputs, weights).reversed()
    case .parametersOfInput: return alternating(weights, forward).dropLast()
    }
  }
}
