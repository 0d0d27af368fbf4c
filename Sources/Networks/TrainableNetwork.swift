internal import CVectorKernels
package import DenseMath
public import RLCore

/// Constants of Adam (Kingma & Ba 2015, arXiv:1412.6980): no weight decay, no clipping.
public struct AdamConfiguration: Sendable, Codable, Equatable {
  public var learningRate: Float
  public var beta1: Float = 0.9
  public var beta2: Float = 0.999
  public var epsilon: Float = 1e-8

  public init(learningRate: Float) { self.learningRate = learningRate }
}

/// A network with what is needed to train it: Adam's moments, gradient sums and, where the algorithm
/// has one, a target network that follows it.
///
/// The gradient is kept as several partial sums, one for each piece into which the minibatch is
/// cut. Pieces may be worked on at once; ``step(_:tau:)`` adds them in order.
public final class TrainableNetwork: @unchecked Sendable {
  public let network: Network
  public let target: Network?
  package let moment1: FloatBuffer
  package let moment2: FloatBuffer
  package let gradients: FloatBuffer
  package let parts: Int
  public private(set) var stepCount = 0

  /// - Parameter parts: pieces of a minibatch, at least 1.
  public init(_ network: Network, parts: Int = 1, hasTarget: Bool = false) {
    self.network = network
    self.parts = parts
    target = hasTarget ? Network(copyOf: network) : nil
    moment1 = FloatBuffer(count: network.values.count)
    moment2 = FloatBuffer(count: network.values.count)
    gradients = FloatBuffer(count: network.values.count * parts)
  }

  /// Partial sum `part` of the gradient, laid out like the parameters.
  package func gradient(part: Int) -> UnsafeMutablePointer<Float> {
    precondition(part >= 0 && part < parts, "part \(part) of \(parts)")
    return gradients.base + part * network.values.count
  }

  /// Parameters that one call of ``stepSlice(_:_:tau:)`` works on.
  package static let sliceSize = 1 << 15
  package var sliceCount: Int {
    (network.values.count + TrainableNetwork.sliceSize - 1) / TrainableNetwork.sliceSize
  }

  /// Adam on one slice of the parameters, with the step number that ``advance()`` will make current;
  /// then target ← (1 − tau)·target + tau·parameters on the same slice. Clears the gradient.
  package func stepSlice(_ slice: Int, _ adam: AdamConfiguration, tau: Float = 0) {
    let start = slice * TrainableNetwork.sliceSize
    let count = min(TrainableNetwork.sliceSize, network.values.count - start)
    let t = stepCount + 1
    bk_adam(
      network.values.base + start, moment1.base + start, moment2.base + start,
      gradients.base + start, network.values.count, parts, target.map { $0.values.base + start },
      tau, adam.learningRate, adam.beta1, adam.beta2, biasCorrection(adam.beta1, t),
      biasCorrection(adam.beta2, t), adam.epsilon, count)
  }

  package func advance() { stepCount += 1 }

  /// One whole Adam step on the calling thread.
  public func step(_ adam: AdamConfiguration, tau: Float = 0) {
    for slice in 0..<sliceCount { stepSlice(slice, adam, tau: tau) }
    advance()
  }

  /// The complete gradient, for tests and reports: the partial sums added in order.
  public var gradient: [Float] {
    var sum = [Float](repeating: 0, count: network.values.count)
    for part in 0..<parts {
      for index in sum.indices { sum[index] += gradients.base[part * sum.count + index] }
    }
    return sum
  }

  package func clearGradient() { gradients.base.update(repeating: 0, count: gradients.count) }

  // MARK: State

  public var state: NamedTensors {
    var state = NamedTensors()
    state["parameters"] = Tensor(.float32(network.parameters))
    state["moment1"] = Tensor(.float32(moment1.elements))
    state["moment2"] = Tensor(.float32(moment2.elements))
    state["stepCount"] = Tensor(.int64([Int64(stepCount)]))
    if let target { state["target"] = Tensor(.float32(target.parameters)) }
    return state
  }

  public func restore(_ state: NamedTensors) throws(StateError) {
    let count = network.values.count
    let parameters = try state.floats("parameters", count: count)
    let moment1 = try state.floats("moment1", count: count)
    let moment2 = try state.floats("moment2", count: count)
    let step = try state.integers("stepCount", count: 1)[0]
    if let target { target.parameters = try state.floats("target", count: count) }
    network.parameters = parameters
    self.moment1.elements = moment1
    self.moment2.elements = moment2
    stepCount = Int(step)
    clearGradient()
  }
}

/// 1 − βᵗ in double precision, rounded once.
private func biasCorrection(_ beta: Float, _ step: Int) -> Float {
  var power = 1.0
  var factor = Double(beta)
  var n = step
  while n > 0 {
    if n & 1 == 1 { power *= factor }
    factor *= factor
    n >>= 1
  }
  return Float(1 - power)
}
