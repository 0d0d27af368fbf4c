import Autodiff
public import RLCore

/// Twin delayed deep deterministic policy gradient, TD3 (Fujimoto et al. 2018, arXiv:1802.09477).
///
///     a′   = clip(π̄(s′) + clip(ε, −c, c), −1, 1),  ε ~ N(0, σ²)
///     y    = r + γ·mask·minⱼ Q̄ⱼ(s′, a′)
///     L_Qⱼ = mean[(Qⱼ(s, a) − y)²]                    every update
///     L_π  = −mean[Q₁(s, π(s))]                        every second one, and targets follow then
public final class TwinDelayedDDPG: Algorithm {
  public static let name = "td3"
  public static let summary = "twin delayed DDPG (Fujimoto et al. 2018)"

  public struct Settings: AlgorithmSettings, TD3Settings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "rlkit")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "TD3, table 3")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "TD3, table 3")
    public var tau = 0.005
    @Setting(above: 0, through: 1, "Adam's step size for the policy.", source: "TD3's code")
    public var policyLearningRate = 3e-4
    @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "TD3's code")
    public var criticLearningRate = 3e-4
    @Setting(1...1000, "Updates of the critics for each of the policy.", symbol: "d", source: "TD3")
    public var policyDelay = 2
    @Setting(0...10, "Deviation of the noise on target actions.", symbol: "σ", source: "TD3")
    public var targetNoise = 0.2
    @Setting(0...10, "Bound of that noise.", symbol: "c", source: "TD3")
    public var noiseClip = 0.5
    @Setting(0...10, "Deviation of the noise on actions that are tried.", source: "TD3")
    public var explorationNoise = 0.1

    public init() {}
  }

  private let settings: Settings
  private let actor: Actor
  private let critics: Critics
  private let smoothing: Noise
  private let (criticLoss, policyLoss, targetMean): (Metric, Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    actor = parts.actor(
      head: .deterministic(explorationNoise: settings.explorationNoise), tau: settings.tau,
      optimizer: .adam(learningRate: settings.policyLearningRate))
    critics = parts.critics(
      count: 2, tau: settings.tau, optimizer: .adam(learningRate: settings.criticLearningRate))
    smoothing = parts.noise("smoothing")
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over the twins", share: 2)
    policyLoss = parts.metric("policy_loss", "−Q₁(s, π(s)) of the last policy update, averaged")
    targetMean = parts.metric("target_q_mean", "y, averaged")
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let next = actor.target(batch.nextObservations).mode
    let y = settings.target(batch, step, next: next, critics: critics, noise: smoothing)
    targetMean.record(y.batchMean)
    let movesPolicy = step.count % settings.policyDelay == 0
    try step.minimize(critics, reporting: criticLoss, targetsFollow: movesPolicy) {
      critics(batch.observations, batch.actions).squaredError(to: y)
    }
    guard movesPolicy else { return }
    try step.minimize(actor, reporting: policyLoss) {
      -critics(batch.observations, actor(batch.observations).mode, member: 0)
    }
  }

  public var policy: any Policy { actor.policy }
}

/// What TD3, TD3+BC and SPOT declare alike.
protocol TD3Settings {
  var discount: Double { get }
  var targetNoise: Double { get }
  var noiseClip: Double { get }
}

extension TD3Settings {
  /// y with target policy smoothing (TD3, eq. 14). The noisy action is clipped as in the authors' code.
  ///
  /// - Parameter action: π̄(s′), `[rows, actionSize]`.
  func target(
    _ batch: Rows, _ step: Step, next action: Variable, critics: Critics, noise: Noise
  ) -> Variable {
    let epsilon = (targetNoise * step.normal(noise, rows: batch.count, columns: action.columns))
      .clamped(-noiseClip, noiseClip)
    let next = (action + epsilon).clamped(-1, 1)
    return batch.rewards
      + discount * batch.masks * critics.target(batch.nextObservations, next).minimum()
  }
}
