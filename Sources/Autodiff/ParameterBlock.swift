package import DenseMath
package import RLCore

/// Something with parameters that a loss can train.
public protocol Module {
  /// The parameters, one block or several.
  var blocks: ParameterBlocks { get }
}

/// The blocks of a module: one, or two where a head has parameters beside its network.
public struct ParameterBlocks {
  package let first: ParameterBlock
  package let second: ParameterBlock?

  package init(_ first: ParameterBlock, _ second: ParameterBlock? = nil) {
    self.first = first
    self.second = second
  }

  @inline(__always)
  package func forEach(_ body: (ParameterBlock) -> Void) {
    body(first)
    if let second { body(second) }
  }
}

/// Parameters of `members` networks of one kind, their targets and their gradients.
///
/// The gradient of a member is kept as several partial sums, one for each piece into which a
/// minibatch is cut; pieces are worked on at once, and the optimiser adds them in order.
public final class ParameterBlock: @unchecked Sendable {
  /// Name of the part, unique in its agent: `critic`.
  public let name: String
  package let members: Int
  /// Parameters of one member.
  package let count: Int
  package let values: FloatBuffer
  /// Parameters that follow slowly, where the algorithm has them.
  package let targets: FloatBuffer?
  /// How fast they follow: τ.
  package let tau: Float
  package private(set) var gradients: FloatBuffer
  /// Partial sums of a member's gradient that there is room for, and that the present gradient fills.
  package private(set) var pieces = 1
  private(set) var usedPieces = 0
  package let optimizer: Optimizer
  /// Whether the gradient of the loss at hand goes into these parameters.
  package var isTrained = false

  package init(
    name: String, members: Int, count: Int, tau: Double?, optimizer: OptimizerSettings
  ) {
    self.name = name
    self.members = members
    self.count = count
    values = FloatBuffer(count: members * count)
    targets = tau == nil ? nil : FloatBuffer(count: members * count)
    self.tau = Float(tau ?? 0)
    gradients = FloatBuffer(count: members * count)
    self.optimizer = Optimizer(optimizer, members: members, count: count)
  }

  /// Targets become copies of the parameters.
  package func copyToTargets() { targets?.base.update(from: values.base, count: values.count) }

  /// Makes room for a gradient in so many pieces; what has been summed so far stays.
  package func reserve(pieces needed: Int) {
    usedPieces = max(usedPieces, needed)
    guard needed > pieces else { return }
    let larger = FloatBuffer(count: members * needed * count)
    for member in 0..<members {
      (larger.base + member * needed * count).update(
        from: gradients.base + member * pieces * count, count: pieces * count)
    }
    gradients = larger
    pieces = needed
  }

  /// Partial sum `piece` of a member's gradient, laid out like its parameters.
  @inline(__always)
  package func gradient(_ member: Int, piece: Int) -> Floats {
    gradients.base + (member * pieces + piece) * count
  }

  package func clearGradient() {
    gradients.base.update(repeating: 0, count: gradients.count)
    usedPieces = 0
  }

  /// Called when a step has used the gradient up.
  package func finishStep() {
    usedPieces = 0
    optimizer.finishStep()
  }

  /// The complete gradient of one member, for tests and reports: partial sums added in order.
  package func gradient(_ member: Int) -> [Float] {
    var sum = [Float](repeating: 0, count: count)
    for piece in 0..<pieces {
      let partial = gradient(member, piece: piece)
      for i in 0..<count { sum[i] += partial[i] }
    }
    return sum
  }

  // MARK: State

  package var state: NamedTensors {
    var state = optimizer.state
    state["parameters"] = Tensor(.float32(values.elements))
    if let targets { state["targets"] = Tensor(.float32(targets.elements)) }
    return state
  }

  package func restore(_ state: NamedTensors) throws(StateError) {
    let parameters = try state.floats("parameters", count: values.count)
    let followed = try targets.map { (buffer) throws(StateError) in
      try state.floats("targets", count: buffer.count)
    }
    try Optimizer.refuseNonFinite(parameters, "parameters")
    if let followed { try Optimizer.refuseNonFinite(followed, "targets") }
    try optimizer.restore(state)
    values.elements = parameters
    if let followed { targets!.elements = followed }
    clearGradient()
  }
}
