import Autodiff
public import RLCore

/// Soft actor-critic (Haarnoja et al. 2018, arXiv:1812.05905) with N twin pairs of critics.
///
/// One pair is SAC. N pairs are the online phase of BRED (Lee et al., section 4.2): member i keeps its own
/// twins and targets and regresses to
///
///     yᵢ = r + γ·mask·[minⱼ Q̄ᵢⱼ(s′, ã′) − α·log π(ã′∣s′)]
///
/// while the one policy follows the mean of the members' twin minima (eq. 10),
///
///     L_π = mean[α·log π(ã∣s) − (1/N) Σᵢ minⱼ Qᵢⱼ(s, ã)].
///
/// All losses are taken from the parameters before the update. One minibatch and one draw of ã, ã′ serve
/// all members.
public final class SoftActorCritic: Algorithm {
  public static let name = "sac"
  public static let summary =
    "soft actor-critic with N twin pairs (Haarnoja et al. 2018; BRED, eq. 10)"
  public static let takesEnsemble = true

  /// The value of the next state in the critics' target y = r + γ·mask·(…).
  public enum Backup: String, SettingChoice {
    /// y includes −α·log π(ã′∣s′), as in SAC.
    case entropy
    /// y is the plain value, as in CQL ("SAC-D" of BRED's appendix C).
    case deterministic
  }

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "SAC, table 1")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "SAC, table 1")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "SAC, table 1")
    public var tau = 0.005
    @Setting(
      above: 0, through: 1, "Adam's step size for policy and temperature.",
      source: "Off2On; BRED: one of 3e-4, 3e-5, 5e-6 per dataset")
    public var policyLearningRate = 3e-4
    @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "BRED, appendix A")
    public var criticLearningRate = 3e-4
    @Setting("Whether the critics' target contains the entropy term.", source: "SAC, eq. 3")
    public var backup = Backup.entropy
    @Setting(
      above: 0, through: 1000, "Temperature at the start.", symbol: "α", source: "Off2On")
    public var initialTemperature = 1.0
    @Setting(
      -1000...1000, "Entropy that the temperature is tuned to; left open: −actionSize.",
      symbol: "H̄", source: "SAC, appendix D")
    public var targetEntropy: Double? = nil
    @Setting(
      0...10_000_000,
      "Updates from the switch on in which only the critics learn; policy and temperature wait.",
      source: "docs/results/dip.md")
    public var criticsFirst = 0

    public init() {}
  }

  private let settings: Settings
  private let targetEntropy: Double
  let actor: Actor
  let critics: Critics
  let temperature: PositiveScalar
  private let (drawNow, drawNext): (Noise, Noise)
  private let (criticLoss, policyLoss, temperatureLoss): (Metric, Metric, Metric)
  private let (alphaMetric, entropy, qMean, targetMean): (Metric, Metric, Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    targetEntropy = settings.targetEntropy ?? -Double(parts.actionSize)
    let policyRate = OptimizerSettings.adam(learningRate: settings.policyLearningRate)
    actor = parts.actor(members: parts.actorMembers, optimizer: policyRate)
    critics = parts.critics(
      count: 2 * parts.ensembleSize, tau: settings.tau,
      optimizer: .adam(learningRate: settings.criticLearningRate))
    temperature = parts.scalar(
      "temperature", initial: settings.initialTemperature, optimizer: policyRate)
    (drawNow, drawNext) = (parts.noise("current"), parts.noise("next"))
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over critics", share: critics.count)
    policyLoss = parts.metric("policy_loss", "α·log π − Q, averaged over the minibatch")
    temperatureLoss = parts.metric("temperature_loss", "−log α·(log π + H̄), averaged")
    alphaMetric = parts.metric("temperature", "α before the update")
    entropy = parts.metric("entropy", "−log π(ã∣s), averaged")
    qMean = parts.metric("q_mean", "Q(s, a) of the minibatch's actions, averaged over critics")
    targetMean = parts.metric("target_q_mean", "y, averaged over members")
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let alpha = temperature.value
    alphaMetric.record(alpha)

    let next = actor(batch.nextObservations).sample(drawNext)
    let value = critics.target(batch.nextObservations, next.actions).minimum(of: 2)
    let soft = settings.backup == .entropy ? value - alpha * next.logProbs : value
    let y = batch.rewards + settings.discount * batch.masks * soft
    targetMean.record(y.batchMean)

    var q = y
    try step.gradient(of: critics, reporting: criticLoss) {
      q = critics(batch.observations, batch.actions)
      return q.squaredError(to: y)
    }
    qMean.record(q.batchMean)
    guard step.sinceSwitch >= settings.criticsFirst else { return step.apply(critics) }

    var logProbs = y
    try step.gradient(of: actor, reporting: policyLoss) {
      let now = actor(batch.observations).sample(drawNow)
      logProbs = now.logProbs.detached
      return alpha * now.logProbs
        - critics(batch.observations, now.actions).minimum(of: 2).mean()
    }
    entropy.record(-logProbs.batchMean)

    try step.gradient(of: temperature, reporting: temperatureLoss) {
      -temperature.logarithm(for: logProbs) * (logProbs + targetEntropy)
    }
    step.apply(actor, critics, temperature)
  }

  public var policy: any Policy { actor.policy }
}
