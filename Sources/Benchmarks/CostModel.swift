import Autodiff
package import DenseMath

/// Work of one update, as a function of its sizes: what our code does, not the dense computation.
struct UpdateCost {
  /// Multiply-adds of the products and of the first layer's action part.
  var multiplyAdds: Double
  /// Bytes that Adam and the targets move.
  var bytes: Double
  /// Parallel loops.
  var loops: Int
  /// Equal pieces into which the greater part of the work is cut.
  var pieces: Int
  var isConservative: Bool

  private static let observationSize = Double(UpdateBenchmarks.observationSize)
  private static let actionSize = Double(UpdateBenchmarks.actionSize)

  /// Multiply-adds between hidden layers, the same in every network.
  private static func inner(_ size: UpdateSize) -> Double {
    zip(size.hiddenSizes, size.hiddenSizes.dropFirst()).reduce(0) { $0 + Double($1.0 * $1.1) }
  }

  private struct Critic {
    /// Per state: the state's part of the first layer, in one direction.
    var state: Double
    /// Per row, beside it.
    var forward: Double
    var backward: Double
    var inputGradient: Double
    var parameters: Double

    init(_ size: UpdateSize) {
      let (first, last) = (Double(size.hiddenSizes[0]), Double(size.hiddenSizes.last!))
      let inner = UpdateCost.inner(size)
      state = UpdateCost.observationSize * first
      forward = UpdateCost.actionSize * first + inner + last
      backward = UpdateCost.actionSize * first + 2 * inner + 2 * last
      inputGradient = last + inner + UpdateCost.actionSize * first
      parameters = state + forward + Double(size.hiddenSizes.reduce(0, +)) + 1
    }
  }

  /// Shares of a critic's hidden units that are on for at least one of sixteen and of all of a state's actions: fresh
  /// networks on standard normal states (`experiments/benchmarks/units_on.py`). In use it is less.
  private static let (unitsOnOfSixteen, unitsOn) = (0.705, 0.745)

  /// Forward and backward of one critic on all actions of one state.
  private static func allActions(_ size: UpdateSize) -> Double {
    let critic = Critic(size)
    let rows = 3 * size.sampledActions + 1
    if !ActionGroupPass.suits(repeats: rows) {
      return Double(rows) * (critic.forward + critic.backward)
    }
    // Units that are off have no part in products; lanes without an action have.
    let forward = Double(ActionGroupPass.lanes(repeats: rows))
    let backward = Double((rows + 7) / 8 * 8)
    let (first, last) = (Double(size.hiddenSizes[0]), Double(size.hiddenSizes.last!))
    let inner = inner(size)
    let expansion = forward * actionSize * first + backward * actionSize * first * unitsOn
    let products = inner * (forward * unitsOnOfSixteen + backward * unitsOn * unitsOn)
    let weightGradient = Double(rows) * inner * unitsOn * unitsOn
    return expansion + products + 3 * backward * unitsOn * last + weightGradient
  }

  private struct Policy {
    var forward: Double
    var backward: Double
    var parameters: Double

    init(_ size: UpdateSize) {
      let (first, last) = (Double(size.hiddenSizes[0]), Double(size.hiddenSizes.last!))
      let inner = UpdateCost.inner(size)
      let head = 2 * UpdateCost.actionSize * last
      forward = UpdateCost.observationSize * first + inner + head
      backward = forward + inner + head
      parameters = forward + Double(size.hiddenSizes.reduce(0, +)) + 2 * UpdateCost.actionSize
    }
  }

  /// Adam reads and writes parameters and both moments, and each partial gradient; a target follows.
  private static func adamBytes(_ parameters: Double, parts: Int, target: Bool) -> Double {
    4 * parameters * (6 + 2 * Double(parts) + (target ? 2 : 0))
  }

  private static func pieces(_ size: UpdateSize) -> Int {
    (size.batchSize + 127) / 128
  }

  static func cql(_ size: UpdateSize) -> UpdateCost {
    let (critic, policy) = (Critic(size), Policy(size))
    let batch = Double(size.batchSize)
    let chunks = (size.batchSize + 63) / 64
    let fit = 2 * batch * (allActions(size) + 2 * critic.state)
    let follow = 4 * batch * (critic.state + critic.forward) + batch * critic.inputGradient
    let actor = batch * (2 * policy.forward + policy.backward)
    return UpdateCost(
      multiplyAdds: Double(size.members) * (fit + follow + actor),
      bytes: Double(size.members)
        * (2 * adamBytes(critic.parameters, parts: chunks, target: true)
          + adamBytes(policy.parameters, parts: pieces(size), target: false)),
      loops: 5, pieces: 2 * size.members * chunks, isConservative: true)
  }

  static func online(_ size: UpdateSize) -> UpdateCost {
    let (critic, policy) = (Critic(size), Policy(size))
    let batch = Double(size.batchSize)
    let values = 2 * batch * (4 * critic.state + 3 * critic.forward + critic.backward)
    let pair = values + batch * critic.inputGradient
    let actor = batch * (2 * policy.forward + policy.backward)
    return UpdateCost(
      multiplyAdds: Double(size.members) * pair + actor,
      bytes: 2 * Double(size.members)
        * adamBytes(critic.parameters, parts: pieces(size), target: true)
        + adamBytes(policy.parameters, parts: pieces(size), target: false),
      loops: 4, pieces: size.members * pieces(size), isConservative: false)
  }

  static func distillation(_ size: UpdateSize) -> UpdateCost {
    let policy = Policy(size)
    return UpdateCost(
      multiplyAdds: Double(size.batchSize) * (policy.forward + policy.backward),
      bytes: adamBytes(policy.parameters, parts: pieces(size), target: false), loops: 2,
      pieces: pieces(size), isConservative: false)
  }
}

/// What one thread of this machine does in a second, measured on its own, and the time that follows for
/// an update.
package struct CostModel: Codable, Sendable {
  /// Of a product of 128 × 256 by 256 × 256, on one thread.
  package var multiplyAddsPerSecond: Double
  /// Of Adam with targets, on one thread, over more networks than its cache holds.
  package var bytesPerSecond: Double
  /// To share an empty loop among the threads of the pool.
  package var loopSeconds: Double

  package static func measure(pool: WorkerPool) -> CostModel {
    func best(_ repetitions: Int, _ body: () -> Void) -> Double {
      (0..<repetitions).map { _ in seconds(body) }.min()!
    }
    BLAS.prepare()
    let a = FloatBuffer(count: 128 * 256)
    let (b, c) = (FloatBuffer(count: 256 * 256), FloatBuffer(count: 128 * 256))
    for buffer in [a, b] {
      RandomStream(seed: 0, purpose: "benchmark/model").fillUniform(
        buffer.base, count: buffer.count, low: -1, high: 1, fill: 0)
    }
    let product = best(50) {
      for _ in 0..<10 {
        DenseProduct.multiply(
          a.matrix(rows: 128, columns: 256), b.matrix(rows: 256, columns: 256), transposeB: true,
          into: c.matrix(rows: 128, columns: 256))
      }
    }
    let shape = NetworkShape(inputSize: 23, hiddenSizes: [256, 256], outputSize: 1)
    let block = ParameterBlock(
      name: "model", members: 10, count: shape.parameterCount, tau: 0.005,
      optimizer: .adam(learningRate: 0))
    let step = best(20) {
      block.reserve(pieces: 2)
      block.optimizer.beginStep()
      for piece in 0..<block.optimizer.pieces {
        block.optimizer.stepPiece(piece, of: block, follows: true)
      }
      block.finishStep()
    }
    let loop = best(50) { for _ in 0..<20 { pool.run(pool.threads, with: ()) { _, _, _ in } } }
    return CostModel(
      multiplyAddsPerSecond: 10 * 128 * 256 * 256 / product,
      bytesPerSecond: 10 * 4 * Double(shape.parameterCount) * 12 / step, loopSeconds: loop / 20)
  }

  /// Predicted time of one update with `threads` such threads, in milliseconds.
  ///
  /// Pieces are equal and each runs on one thread, so a loop lasts as long as the thread with the most
  /// pieces: 16 threads gain nothing over 10 from ten pieces.
  func milliseconds(_ cost: UpdateCost, threads: Int) -> Double {
    let turns = (cost.pieces + threads - 1) / threads
    let share = Double(turns) / Double(cost.pieces)
    return 1e3
      * (share * cost.multiplyAdds / multiplyAddsPerSecond
        + cost.bytes / (bytesPerSecond * Double(threads)) + Double(cost.loops) * loopSeconds)
  }
}

/// The paper's whole protocol by the model: updates alone, without environment steps and evaluation.
package struct ProtocolCost: Codable, Sendable {
  package var threads: Int
  /// Five agents, 10⁶ updates each.
  package var pretrainHours: Double
  /// 1000 epochs of 1000 updates: the most that early stopping allows.
  package var distillHours: Double
  /// 259,000 updates of five twin pairs.
  package var finetuneHours: Double

  init(_ model: CostModel, threads: Int) {
    func hours(_ cost: UpdateCost, _ updates: Double) -> Double {
      model.milliseconds(cost, threads: threads) * updates / 3.6e6
    }
    self.threads = threads
    pretrainHours = hours(.cql(UpdateSize(members: 5)), 1e6)
    distillHours = hours(.distillation(UpdateSize()), 1e6)
    finetuneHours = hours(.online(UpdateSize(members: 5)), 259e3)
  }
}
