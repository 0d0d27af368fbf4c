public import DenseMath
public import Networks
public import RLCore

/// Conservative Q-learning (Kumar et al. 2020, arXiv:2006.04779): N independent agents at once.
///
/// Each member has its own policy, twin critics, targets, temperature, minibatches and random
/// numbers, all derived from its own seed, so member i is the same agent whatever N is. One update,
/// per member and with all losses taken from the parameters before it:
///
///     y    = r + γ·mask·minⱼ Q̄ⱼ(s′, ã′)                                (no entropy term by default)
///     Rⱼ   = mean_s[ T·log Σᵢ exp((Qⱼ(s, aᵢ) − log μ(aᵢ))/T) − Qⱼ(s, a) ]
///     L_Qⱼ = mean[(Qⱼ(s, a) − y)²] + w·Rⱼ
///     L_π  = mean[ α·log π(ã∣s) − minⱼ Qⱼ(s, ã) ]
///
/// with n uniform actions, n of π(·∣s) and n of π(·∣s′) in the sum, all evaluated at s. Papers write
/// ½·TD + α·R; this follows the implementations, so w is twice the paper's α.
///
/// The state part of the first layer is computed once per state, and rows whose softmax weight is
/// below float rounding get no backward pass; the result equals the dense computation to rounding.
public final class ConservativeQLearning: Learner {
  /// How strongly values of actions outside the data are pushed down.
  public enum Conservatism: Sendable, Codable, Equatable {
    /// w·R with constant w ≥ 0.
    case fixed(weight: Float)
    /// A learned multiplier α′ holds R near `gap`.
    case lagrange(weight: Float, gap: Float, form: LagrangeForm)
  }

  /// The two published forms of the Lagrange penalty.
  public enum LagrangeForm: String, Sendable, Codable, CaseIterable {
    /// α′·(w·R − gap), log α′ starts at 0 (the CQL authors' code).
    case official
    /// α′·w·(R − gap), log α′ starts at 1 (young-geng/CQL, CORL).
    case scaled
  }

  /// Which distribution the log-sum-exp estimates.
  public enum Regularizer: String, Sendable, Codable, CaseIterable {
    /// CQL(H): importance-sampled, each Q corrected by its action's log-density.
    case entropy
    /// CQL(ρ): no correction, and the dataset's action joins the sum.
    case density
  }

  /// The target y.
  public enum Backup: String, Sendable, Codable, CaseIterable {
    /// minⱼ Q̄ⱼ(s′, ã′).
    case deterministic
    /// minⱼ Q̄ⱼ(s′, ã′) − α·log π(ã′∣s′).
    case entropy
    /// minⱼ maxᵢ Q̄ⱼ(s′, aᵢ) over n actions of π(·∣s′) (the CQL authors' order).
    case minimumOfMaxima
    /// maxᵢ minⱼ Q̄ⱼ(s′, aᵢ) (CORL's and Cal-QL's order).
    case maximumOfMinima
  }

  public struct Configuration: Sendable, Codable, Equatable {
    /// Widths of the hidden layers of policy and critics.
    public var hiddenSizes = [256, 256]
    /// B, transitions in a minibatch of one member.
    public var batchSize = 256
    /// γ in [0, 1].
    public var discount: Float = 0.99
    /// τ in (0, 1]: rate at which targets follow.
    public var tau: Float = 0.005
    /// Adam rate of policy and temperature; 3e-4 is rlkit's, 1e-4 the CQL authors'.
    public var policyLearningRate: Float = 3e-4
    public var criticLearningRate: Float = 3e-4
    public var conservatism = Conservatism.fixed(weight: 5)
    public var regularizer = Regularizer.entropy
    /// n ≥ 1: actions of each of the three kinds.
    public var sampledActions = 10
    /// T > 0: temperature of the log-sum-exp.
    public var regularizerTemperature: Float = 1
    public var backup = Backup.deterministic
    /// Updates in which the policy clones the data instead of following Q (40,000 in the authors'
    /// script, 0 elsewhere).
    public var behaviorCloningSteps = 0
    /// log α at the start.
    public var initialLogTemperature = 0.0
    /// H̄; `nil` means −actionSize.
    public var targetEntropy: Double?
    public var logStdBounds = LogStdBounds.standard

    public init() {}

    /// Rows per state: the data's action and three times n sampled ones.
    package var rowsPerState: Int { 1 + 3 * sampledActions }
  }

  public let configuration: Configuration
  public let observationSize: Int
  public let actionSize: Int
  public private(set) var updateCount = 0
  package let members: [CQLMember]

  private let pool: WorkerPool
  /// Tests put known numbers into the members' noise and switch this off.
  package var drawsNoise = true
  /// Whether rows without gradient get no backward pass; tests and benchmarks switch it off to
  /// compare with the dense computation.
  package var skipsRows = true {
    didSet {
      for worker in workers {
        worker.negligibleWeight = skipsRows ? CQLScratch.negligibleWeight : -1
      }
    }
  }
  /// Tests and benchmarks take one pass throughout with it.
  package var forcedPass: PassKind? {
    didSet { for worker in workers { worker.regularizerPass.forced = forcedPass } }
  }
  /// What the critics' passes over all actions have done so far.
  package var passTally: PassTally {
    workers.reduce(into: PassTally()) { $0 += $1.regularizerPass.tally }
  }
  private let workers: [CQLScratch]
  private var metrics: Metrics

  /// - Parameters:
  ///   - memberCount: N ≥ 1.
  ///   - seeds: one per member.
  public init(
    configuration: Configuration, observationSize: Int, actionSize: Int, seeds: [UInt64],
    pool: WorkerPool
  ) {
    precondition(!seeds.isEmpty, "an ensemble needs at least one member")
    precondition(configuration.sampledActions >= 1 && configuration.batchSize >= 1)
    BLAS.prepare()
    self.configuration = configuration
    self.observationSize = observationSize
    self.actionSize = actionSize
    self.pool = pool
    members = seeds.map {
      CQLMember(
        configuration: configuration, observationSize: observationSize, actionSize: actionSize,
        seed: $0)
    }
    let shape = members[0].critics[0].network.shape
    workers = (0..<pool.threads).map { _ in
      CQLScratch(configuration: configuration, shape: shape, actionSize: actionSize)
    }
    metrics = Metrics(names: ConservativeQLearning.names(memberCount: seeds.count))
  }

  public var batchesPerUpdate: Int { members.count }
  public var metricNames: [String] { metrics.names }

  /// The policy of the first member; see ``policy(ofMember:)``.
  public var policy: any Policy { policy(ofMember: 0) }

  public func policy(ofMember index: Int) -> GaussianPolicy {
    GaussianPolicy(
      network: members[index].actor.network, logStdBounds: configuration.logStdBounds)
  }

  /// The twin critics of one member.
  public func critics(ofMember index: Int) -> [Network] {
    members[index].critics.map(\.network)
  }

  /// Their targets.
  public func targetCritics(ofMember index: Int) -> [Network] {
    members[index].critics.map { $0.target! }
  }

  public func update(on batches: [Batch]) throws(TrainingError) -> Metrics {
    precondition(
      batches.count == members.count
        && batches.allSatisfy { $0.size == configuration.batchSize },
      "\(batches.count) minibatches of \(batches.first?.size ?? 0) for \(members.count) members")
    drawNoise()
    drawActions(batches)
    evaluateTargetsAndActors(batches)
    evaluateCritics(batches)
    for (index, member) in members.enumerated() {
      member.summarize(updateCount: updateCount, into: &metrics.values, at: index * memberMetrics)
    }
    try checkFinite()
    for member in members { member.stepScalars() }
    stepNetworks()
    updateCount += 1
    return metrics
  }

  // MARK: The phases of an update; each is one parallel loop

  private func drawNoise() {
    guard drawsNoise else { return }
    pool.run(members.count * CQLMember.noiseKinds, with: self) { learner, task, _ in
      learner.members[task / CQLMember.noiseKinds].drawNoise(
        kind: task % CQLMember.noiseKinds, step: UInt64(learner.updateCount))
    }
  }

  /// ã, ã′ and the sampled actions of the regulariser with their log-densities.
  private func drawActions(_ batches: [Batch]) {
    pool.run(members.count * 2 * members[0].pieces.count, with: (self, batches)) {
      context, task, _ in
      let (learner, batches) = context
      let pieces = learner.members[0].pieces
      let member = learner.members[task / (2 * pieces.count)]
      let rows = pieces[task / 2 % pieces.count]
      batches[task / (2 * pieces.count)].withViews { batch in
        if task % 2 == 0 {
          member.drawCurrent(batch, rows: rows)
        } else {
          member.drawNext(batch, rows: rows)
        }
      }
    }
  }

  private func evaluateTargetsAndActors(_ batches: [Batch]) {
    let count = members.count * members[0].pieces.count
    pool.run(count, with: (self, batches)) { context, task, worker in
      let (learner, batches) = context
      let pieces = learner.members[0].pieces.count
      let member = learner.members[task / pieces]
      let scratch = learner.workers[worker]
      batches[task / pieces].withViews { batch in
        member.computeTargets(batch, piece: task % pieces, scratch: scratch)
        member.followCritics(
          batch, piece: task % pieces, clones: learner.clones, scratch: scratch.twins)
      }
    }
  }

  /// Whether the policy clones the data in this update.
  private var clones: Bool { updateCount < configuration.behaviorCloningSteps }

  private func evaluateCritics(_ batches: [Batch]) {
    let tasks = members.count * (2 * members[0].chunks.count + members[0].pieces.count)
    pool.run(tasks, with: (self, batches)) { context, task, worker in
      let (learner, batches) = context
      let pieces = learner.members[0].pieces.count
      let chunks = learner.members[0].chunks.count
      let criticTasks = learner.members.count * 2 * chunks
      if task < criticTasks {
        let index = task / (2 * chunks)
        batches[index].withViews { batch in
          learner.members[index].fitCritic(
            twin: task / chunks % 2, batch, chunk: task % chunks, scratch: learner.workers[worker])
        }
      } else {
        let index = (task - criticTasks) / pieces
        batches[index].withViews { batch in
          learner.members[index].improveActor(
            batch, piece: (task - criticTasks) % pieces, clones: learner.clones)
        }
      }
    }
  }

  private func stepNetworks() {
    let perMember = members[0].actor.sliceCount + 2 * members[0].critics[0].sliceCount
    pool.run(members.count * perMember, with: self) { learner, task, _ in
      let actorSlices = learner.members[0].actor.sliceCount
      let criticSlices = learner.members[0].critics[0].sliceCount
      let perMember = actorSlices + 2 * criticSlices
      let configuration = learner.configuration
      let member = learner.members[task / perMember]
      let slice = task % perMember
      if slice < actorSlices {
        member.actor.stepSlice(
          slice, AdamConfiguration(learningRate: configuration.policyLearningRate))
      } else {
        member.critics[(slice - actorSlices) / criticSlices].stepSlice(
          (slice - actorSlices) % criticSlices,
          AdamConfiguration(learningRate: configuration.criticLearningRate), tau: configuration.tau)
      }
    }
    for member in members {
      member.actor.advance()
      for critic in member.critics { critic.advance() }
    }
  }

  // MARK: Metrics

  private static let memberNames = [
    "td_loss", "conservative_gap", "policy_loss", "temperature", "multiplier", "entropy", "q_mean",
    "target_q_mean", "skipped_rows",
  ]
  private var memberMetrics: Int { ConservativeQLearning.memberNames.count }

  private static func names(memberCount: Int) -> [String] {
    (0..<memberCount).flatMap { member in memberNames.map { "member\(member)_\($0)" } }
  }

  private func checkFinite() throws(TrainingError) {
    for (index, value) in metrics.values.enumerated() where !value.isFinite {
      for member in members { member.clearGradients() }
      throw .diverged(metric: metrics.names[index], value: Float(value), updateCount: updateCount)
    }
  }

  // MARK: State

  public var state: NamedTensors {
    var state = NamedTensors()
    for (index, member) in members.enumerated() {
      state.add(member.state, under: "member-\(index)")
    }
    state["updateCount"] = Tensor(.int64([Int64(updateCount)]))
    return state
  }

  public func restore(_ state: NamedTensors) throws(StateError) {
    for (index, member) in members.enumerated() {
      try member.restore(state.part("member-\(index)"))
    }
    updateCount = Int(try state.integers("updateCount", count: 1)[0])
  }
}
