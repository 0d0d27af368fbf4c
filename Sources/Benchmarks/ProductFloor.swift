import DenseMath

/// The matrix products of an update and nothing else: what the update cannot be faster than.
///
/// The products are those of the dense computation (one full-width first layer, every row forward
/// and backward), cut into the same row blocks and shared among the same threads as ours.
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
  private var tasks: [[Product]] = []
  private let operands: [[FloatBuffer]]
  private let pool: WorkerPool

  init(pool: WorkerPool, largest: Int) {
    self.pool = pool
    operands = (0..<pool.threads).map { worker in
      (0..<3).map { which in
        let buffer = FloatBuffer(count: largest)
        RandomStream(seed: 0, purpose: "benchmark/floor-\(worker)-\(which)").fillUniform(
          buffer.base, count: largest, low: -1, high: 1, fill: 0)
        return buffer
      }
    }
  }

  mutating func add(_ products: [Product]) { tasks.append(products) }

  var flops: Double {
    tasks.joined().reduce(0) { $0 + 2 * Double($1.m) * Double($1.n) * Double($1.k) }
  }

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

  // MARK: Products of the passes

  /// Forward through layers of the given widths (input first, output last).
  static func forward(rows: Int, widths: [Int]) -> [Product] {
    (1..<widths.count).map {
      Product(m: rows, n: widths[$0], k: widths[$0 - 1], transposeB: true)
    }
  }

  /// Gradient of the parameters, and of every layer's input but the first.
  static func backward(rows: Int, widths: [Int]) -> [Product] {
    (1..<widths.count).reversed().flatMap { layer -> [Product] in
      let (inputs, outputs) = (widths[layer - 1], widths[layer])
      let weight = Product(
        m: outputs, n: inputs, k: rows, transposeA: true, accumulates: true)
      return layer == 1 ? [weight] : [weight, Product(m: rows, n: inputs, k: outputs)]
    }
  }

  /// Gradient of the input alone.
  static func inputGradient(rows: Int, widths: [Int]) -> [Product] {
    (1..<widths.count).reversed().map { Product(m: rows, n: widths[$0 - 1], k: widths[$0]) }
  }

  // MARK: Networks

  /// What an update does with networks of one kind.
  enum Use {
    /// Evaluates them.
    case forward
    /// Evaluates them and differentiates the parameters.
    case trained
    /// Evaluates targets, then trains.
    case trainedValue
    /// Evaluates targets, evaluates at a policy's action, and differentiates that action.
    case valueOfAction
    /// A policy at s and at s′, and backward at s.
    case policy
    /// Differentiates the input of what was evaluated.
    case inputGradient
  }

  /// Adds the products of `members` networks on `rows` rows, in pieces as an update cuts them.
  mutating func add(_ use: Use, _ widths: [Int], rows: Int, members: Int = 1) {
    let piece = members >= 6 || rows > 512 ? 256 : 128
    for _ in 0..<members {
      for start in Swift.stride(from: 0, to: rows, by: piece) {
        let rows = min(piece, rows - start)
        let forward = Self.forward(rows: rows, widths: widths)
        let backward = Self.backward(rows: rows, widths: widths)
        let gradient = Self.inputGradient(rows: rows, widths: widths)
        switch use {
        case .forward: add(forward)
        case .trained: add(forward + backward)
        case .trainedValue: add(forward + forward + backward)
        case .valueOfAction: add(forward + forward + gradient)
        case .policy: add(forward + forward + backward)
        case .inputGradient: add(gradient)
        }
      }
    }
  }
}
