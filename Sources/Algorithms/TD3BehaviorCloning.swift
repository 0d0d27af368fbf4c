import Autodiff
public import RLCore

/// TD3+BC (Fujimoto & Gu 2021, arXiv:2106.06860): TD3 whose policy also imitates the data.
///
///     L_π = mean[−λ·Q₁(s, π(s)) + (π(s) − a)²],  λ = α/mean∣Q₁(s, π(s))∣               (eqs. 3 and 5)
///
/// with the square averaged over action dimensions, and critics as in TD3.
public final class TD3BehaviorCloning: Algorithm {
  public static let name = "td3-bc"
  public static let summary = "TD3 with behaviour cloning (Fujimoto & Gu 2021)"

  public struct Settings: AlgorithmSettings, TD3Settings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "TD3+BC, table 4")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "TD3+BC, table 4")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "TD3+BC, table 4")
    public var tau = 0.005
    @Setting(above: 0, through: 1, "Adam's step size.", source: "TD3+BC, table 4")
    public var learningRate = 3e-4
    @Setting(0...1e6, "Weight of Q against imitation.", symbol: "α", source: "TD3+BC, table 4")
    public var valueWeight = 2.5
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
  private let (criticLoss, policyLoss): (Metric, Metric)
  private let (imitation, targetMean): (Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    let rate = OptimizerSettings.adam(learningRate: settings.learningRate)
    actor = parts.actor(
      head: .deterministic(explorationNoise: settings.explorationNoise), tau: settings.tau,
      initialization: .torch, optimizer: rate)
    critics = parts.critics(count: 2, tau: settings.tau, initialization: .torch, optimizer: rate)
    smoothing = parts.noise("smoothing")
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over the twins", share: 2)
    policyLoss = parts.metric("policy_loss", "loss of the last policy update")
    imitation = parts.metric("imitation_error", "(π(s) − a)² of the last policy update, averaged")
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
      let action = actor(batch.observations).mode
      let q = critics(batch.observations, action, member: 0)
      let lambda = settings.valueWeight / q.batchMeanOfMagnitudes
      let error = action.squaredError(to: batch.actions).mean()
      imitation.record(error.batchMean)
      return error - lambda * q
    }
  }

  public var policy: any Policy { actor.policy }
}
