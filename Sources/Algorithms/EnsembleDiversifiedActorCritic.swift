import Autodiff
public import RLCore

/// Ensemble-diversified actor-critic, EDAC (An et al. 2021, arXiv:2110.01548): SAC whose K critics must
/// disagree about where to go from the data's actions.
///
///     y    = r + γ·mask·[minⱼ Q̄ⱼ(s′, ã′) − α·log π(ã′∣s′)]
///     L_Qⱼ = mean[(Qⱼ(s, a) − y)²]
///     L_ES = η/(K − 1)·mean[Σᵢ Σ_{j≠i} ⟨gᵢ, gⱼ⟩],  gⱼ = ∇ₐQⱼ(s, a)/‖∇ₐQⱼ(s, a)‖         (section 4)
///     L_π  = mean[α·log π(ã∣s) − minⱼ Qⱼ(s, ã)]
///
/// with both minima over all K. η = 0 is ``SACN``. All losses are taken from the parameters before the update.
public final class EnsembleDiversifiedActorCritic: Algorithm {
  public static let name = "edac"
  public static let summary = "SAC with K diversified critics; η = 0: SAC-N (An et al. 2021)"

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "EDAC's code")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "EDAC's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "EDAC's code")
    public var tau = 0.005
    @Setting(
      2...1000, "Critics.", symbol: "K",
      source: "EDAC's README: 10, hopper 50; SAC-N: 10, hopper 200 to 500, walker2d 20")
    public var critics = 10
    @Setting(
      0...1e6, "Weight of the diversity term; 0: SAC-N.", symbol: "η",
      source: "EDAC's README: 1; 5 for halfcheetah- and walker2d-medium-expert")
    public var diversity = 1.0
    @Setting(
      above: 0, through: 1, "Adam's step size for policy and temperature.", source: "EDAC's code")
    public var policyLearningRate = 3e-4
    @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "EDAC's code")
    public var criticLearningRate = 3e-4
    @Setting(
      above: 0, through: 1000, "Temperature at the start.", symbol: "α", source: "EDAC's code")
    public var initialTemperature = 1.0
    @Setting(
      -1000...1000, "Entropy that the temperature is tuned to; left open: −actionSize.",
      symbol: "H̄", source: "SAC, appendix D")
    public var targetEntropy: Double? = nil

    public init() {}
  }

  private let settings: Settings
  private let targetEntropy: Double
  private let actor: Actor
  private let critics: Critics
  private let temperature: PositiveScalar
  private let (drawNow, drawNext): (Noise, Noise)
  private let (criticLoss, diversityLoss): (Metric, Metric)
  private let (policyLoss, temperatureLoss): (Metric, Metric)
  private let (alphaMetric, entropy): (Metric, Metric)
  private let (qMean, qSpread, targetMean): (Metric, Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    targetEntropy = settings.targetEntropy ?? -Double(parts.actionSize)
    let policyRate = OptimizerSettings.adam(learningRate: settings.policyLearningRate)
    // rlkit's first initialisation: biases 0.1 below, and random at the heads.
    var policyStart = Initialization(head: .uniform(1e-3))
    var criticStart = Initialization(head: .uniform(3e-3))
    (policyStart.hiddenBias, criticStart.hiddenBias) = (0.1, 0.1)
    (policyStart.randomHeadBiases, criticStart.randomHeadBiases) = (2 * parts.actionSize, 1)
    actor = parts.actor(
      head: .tanhGaussian(LogStdBounds(lower: -5, upper: 2)), initialization: policyStart,
      optimizer: policyRate)
    critics = parts.critics(
      count: settings.critics, tau: settings.tau, initialization: criticStart,
      optimizer: .adam(learningRate: settings.criticLearningRate))
    temperature = parts.scalar(
      "temperature", initial: settings.initialTemperature, optimizer: policyRate)
    (drawNow, drawNext) = (parts.noise("current"), parts.noise("next"))
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over critics", share: settings.critics)
    diversityLoss = parts.metric(
      "diversity_loss", "η·K times the mean cosine between the critics' action gradients")
    policyLoss = parts.metric("policy_loss", "α·log π − minⱼ Qⱼ, averaged over the minibatch")
    temperatureLoss = parts.metric("temperature_loss", "−log α·(log π + H̄), averaged")
    alphaMetric = parts.metric("temperature", "α before the update")
    entropy = parts.metric("entropy", "−log π(ã∣s), averaged")
    qMean = parts.metric("q_mean", "Q(s, a) of the minibatch's actions, averaged over critics")
    qSpread = parts.metric("q_variance", "variance of Q(s, a) over the critics, averaged")
    targetMean = parts.metric("target_q_mean", "y, averaged")
    diversityLoss.record(0)
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let alpha = temperature.value
    alphaMetric.record(alpha)

    let next = actor(batch.nextObservations).sample(drawNext)
    let value = critics.target(batch.nextObservations, next.actions).minimum()
    let y = batch.rewards + settings.discount * batch.masks * (value - alpha * next.logProbs)
    targetMean.record(y.batchMean)

    var q = y
    try step.gradient(of: critics, reporting: criticLoss) {
      q = critics(batch.observations, batch.actions)
      return q.squaredError(to: y)
    }
    qMean.record(q.batchMean)
    qSpread.record(q.meanRowVariance)
    if settings.diversity > 0 {
      try step.gradient(of: critics, reporting: diversityLoss) {
        let size = batch.actions.columns
        let g = critics.actionGradients(batch.observations, batch.actions).normalized(of: size)
        // Σ_{i≠j} ⟨gᵢ, gⱼ⟩ = ‖Σᵢ gᵢ‖² − Σᵢ ‖gᵢ‖²
        let alignment = g.sumOfGroups(of: size).squared().sum() - g.squared().sum()
        return settings.diversity / Double(critics.count - 1) * alignment
      }
    }

    var logProbs = y
    try step.gradient(of: actor, reporting: policyLoss) {
      let now = actor(batch.observations).sample(drawNow)
      logProbs = now.logProbs.detached
      return alpha * now.logProbs - critics(batch.observations, now.actions).minimum()
    }
    entropy.record(-logProbs.batchMean)

    try step.gradient(of: temperature, reporting: temperatureLoss) {
      -temperature.logarithm(for: logProbs) * (logProbs + targetEntropy)
    }
    step.apply(actor, critics, temperature)
  }

  public var policy: any Policy { actor.policy }
}
