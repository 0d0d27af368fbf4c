import Autodiff
public import RLCore

/// Implicit Q-learning (Kostrikov et al. 2021, arXiv:2110.06169): no action outside the data is ever
/// evaluated.
///
///     L_V = mean[∣τ − 1(u < 0)∣·u²],  u = minⱼ Q̄ⱼ(s, a) − V(s)                         (eq. 5)
///     L_π = −mean[min(exp(β·(minⱼ Q̄ⱼ(s, a) − V(s))), 100)·log π(a∣s)]                  (eq. 7)
///     L_Q = mean[(r + γ·mask·V(s′) − Qⱼ(s, a))²]                                       (eq. 6)
///
/// in this order, each with the parameters that the one before has left (the authors' code).
public final class ImplicitQLearning: Algorithm {
  public static let name = "iql"
  public static let summary = "implicit Q-learning (Kostrikov et al. 2021)"

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "IQL's code")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "IQL's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "IQL's code")
    public var tau = 0.005
    @Setting(0.5...0.999, "Expectile of V.", symbol: "τ", source: "IQL, appendix B; locomotion")
    public var expectile = 0.7
    @Setting(
      0...1000, "Inverse temperature of the policy's weights.", symbol: "β",
      source: "IQL, appendix B; locomotion")
    public var inverseTemperature = 3.0
    @Setting(above: 0, through: 1e6, "Greatest weight of a transition.", source: "IQL's code")
    public var maximumWeight = 100.0
    @Setting(above: 0, through: 1, "Adam's step size for the policy.", source: "IQL's code")
    public var policyLearningRate = 3e-4
    @Setting(
      0...Int.max, "Updates in which the policy's step size falls to 0 along a cosine; 0: never.",
      source: "IQL's code: the offline updates")
    public var policyDecaySteps = 1_000_000
    @Setting(above: 0, through: 1, "Adam's step size for Q and V.", source: "IQL's code")
    public var criticLearningRate = 3e-4

    public init() {}
  }

  private let settings: Settings
  private let actor: Actor
  private let critics: Critics
  private let value: Critics
  private let (valueLoss, policyLoss, criticLoss): (Metric, Metric, Metric)
  private let (advantageMetric, weightMetric): (Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    let orthogonal = Initialization(
      hidden: .orthogonal(gain: 1.414_213_562), head: .orthogonal(gain: 1.414_213_562))
    let rate = OptimizerSettings.adam(learningRate: settings.criticLearningRate)
    var policyRate = OptimizerSettings.adam(learningRate: settings.policyLearningRate)
    if settings.policyDecaySteps > 0 {
      policyRate.schedule = .cosine(steps: settings.policyDecaySteps)
    }
    actor = parts.actor(
      head: .gaussian(mean: .tanh, logStd: .clamped(-5, 2)), initialization: orthogonal,
      optimizer: policyRate)
    critics = parts.critics(
      count: 2, tau: settings.tau, initialization: orthogonal, optimizer: rate)
    value = parts.critics(
      "value", count: 1, ofStatesOnly: true, initialization: orthogonal, optimizer: rate)
    valueLoss = parts.metric("value_loss", "expectile loss of V")
    policyLoss = parts.metric("policy_loss", "weighted −log π(a∣s)")
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over the twins", share: 2)
    advantageMetric = parts.metric("advantage", "minⱼ Q̄ⱼ(s, a) − V(s), averaged")
    weightMetric = parts.metric("policy_weight", "weight of a transition, averaged")
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let q = critics.target(batch.observations, batch.actions).minimum()

    try step.minimize(value, reporting: valueLoss) {
      (q - value(batch.observations)).expectile(settings.expectile)
    }
    let advantage = q - value(batch.observations)
    let weight = (settings.inverseTemperature * advantage).exponential()
      .clamped(0, settings.maximumWeight)
    advantageMetric.record(advantage.batchMean)
    weightMetric.record(weight.batchMean)
    try step.minimize(actor, reporting: policyLoss) {
      -weight * actor(batch.observations).logProb(of: batch.actions.clamped(-0.99999, 0.99999))
    }
    let y = batch.rewards + settings.discount * batch.masks * value(batch.nextObservations)
    try step.minimize(critics, reporting: criticLoss) {
      critics(batch.observations, batch.actions).squaredError(to: y)
    }
  }

  public var policy: any Policy { actor.policy }
}
