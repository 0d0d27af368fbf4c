public import DenseMath
public import Networks
public import RLCore

/// Soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905) with an ensemble of twin critics.
///
/// With one pair of critics this is SAC. With N pairs it is the online phase of BRED (Lee et al.,
/// section 4): every member i keeps its own twins and targets and regresses to
///
///     yᵢ = r + γ·mask·[minⱼ Q̄ᵢⱼ(s′, ã′) − α·log π(ã′∣s′)],
///
/// while the one policy follows the mean over members of the twin minimum (eq. 10),
///
///     L_π = mean[α·log π(ã∣s) − (1/N) Σᵢ minⱼ Qᵢⱼ(s, ã)].
///
/// All losses use the parameters before the update; then temperature, policy and critics step, and
/// the targets follow with rate τ. One minibatch and one draw of ã, ã′ serve all members.
public final class SoftActorCritic: Learner {
  /// Whether the critic's target contains the entropy term.
  public enum Backup: String, Sendable, Codable, CaseIterable {
    /// y includes −α·log π(ã′∣s′), as in SAC.
    case entropy
    /// y is the plain value, as in CQL ("SAC-D" of appendix C).
    case deterministic
  }

  public struct Configuration: Sendable, Codable, Equatable {
    /// Widths of the hidden layers of policy and critics.
    public var hiddenSizes = [256, 256]
    /// B, transitions in a minibatch.
    public var batchSize = 256
    /// γ in [0, 1].
    public var discount: Float = 0.99
    /// τ in (0, 1]: rate at which targets follow.
    public var tau: Float = 0.005
    /// Adam rate of the policy and of the temperature.
    public var policyLearningRate: Float = 3e-4
    public var criticLearningRate: Float = 3e-4
    /// N ≥ 1: twin pairs of critics.
    public var criticPairs = 1
    /// log α at the start.
    public var initialLogTemperature = 0.0
    /// H̄; `nil` means −actionSize.
    public var targetEntropy: Double?
    public var backup = Backup.entropy
    public var logStdBounds = LogStdBounds.standard

    public init() {}
  }

  public let configuration: Configuration
  public let observationSize: Int
  public let actionSize: Int
  public let batchesPerUpdate = 1
  public private(set) var updateCount = 0

  /// One network, or the members of a live mixture (section 1.4 of Off2On).
  package let actors: [TrainableNetwork]
  /// Twins of member i at 2i and 2i + 1.
  package let critics: [TrainableNetwork]
  package private(set) var temperature: LogScalar

  private let pool: WorkerPool
  private let noiseKey: RandomStream.Key
  /// Tests put known numbers into the draws' noise and switch this off.
  package var drawsNoise = true
  package let current: ActorDraws
  package let next: ActorDraws
  private let pieces: Pieces
  private let scratch: [CriticScratch]
  /// ∂Qᵢ/∂ã of each member, `[criticPairs · batchSize, actionSize]`, and their mean.
  private let memberActionGradients: FloatBuffer
  private let actionGradient: FloatBuffer
  private let sums: PartialSums
  private var metrics = Metrics(names: SoftActorCritic.names)

  private static let names = [
    "critic_loss", "policy_loss", "temperature_loss", "temperature", "entropy", "q_mean",
    "target_q_mean",
  ]
  private enum Sum: Int, CaseIterable { case criticLoss, q, target, policyQ }

  /// - Parameters:
  ///   - actors: initial policy; several networks make the live mixture. `nil` initialises one.
  ///   - critics: initial twins, 2·criticPairs of them. `nil` initialises them.
  ///   - seed: of initial weights and action noise.
  public init(
    configuration: Configuration, observationSize: Int, actionSize: Int,
    actors: [Network]? = nil, critics: [Network]? = nil, seed: UInt64, pool: WorkerPool
  ) {
    precondition(configuration.criticPairs >= 1 && configuration.batchSize >= 1)
    self.configuration = configuration
    self.observationSize = observationSize
    self.actionSize = actionSize
    self.pool = pool
    BLAS.prepare()
    let policyShape = GaussianPolicy.shape(
      observationSize: observationSize, actionSize: actionSize,
      hiddenSizes: configuration.hiddenSizes)
    let criticShape = NetworkShape(
      inputSize: observationSize + actionSize, hiddenSizes: configuration.hiddenSizes,
      outputSize: 1)
    let actors =
      actors ?? [.policy(policyShape, actionSize: actionSize, seed: seed, purpose: "sac/actor")]
    let critics =
      critics
      ?? (0..<2 * configuration.criticPairs).map {
        .critic(criticShape, seed: seed, purpose: "sac/critic-\($0)")
      }
    precondition(
      critics.count == 2 * configuration.criticPairs,
      "\(critics.count) critics for \(configuration.criticPairs) pairs")
    let shape = actors[0].shape
    precondition(
      actors.allSatisfy { $0.shape == shape } && critics.allSatisfy { $0.shape == critics[0].shape }
        && shape.inputSize == observationSize && shape.outputSize == 2 * actionSize
        && critics[0].shape.inputSize == observationSize + actionSize,
      "networks do not fit the task")
    let batchSize = configuration.batchSize
    pieces = Pieces(total: batchSize, size: 128)
    self.actors = actors.map { [pieces] in
      TrainableNetwork(Network(copyOf: $0), parts: pieces.count)
    }
    self.critics = critics.map { [pieces] in
      TrainableNetwork(Network(copyOf: $0), parts: pieces.count, hasTarget: true)
    }
    temperature = LogScalar(logarithm: configuration.initialLogTemperature)
    noiseKey = RandomStream.Key(seed: seed, purpose: "sac/noise")
    current = ActorDraws(
      policy: shape, members: actors.count, batchSize: batchSize,
      bounds: configuration.logStdBounds)
    next = ActorDraws(
      policy: shape, members: actors.count, batchSize: batchSize,
      bounds: configuration.logStdBounds, backward: false)
    let rows = min(128, batchSize)
    scratch = (0..<pool.threads).map { _ in
      CriticScratch(shape: critics[0].shape, actionSize: actionSize, states: rows, rows: rows)
    }
    let pairs = configuration.criticPairs
    memberActionGradients = FloatBuffer(count: pairs * batchSize * actionSize)
    actionGradient = FloatBuffer(count: batchSize * actionSize)
    sums = PartialSums(tasks: pairs * pieces.count, kinds: Sum.allCases.count)
  }

  public var metricNames: [String] { SoftActorCritic.names }

  public var policy: any Policy {
    let members = actors.map {
      GaussianPolicy(network: $0.network, logStdBounds: configuration.logStdBounds)
    }
    return members.count == 1 ? members[0] : MixturePolicy(members: members)
  }

  private var targetEntropy: Double { configuration.targetEntropy ?? -Double(actionSize) }

  public func update(on batches: [Batch]) throws(TrainingError) -> Metrics {
    let batch = batches[0]
    precondition(
      batch.size == configuration.batchSize,
      "a minibatch of \(batch.size), configured for \(configuration.batchSize)")
    let alpha = temperature.value
    drawNoise()
    batch.withViews { batch in
      drawActions(batch)
      evaluateCritics(batch, alpha: alpha)
      evaluateActor(batch, alpha: alpha)
    }
    let meanLogProb = mean(current.logProbs)
    summarize(alpha: alpha, meanLogProb: meanLogProb)
    try checkFinite()
    temperature.step(
      gradient: -(meanLogProb + targetEntropy),
      learningRate: Double(configuration.policyLearningRate))
    stepNetworks()
    updateCount += 1
    return metrics
  }

  /// ε of ã and ã′, the same whoever asks and whenever.
  private func drawNoise() {
    guard drawsNoise else { return }
    let stream = noiseKey.stream(step: UInt64(updateCount))
    stream.fillNormal(current.noise.base, count: current.noise.count, part: 0)
    stream.fillNormal(next.noise.base, count: next.noise.count, part: 1)
  }

  /// ã ~ π(·∣s) and ã′ ~ π(·∣s′).
  private func drawActions(_ batch: BatchViews) {
    pool.run(2 * pieces.count, with: (self, batch)) { context, task, _ in
      let (learner, batch) = context
      let rows = learner.pieces[task / 2]
      let draws = task % 2 == 0 ? learner.current : learner.next
      draws.forward(
        learner.actors, observations: task % 2 == 0 ? batch.observations : batch.nextObservations,
        rows: rows)
      draws.draw(rows: rows)
    }
  }

  /// For each member: targets, the gradient of its critics' loss, and ∂Qᵢ/∂ã for the actor.
  private func evaluateCritics(_ batch: BatchViews, alpha: Float) {
    let tasks = configuration.criticPairs * pieces.count
    pool.run(tasks, with: (self, batch, alpha)) { context, task, worker in
      let (learner, batch, alpha) = context
      learner.evaluateCritics(batch, task: task, alpha: alpha, scratch: learner.scratch[worker])
    }
  }

  private func evaluateCritics(
    _ batch: BatchViews, task: Int, alpha: Float, scratch: CriticScratch
  ) {
    let (member, piece) = (task / pieces.count, task % pieces.count)
    let rows = pieces[piece]
    let twins = [critics[2 * member], critics[2 * member + 1]]
    scratch.softTargets(
      twins, batch: batch, rows: rows, next: next, discount: configuration.discount,
      entropyWeight: configuration.backup == .entropy ? alpha : 0)
    sums[task, Sum.target.rawValue] = scratch.targetSum(rows.count)
    let fit = scratch.fitTargets(
      twins, batch: batch, rows: rows, batchSize: configuration.batchSize, part: piece,
      current: current)
    sums[task, Sum.criticLoss.rawValue] = fit.loss
    sums[task, Sum.q.rawValue] = fit.q
    sums[task, Sum.policyQ.rawValue] = scratch.twinMinimumGradient(
      twins, rows: rows, current: current,
      into: memberActionGradients.base + member * configuration.batchSize * actionSize)
  }

  /// Gradient of L_π, with the members' pull averaged in their order.
  private func evaluateActor(_ batch: BatchViews, alpha: Float) {
    pool.run(pieces.count, with: (self, batch, alpha)) { context, piece, _ in
      let (learner, batch, alpha) = context
      learner.evaluateActor(batch, piece: piece, alpha: alpha)
    }
  }

  private func evaluateActor(_ batch: BatchViews, piece: Int, alpha: Float) {
    let pairs = configuration.criticPairs
    let count = configuration.batchSize * actionSize
    let rows = pieces[piece]
    for i in rows.lowerBound * actionSize..<rows.upperBound * actionSize {
      var sum: Float = 0
      for member in 0..<pairs { sum += memberActionGradients.base[member * count + i] }
      actionGradient.base[i] = sum / Float(pairs)
    }
    current.backward(
      .value(actionGradient: actionGradient.base), policy: actors,
      observations: batch.observations, rows: rows, temperature: alpha, part: piece)
  }

  private func stepNetworks() {
    let actorSlices = actors.count * actors[0].sliceCount
    let criticSlices = critics.count * critics[0].sliceCount
    pool.run(actorSlices + criticSlices, with: self) { learner, task, _ in
      learner.stepSlice(task)
    }
    for network in actors { network.advance() }
    for network in critics { network.advance() }
  }

  private func stepSlice(_ task: Int) {
    let (actorSlices, criticSlices) = (actors[0].sliceCount, critics[0].sliceCount)
    if task < actors.count * actorSlices {
      actors[task / actorSlices].stepSlice(
        task % actorSlices, AdamConfiguration(learningRate: configuration.policyLearningRate))
    } else {
      let task = task - actors.count * actorSlices
      critics[task / criticSlices].stepSlice(
        task % criticSlices, AdamConfiguration(learningRate: configuration.criticLearningRate),
        tau: configuration.tau)
    }
  }

  private func summarize(alpha: Float, meanLogProb: Double) {
    let rows = Double(configuration.batchSize * configuration.criticPairs)
    metrics.values[0] = sums.total(Sum.criticLoss.rawValue) / (2 * rows)
    metrics.values[1] =
      Double(alpha) * meanLogProb - sums.total(Sum.policyQ.rawValue) / rows
    metrics.values[2] = -temperature.logarithm * (meanLogProb + targetEntropy)
    metrics.values[3] = Double(alpha)
    metrics.values[4] = -meanLogProb
    metrics.values[5] = sums.total(Sum.q.rawValue) / (2 * rows)
    metrics.values[6] = sums.total(Sum.target.rawValue) / rows
  }

  private func checkFinite() throws(TrainingError) {
    for (index, value) in metrics.values.enumerated() where !value.isFinite {
      for network in actors + critics { network.clearGradient() }
      throw .diverged(metric: metrics.names[index], value: Float(value), updateCount: updateCount)
    }
  }

  // MARK: State

  public var state: NamedTensors {
    var state = NamedTensors()
    for (index, network) in actors.enumerated() {
      state.add(network.state, under: "actor-\(index)")
    }
    for (index, network) in critics.enumerated() {
      state.add(network.state, under: "critic-\(index)")
    }
    state["temperature"] = temperature.state
    state["updateCount"] = Tensor(.int64([Int64(updateCount)]))
    return state
  }

  public func restore(_ state: NamedTensors) throws(StateError) {
    for (index, network) in actors.enumerated() {
      try network.restore(state.part("actor-\(index)"))
    }
    for (index, network) in critics.enumerated() {
      try network.restore(state.part("critic-\(index)"))
    }
    try temperature.restore(state, "temperature")
    updateCount = Int(try state.integers("updateCount", count: 1)[0])
  }
}

/// Mean over a buffer, in double precision.
func mean(_ buffer: FloatBuffer) -> Double {
  var sum = 0.0
  for i in 0..<buffer.count { sum += Double(buffer.base[i]) }
  return sum / Double(buffer.count)
}
