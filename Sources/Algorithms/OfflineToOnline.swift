import Autodiff
public import RLCore

/// Off2On (Lee et al. 2021, arXiv:2107.00591): the ensemble form of SAC, which learns beside its critics how
/// typical of its own behaviour a transition is, and asks for the typical ones.
///
///     L_w = −mean_off[log(2/(w + 1))] − mean_on[log(2w/(w + 1))],   w(s, a) = max(0, 1 + f(s, a))
///     p   = clip(w^(1/T)/mean_off[w^(1/T)], 10⁻³, 10³)
///
/// L_w is the Jensen–Shannon bound whose optimum is w = d_on/d_off (section 4); p is how often the replay should
/// draw each row from now on, with the network before this update. Critics, policies and
/// temperature are ``SoftActorCritic``'s.
public final class OfflineToOnline: Algorithm {
  public static let name = "off2on"
  public static let summary = "ensemble SAC with density-ratio replay (Lee et al. 2021)"
  public static let takesEnsemble = true
  public static let extraColumns: [ExtraColumn] = [.online]
  public static let reportsPriorities = true

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "Off2On's code")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "Off2On's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "Off2On's code")
    public var tau = 0.005
    @Setting(
      above: 0, through: 1, "Adam's step size for policy and temperature.", source: "Off2On's code")
    public var policyLearningRate = 3e-4
    @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "Off2On's code")
    public var criticLearningRate = 3e-4
    @Setting(
      above: 0, through: 1000, "Temperature at the start.", symbol: "α", source: "Off2On's code")
    public var initialTemperature = 1.0
    @Setting(
      -1000...1000, "Entropy that the temperature is tuned to; left open: −actionSize.",
      symbol: "H̄", source: "SAC, appendix D")
    public var targetEntropy: Double? = nil
    @Setting(above: 0, through: 1, "Adam's step size for the ratio.", source: "Off2On's code")
    public var ratioLearningRate = 3e-4
    @Setting(
      above: 0, through: 1000, "How far the ratio is flattened.", symbol: "T",
      source: "Off2On's code")
    public var ratioTemperature = 5.0

    public init() {}

    var actorCritic: SoftActorCritic.Settings {
      var result = SoftActorCritic.Settings()
      (result.batchSize, result.discount, result.tau) = (batchSize, discount, tau)
      result.policyLearningRate = policyLearningRate
      result.criticLearningRate = criticLearningRate
      (result.initialTemperature, result.targetEntropy) = (initialTemperature, targetEntropy)
      return result
    }
  }

  private let settings: Settings
  private let actorCritic: SoftActorCritic
  private let ratio: FeedForward
  private let (ratioLoss, onlineRatio, offlineRatio): (Metric, Metric, Metric)
  private let priorityMetric: Metric

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    actorCritic = SoftActorCritic(settings.actorCritic, parts)
    ratio = parts.network(
      "ratio", inputSize: parts.observationSize + parts.actionSize, outputSize: 1,
      optimizer: .adam(learningRate: settings.ratioLearningRate))
    ratioLoss = parts.metric(
      "ratio_loss", "L_w; 0 where both kinds of rows look alike, −2·log 2 at best")
    onlineRatio = parts.metric("ratio_online", "w of the agent's own rows, averaged")
    offlineRatio = parts.metric("ratio_offline", "w of the dataset's rows, averaged")
    priorityMetric = parts.metric("priority", "p, averaged")
  }

  /// The ratio begins fresh: offline there is nothing to tell apart.
  public static func source(ofPart part: String) -> String? { part == "ratio" ? nil : part }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    try actorCritic.update(batch, step)

    let online = batch[.online]
    let share = online.batchMean
    // Weights with which the mean over all rows is the mean over the rows of one kind.
    let own = (share > 0 ? 1 / share : 0) * online
    let given = (share < 1 ? 1 / (1 - share) : 0) * (1 - online)
    try step.minimize(ratio, reporting: ratioLoss) {
      // The 1 is Off2On's initial bias of the head.
      let w = (ratio(batch.observations, batch.actions) + 1).relu()
      onlineRatio.record((own * w.detached).batchMean)
      offlineRatio.record((given * w.detached).batchMean)
      report(w.detached, of: share < 1 ? given : own, step)
      let offlineBound = (w + 1).logarithm() - 0.693_147_180_559_945_3
      let onlineBound = ((2 * w) / (w + 1) + 1e-10).logarithm()
      return given * offlineBound - own * onlineBound
    }
  }

  private func report(_ w: Variable, of scale: Variable, _ step: Step) {
    let flat = (w.clamped(1e-30, 1e30).logarithm() / settings.ratioTemperature).exponential()
    let mean = (scale * flat).batchMean + 1e-10
    let priorities = (flat / mean).clamped(1e-3, 1e3)
    priorityMetric.record(priorities.batchMean)
    step.report(priorities: priorities)
  }

  public var policy: any Policy { actorCritic.policy }
}
