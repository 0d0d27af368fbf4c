internal import CVectorKernels
import DenseMath
package import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How parameters step: Adam (Kingma & Ba 2015, arXiv:1412.6980) with what algorithms add to it.
public struct OptimizerSettings: Sendable, Equatable {
  /// How the learning rate changes with the number of steps.
  public enum Schedule: Sendable, Equatable {
    case constant
    /// From the rate to 0 along half a cosine, in so many steps.
    case cosine(steps: Int)
    /// From 0 to the rate in so many steps, then constant.
    case warmUp(steps: Int)
  }

  /// How parameters are drawn towards 0.
  public enum Decay: Sendable, Equatable {
    case none
    /// λ·θ joins the gradient, as `weight_decay` of PyTorch's Adam.
    case coupled(Double)
    /// θ ← (1 − rate·λ)·θ before the step: AdamW (Loshchilov & Hutter 2019).
    case decoupled(Double)
  }

  /// Step size before the schedule.
  public var learningRate: Double
  /// β₁, how much of the first moment a step keeps.
  public var beta1 = 0.9
  /// β₂, how much of the second moment a step keeps.
  public var beta2 = 0.999
  /// ε, added to the root of the second moment.
  public var epsilon = 1e-8
  /// How the learning rate changes.
  public var schedule = Schedule.constant
  /// Weight decay.
  public var decay = Decay.none
  /// Greatest Euclidean norm of the gradient of one block of parameters, all members together; longer
  /// ones are shortened. Parameters beside a policy's network are a block of their own.
  public var maximumGradientNorm: Double?

  /// Adam as everybody uses it: β₁ 0.9, β₂ 0.999, ε 1e-8, no decay, no clipping.
  public static func adam(learningRate: Double) -> OptimizerSettings {
    OptimizerSettings(learningRate: learningRate)
  }

  /// Rate of the step after `count` others.
  package func rate(after count: Int) -> Double {
    switch schedule {
    case .constant: learningRate
    case .cosine(let steps):
      learningRate * 0.5 * (1 + cos(.pi * Double(min(count, steps)) / Double(max(1, steps))))
    case .warmUp(let steps): learningRate * min(1, Double(count + 1) / Double(max(1, steps)))
    }
  }
}

/// Adam's moments for one block of parameters.
package final class Optimizer: @unchecked Sendable {
  package var settings: OptimizerSettings
  private let members: Int
  private let count: Int
  private let moment1: FloatBuffer
  private let moment2: FloatBuffer
  package private(set) var stepCount = 0
  /// Squares of the gradient, one sum per piece; only with clipping.
  private let squares: UnsafeMutablePointer<Double>
  /// Bits of the greatest magnitude that the last step left, one for each piece.
  private let largest: UnsafeMutablePointer<Int32>
  // What all pieces of the step at hand share.
  private var rate: Float = 0
  private var correction1: Float = 1
  private var correction2: Float = 1
  private var gradientScale: Float = 1

  /// Parameters that one call of ``stepPiece(_:of:follows:)`` works on.
  private static let pieceSize = 1 << 15
  private let piecesPerMember: Int
  package var pieces: Int { piecesPerMember * members }

  init(_ settings: OptimizerSettings, members: Int, count: Int) {
    self.settings = settings
    self.members = members
    self.count = count
    moment1 = FloatBuffer(count: members * count)
    moment2 = FloatBuffer(count: members * count)
    piecesPerMember = (count + Optimizer.pieceSize - 1) / Optimizer.pieceSize
    squares = .allocate(capacity: max(1, piecesPerMember * members))
    squares.initialize(repeating: 0, count: max(1, piecesPerMember * members))
    largest = .allocate(capacity: max(1, piecesPerMember * members))
    largest.initialize(repeating: 0, count: max(1, piecesPerMember * members))
  }

  deinit {
    squares.deallocate()
    largest.deallocate()
  }

  /// Whether the last step left numbers only. A loss does not always tell: a rectifier makes zero of a hidden unit
  /// that is not a number, and an infinite moment stops its parameter without a sign.
  package var isFinite: Bool {
    let infinity = Float.infinity.bitPattern
    return (0..<pieces).allSatisfy { UInt32(bitPattern: largest[$0]) < infinity }
  }

  /// Whether the gradient must be complete before any parameter steps.
  package var needsGathering: Bool {
    if settings.maximumGradientNorm != nil { return true }
    if case .coupled = settings.decay { return true }
    return false
  }

  private func place(_ piece: Int) -> (member: Int, start: Int, length: Int) {
    let start = piece % piecesPerMember * Optimizer.pieceSize
    return (piece / piecesPerMember, start, min(Optimizer.pieceSize, count - start))
  }

  /// Adds the partial sums of one piece and remembers the square of what comes out.
  package func gatherPiece(_ piece: Int, of block: ParameterBlock) {
    let (member, start, length) = place(piece)
    squares[piece] = bk_gather_gradient(
      block.gradient(member, piece: 0) + start, count, block.usedPieces, length)
  }

  /// Fixes rate, bias corrections and clipping of the step at hand.
  package func beginStep() {
    rate = Float(settings.rate(after: stepCount))
    correction1 = biasCorrection(settings.beta1, stepCount + 1)
    correction2 = biasCorrection(settings.beta2, stepCount + 1)
    gradientScale = 1
    if let maximum = settings.maximumGradientNorm {
      var square = 0.0
      for piece in 0..<pieces { square += squares[piece] }
      let norm = square.squareRoot()
      if norm > maximum { gradientScale = Float(maximum / norm) }
    }
  }

  /// Adam on one piece; then target ← (1 − τ)·target + τ·parameter on it, if targets follow. Clears
  /// the gradient.
  package func stepPiece(_ piece: Int, of block: ParameterBlock, follows: Bool) {
    let (member, start, length) = place(piece)
    let at = member * count + start
    let parameters = block.values.base + at
    let gradient = block.gradient(member, piece: 0) + start
    if needsGathering {
      var decay: Float = 0
      if case .coupled(let lambda) = settings.decay { decay = Float(lambda) }
      bk_scale_gradient(gradient, parameters, gradientScale, decay, length)
    }
    if case .decoupled(let lambda) = settings.decay {
      bk_scale(parameters, 1 - rate * Float(lambda), length)
    }
    largest[piece] = bk_adam(
      parameters, moment1.base + at, moment2.base + at, gradient, count,
      needsGathering ? 1 : block.usedPieces, follows ? block.targets.map { $0.base + at } : nil,
      block.tau, rate, Float(settings.beta1), Float(settings.beta2), correction1, correction2,
      Float(settings.epsilon), length)
  }

  package func finishStep() { stepCount += 1 }

  /// Adam's first or second moments, for tests.
  func moment(_ number: Int) -> FloatBuffer { number == 1 ? moment1 : moment2 }

  // MARK: State

  package var state: NamedTensors {
    NamedTensors(tensors: [
      "moment1": Tensor(.float32(moment1.elements)),
      "moment2": Tensor(.float32(moment2.elements)),
      "stepCount": Tensor(.int64([Int64(stepCount)])),
    ])
  }

  package func restore(_ state: NamedTensors) throws(StateError) {
    let first = try state.floats("moment1", count: moment1.count)
    let second = try state.floats("moment2", count: moment2.count)
    let step = try state.integers("stepCount", count: 1)[0]
    guard step >= 0 else {
      throw .mismatch(name: "stepCount", expected: "0 or more", actual: "\(step)")
    }
    for (name, values) in [("moment1", first), ("moment2", second)] {
      try Optimizer.refuseNonFinite(values, name)
    }
    moment1.elements = first
    moment2.elements = second
    stepCount = Int(step)
  }

  /// - Throws: where a stored state holds something that no training can go on from.
  static func refuseNonFinite(_ values: [Float], _ name: String) throws(StateError) {
    guard let bad = values.first(where: { !$0.isFinite }) else { return }
    throw .mismatch(name: name, expected: "finite numbers", actual: "\(bad) in one place")
  }

  /// Forgets moments and step count, as at the switch from offline to online.
  package func reset() {
    moment1.base.update(repeating: 0, count: moment1.count)
    moment2.base.update(repeating: 0, count: moment2.count)
    stepCount = 0
  }
}

/// 1 − βᵗ in double precision, β as single precision holds it, rounded once.
private func biasCorrection(_ beta: Double, _ step: Int) -> Float {
  var (power, factor, n) = (1.0, Double(Float(beta)), step)
  while n > 0 {
    if n & 1 == 1 { power *= factor }
    factor *= factor
    n >>= 1
  }
  return Float(1 - power)
}
