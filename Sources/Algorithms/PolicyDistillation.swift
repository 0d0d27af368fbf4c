public import Autodiff
public import DenseMath
public import RLCore

/// Distils the policies of an ensemble into one, BRED section 4.1, eq. 8.
///
///     minimise over dataset states  E_s[ ‖μ(s) − μ̄(s)‖² + ‖σ(s) − σ̄(s)‖² ]
///
/// where (μ̄, σ̄) are the moments of the members' mixture before the squashing (eq. 9) and the norm runs
/// over action dimensions. The student has one member's architecture and starts as member 0. A
/// fixed share of the states is held out; training stops when their loss has not improved for
/// `patience` epochs, and the best student is kept.
public final class PolicyDistillation {
  /// When it stops, and the optimiser's numbers.
  public let configuration: Configuration
  /// Epochs done.
  public private(set) var epoch = 0
  /// The epoch, from 1, after which ``policy`` was kept; 0 before the first.
  public private(set) var bestEpoch = 0
  /// Mean loss of ``policy`` per held-out state.
  public private(set) var bestLoss = Double.infinity

  private let parts: AgentParts
  private let step: Step
  private let student: Actor
  private let loss: Metric
  private let best: Network
  private let data: DistillationData
  private let bounds: LogStdBounds
  private let batchKey: RandomStream.Key

  /// - Parameters:
  ///   - members: policies of one shape, at least one.
  ///   - observations: dataset states, `[≥ 2, observationSize]`.
  ///   - seed: of the split and of the minibatches.
  public init(
    configuration: Configuration, members: [GaussianPolicy], observations: Matrix, seed: UInt64,
    pool: WorkerPool
  ) {
    require(
      !members.isEmpty && observations.rows >= 2,
      "distillation of \(members.count) members on \(observations.rows) states")
    self.configuration = configuration
    bounds = members[0].logStdBounds
    let shape = members[0].network.shape
    parts = AgentParts(
      algorithm: "distillation", observationSize: shape.inputSize,
      actionSize: members[0].actionSize,
      hiddenSizes: shape.hiddenSizes, ensembleSize: 1, actorMembers: 1, seed: seed, pool: pool)
    student = parts.actor(
      head: .tanhGaussian(bounds), layerNorm: shape.normalizesLayers,
      optimizer: .adam(learningRate: configuration.learningRate))
    student.stack.load([members[0].network])
    loss = parts.metric("distillation_loss", "eq. 8, averaged over the minibatch")
    step = Step(parts)
    best = student.stack.snapshot(0)
    data = DistillationData(
      members, observations: observations, validationFraction: configuration.validationFraction,
      seed: seed, pool: pool)
    batchKey = RandomStream.Key(seed: seed, purpose: "distillation/minibatch")
  }

  /// The best policy so far, by the loss on held-out states.
  public var policy: GaussianPolicy {
    GaussianPolicy(network: Network(copyOf: best), logStdBounds: bounds)
  }

  /// Whether all epochs are done, or `patience` of them have passed without a better one.
  public var isFinished: Bool {
    epoch >= configuration.epochs || (epoch > 0 && epoch - bestEpoch >= configuration.patience)
  }

  /// One epoch of minibatches and the loss on the held-out states afterwards.
  public func runEpoch() throws(TrainingError) -> Report {
    var trainingLoss = 0.0
    for _ in 0..<configuration.stepsPerEpoch {
      trainingLoss += try update() / Double(configuration.stepsPerEpoch)
    }
    epoch += 1
    let validationLoss = data.validationLoss(of: student)
    let isBest = validationLoss < bestLoss
    if isBest {
      bestLoss = validationLoss
      bestEpoch = epoch
      best.parameters = student.stack.snapshot(0).parameters
    }
    return Report(
      epoch: epoch, trainingLoss: trainingLoss, validationLoss: validationLoss, isBest: isBest)
  }

  /// One gradient step on a random minibatch of the training states.
  /// - Returns: mean loss per state before the step.
  package func update() throws(TrainingError) -> Double {
    parts.tape.begin(step: UInt64(step.count))
    var stream = batchKey.stream(step: UInt64(step.count))
    let (states, mean, deviation) = data.minibatch(
      configuration.batchSize, on: parts.tape, using: &stream)
    try step.minimize(student, reporting: loss) {
      let policy = student(states)
      return policy.mean.squaredError(to: mean).sum()
        + policy.logStd.exponential().squaredError(to: deviation).sum()
    }
    step.count += 1
    return loss.value
  }

  // MARK: State

  /// Student, best student and counters, all that a resumed distillation needs.
  public var state: NamedTensors {
    var state = NamedTensors()
    state.add(student.stack.block.state, under: "student")
    state["best"] = Tensor(.float32(best.parameters))
    state["counters"] = Tensor(
      .float64([Double(epoch), Double(bestEpoch), bestLoss, Double(step.count)]))
    return state
  }

  /// Goes on from a ``state``.
  /// - Throws: `StateError` that names the tensor which is missing or has another shape.
  public func restore(_ state: NamedTensors) throws(StateError) {
    let counters = try state.doubles("counters", count: 4)
    let bestParameters = try state.floats("best", count: best.shape.parameterCount)
    try student.stack.block.restore(state.part("student"))
    best.parameters = bestParameters
    (epoch, bestEpoch, bestLoss) = (Int(counters[0]), Int(counters[1]), counters[2])
    step.count = Int(counters[3])
  }
}
