import Autodiff
public import RLCore

/// Advantage-weighted actor-critic (Nair et al. 2020, arXiv:2006.09359), as rlkit runs it on MuJoCo.
///
///     y    = r + γ·mask·minⱼ Q̄ⱼ(s′, a′),  a′ ~ π(·∣s′)
///     L_Qⱼ = mean[(Qⱼ(s, a) − y)²]
///     A    = minⱼ Qⱼ(s, a) − minⱼ Qⱼ(s, ã),  ã ~ π(·∣s)
///     L_π  = −mean[B·softmax_batch(A/λ)·log π(a∣s)]
///
/// The critics step first. The policy is not squashed: mean tanh of the network, one log σ for all states.
public final class AdvantageWeightedActorCritic: Algorithm {
  public static let name = "awac"
  public static let summary = "advantage-weighted actor-critic (Nair et al. 2020)"

  /// What becomes of an advantage.
  public enum Weighting: String, SettingChoice {
    /// Softmax over the minibatch (rlkit).
    case softmax
    /// exp(A/λ), at most 100 (CORL).
    case exponential
  }

  public struct Settings: AlgorithmSettings {
    @Setting(
      1...65_536, "Transitions in a minibatch.", symbol: "B",
      source: "rlkit: 128 offline, 1024 online")
    public var batchSize = 1024
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "rlkit")
    public var discount = 0.99
    @Setting(above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "rlkit")
    public var tau = 0.005
    @Setting(above: 0, through: 1e6, "Scale of advantages.", symbol: "λ", source: "rlkit; CORL: ⅓")
    public var advantageScale = 2.0
    @Setting("How advantages become weights.", source: "rlkit")
    public var weighting = Weighting.softmax
    @Setting(
      "Whether the policy's draws are clipped to ±1, where the data's actions are, before the critics judge them.",
      source: "CORL, d3rlpy; rlkit: not")
    public var clipsDraws = false
    @Setting(1...8, "Hidden layers of the policy.", source: "rlkit")
    public var policyLayers = 4
    @Setting(above: 0, through: 1, "Adam's step size for the policy.", source: "rlkit")
    public var policyLearningRate = 3e-4
    @Setting(0...1, "Weight decay of the policy, part of its gradient.", source: "rlkit")
    public var policyDecay = 1e-4
    @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "rlkit")
    public var criticLearningRate = 3e-4

    public init() {}
  }

  private let settings: Settings
  private let actor: Actor
  private let critics: Critics
  private let (drawNow, drawNext): (Noise, Noise)
  private let (criticLoss, policyLoss): (Metric, Metric)
  private let (advantageMetric, qMean): (Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    var policyRate = OptimizerSettings.adam(learningRate: settings.policyLearningRate)
    if settings.policyDecay > 0 { policyRate.decay = .coupled(settings.policyDecay) }
    actor = parts.actor(
      head: .gaussian(mean: .tanh, logStd: .sigmoid(-6, 0)),
      hiddenSizes: Array(repeating: parts.hiddenSizes[0], count: settings.policyLayers),
      optimizer: policyRate)
    critics = parts.critics(
      count: 2, tau: settings.tau, optimizer: .adam(learningRate: settings.criticLearningRate))
    (drawNow, drawNext) = (parts.noise("current"), parts.noise("next"))
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over the twins", share: 2)
    policyLoss = parts.metric("policy_loss", "weighted −log π(a∣s)")
    advantageMetric = parts.metric("advantage", "A, averaged over the minibatch")
    qMean = parts.metric("q_mean", "minⱼ Qⱼ(s, a), averaged")
  }

  /// What the critics are asked about.
  private func judged(_ draws: Variable) -> Variable {
    settings.clipsDraws ? draws.clamped(-1, 1) : draws
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let next = judged(actor(batch.nextObservations).sample(drawNext).actions)
    let y =
      batch.rewards
      + settings.discount * batch.masks * critics.target(batch.nextObservations, next).minimum()
    try step.minimize(critics, reporting: criticLoss) {
      critics(batch.observations, batch.actions).squaredError(to: y)
    }

    let q = critics(batch.observations, batch.actions).minimum()
    qMean.record(q.batchMean)
    try step.minimize(actor, reporting: policyLoss) {
      let policy = actor(batch.observations)
      let now = judged(policy.sample(drawNow).actions.detached)
      let advantage = q - critics(batch.observations, now).minimum()
      advantageMetric.record(advantage.batchMean)
      let weight =
        settings.weighting == .softmax
        ? advantage.batchWeights(temperature: settings.advantageScale)
        : (advantage / settings.advantageScale).exponential().clamped(0, 100)
      return -weight * policy.logProb(of: batch.actions)
    }
  }

  public var policy: any Policy { actor.policy }
}
