import Autodiff
public import RLCore

/// Reinforcement learning with prior data, RLPD (Ball et al. 2023, arXiv:2302.02948): SAC with many
/// layer-normalised critics, meant for many updates on minibatches that are half the dataset's.
///
///     y    = r + γ·mask·[min_{j∈Z} Q̄ⱼ(s′, ã′) − α·log π(ã′∣s′)],  Z: some critics, drawn for each update
///     L_Qⱼ = mean[(Qⱼ(s, a) − y)²]                              every update
///     L_π  = mean[α·log π(ã∣s) − (1/K) Σⱼ Qⱼ(s, ã)]             every d-th one, with the new critics
///     L_α  = α·mean[−log π(ã∣s) − H̄]                            then
///
/// (algorithm 1; on α itself, not its logarithm). WSRL (Zhou et al. 2024, arXiv:2412.07762) is a choice of
/// settings: policyDelay 4, normalizesPolicy on, entropyBackup off, targetEntropy 0, policy at 1e-4.
public final class RLPD: Algorithm {
  public static let name = "rlpd"
  public static let summary =
    "SAC for prior data: K normalised critics (Ball et al. 2023); also WSRL"

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "RLPD's code")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "RLPD's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "RLPD's code")
    public var tau = 0.005
    @Setting(1...1000, "Critics.", symbol: "K", source: "RLPD, section 4.3; WSRL")
    public var critics = 10
    @Setting(
      1...1000, "Critics whose minimum is the target, at most all.", symbol: "∣Z∣",
      source: "RLPD's code for locomotion; WSRL")
    public var targetCritics = 2
    @Setting("Whether the critics' hidden layers are normalised.", source: "RLPD, section 4.2")
    public var normalizesCritics = true
    @Setting("Whether the policy's hidden layers are normalised.", source: "RLPD: no; WSRL: yes")
    public var normalizesPolicy = false
    @Setting(
      1...1000, "Updates of the critics for each of policy and temperature.", symbol: "d",
      source: "RLPD: 20; WSRL: 4")
    public var policyDelay = 20
    @Setting(
      above: 0, through: 1, "Adam's step size for policy and temperature.",
      source: "RLPD; WSRL: 1e-4")
    public var policyLearningRate = 3e-4
    @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "RLPD, WSRL")
    public var criticLearningRate = 3e-4
    @Setting(
      "Whether the critics' target contains the entropy term.", source: "RLPD: yes; WSRL: no")
    public var entropyBackup = true
    @Setting(
      above: 0, through: 1000, "Temperature at the start.", symbol: "α", source: "RLPD's code")
    public var initialTemperature = 1.0
    @Setting(
      -1000...1000, "Entropy that the temperature is tuned to; left open: −actionSize/2.",
      symbol: "H̄", source: "RLPD's code; WSRL's: 0")
    public var targetEntropy: Double? = nil

    public init() {}
  }

  private let settings: Settings
  private let targetEntropy: Double
  private let actor: Actor
  private let critics: Critics
  private let temperature: PositiveScalar
  private let (drawNow, drawNext, subset): (Noise, Noise, Noise)
  private let (criticLoss, policyLoss, temperatureLoss): (Metric, Metric, Metric)
  private let (alphaMetric, entropy, qMean, targetMean): (Metric, Metric, Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) throws(AlgorithmError) {
    guard settings.targetCritics <= settings.critics else {
      throw .needs(
        algorithm: RLPD.name,
        what:
          "targetCritics of at most critics, \(settings.critics); it is \(settings.targetCritics)")
    }
    self.settings = settings
    targetEntropy = settings.targetEntropy ?? -0.5 * Double(parts.actionSize)
    let policyRate = OptimizerSettings.adam(learningRate: settings.policyLearningRate)
    let start = Initialization(hidden: .xavier(gain: 1), head: .xavier(gain: 1))
    actor = parts.actor(
      layerNorm: settings.normalizesPolicy, initialization: start, optimizer: policyRate)
    critics = parts.critics(
      count: settings.critics, layerNorm: settings.normalizesCritics, tau: settings.tau,
      initialization: start, optimizer: .adam(learningRate: settings.criticLearningRate))
    temperature = parts.scalar(
      "temperature", initial: settings.initialTemperature, optimizer: policyRate)
    (drawNow, drawNext) = (parts.noise("current"), parts.noise("next"))
    subset = parts.noise("subset")
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over critics", share: settings.critics)
    policyLoss = parts.metric("policy_loss", "α·log π − mean Q of the last policy update, averaged")
    temperatureLoss = parts.metric("temperature_loss", "α·(−log π − H̄) of that update, averaged")
    alphaMetric = parts.metric("temperature", "α before the update")
    entropy = parts.metric("entropy", "−log π(ã∣s) of the last policy update, averaged")
    qMean = parts.metric("q_mean", "Q(s, a) of the minibatch's actions, averaged over critics")
    targetMean = parts.metric("target_q_mean", "y, averaged")
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let alpha = temperature.value
    alphaMetric.record(alpha)

    let next = actor(batch.nextObservations).sample(drawNext)
    let some = step.randomMembers(subset, settings.targetCritics, of: critics)
    let value = critics.target(batch.nextObservations, next.actions, only: some).minimum()
    let soft = settings.entropyBackup ? value - alpha * next.logProbs : value
    let y = batch.rewards + settings.discount * batch.masks * soft
    targetMean.record(y.batchMean)
    var q = y
    try step.minimize(critics, reporting: criticLoss) {
      q = critics(batch.observations, batch.actions)
      return q.squaredError(to: y)
    }
    qMean.record(q.batchMean)

    guard (step.count + 1) % settings.policyDelay == 0 else { return }
    var logProbs = y
    try step.minimize(actor, reporting: policyLoss) {
      let now = actor(batch.observations).sample(drawNow)
      logProbs = now.logProbs.detached
      return alpha * now.logProbs - critics(batch.observations, now.actions).mean()
    }
    entropy.record(-logProbs.batchMean)
    try step.minimize(temperature, reporting: temperatureLoss) {
      temperature.logarithm(for: logProbs).exponential() * (-logProbs - targetEntropy)
    }
  }

  public var policy: any Policy { actor.policy }
}
