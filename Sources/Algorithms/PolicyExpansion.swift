import Autodiff
public import RLCore

/// Policy expansion, PEX (Zhang et al. 2023, arXiv:2302.00935): the offline policy stays as it is, a fresh
/// one joins it, and their critics choose between both.
///
///     a₁ = mode of π_off(·∣s),  a₂ ~ π(·∣s),  a = aᵢ with probability ∝ exp(κ·minⱼ Qⱼ(s, aᵢ))
///     L_V = mean[∣τ − 1(u < 0)∣·u²],  u = minⱼ Q̄ⱼ(s, a_data) − V(s)
///     L_Q = mean[(r + γ·mask·V(s′) − Qⱼ(s, a_data))²]
///     L_π = −mean[min(exp(β·(minⱼ Q̄ⱼ(s, a) − V(s))), 100)·log π(a∣s)]
///
/// in this order; V(s′) is the one before the update. The new policy learns from the actions that the two
/// would play, not from the minibatch's. Critics, V and π_off come from an agent of IQL.
public final class PolicyExpansion: Algorithm {
  public static let name = "pex"
  public static let summary = "a new policy beside an offline agent's of IQL (Zhang et al. 2023)"

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "PEX's code")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "PEX's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "PEX's code")
    public var tau = 0.005
    @Setting(
      0.5...0.999, "Expectile of V.", symbol: "τ",
      source: "PEX's code; its example for halfcheetah: 0.9")
    public var expectile = 0.7
    @Setting(
      0...1000, "Inverse temperature of the policy's weights.", symbol: "β", source: "PEX's code")
    public var inverseTemperature = 10.0
    @Setting(above: 0, through: 1e6, "Greatest weight of an action.", source: "PEX's code")
    public var maximumWeight = 100.0
    @Setting(
      0...1000, "Inverse temperature of the choice between the policies.", symbol: "κ",
      source: "PEX's code")
    public var choiceTemperature = 10.0
    @Setting(
      0...1, "Chance of a random rather than the best choice in evaluation.", source: "PEX's code")
    public var evaluationExploration = 0.1
    @Setting(above: 0, through: 1, "Adam's step size for all parts.", source: "PEX's code")
    public var learningRate = 3e-4

    public init() {}
  }

  private let settings: Settings
  private let offline: Actor
  private let actor: Actor
  private let critics: Critics
  private let value: Critics
  private let (draw, choice): (Noise, Noise)
  private let (valueLoss, criticLoss, policyLoss): (Metric, Metric, Metric)
  private let (advantageMetric, weightMetric, newShare): (Metric, Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    let start = Initialization(
      hidden: .orthogonal(gain: 1.414_213_562), head: .orthogonal(gain: 1.414_213_562))
    let rate = OptimizerSettings.adam(learningRate: settings.learningRate)
    func policy(_ name: String) -> Actor {
      parts.actor(
        name, head: .gaussian(mean: .tanh, logStd: .clamped(-5, 2)), initialization: start,
        optimizer: rate)
    }
    (offline, actor) = (policy("offline-actor"), policy("actor"))
    critics = parts.critics(count: 2, tau: settings.tau, initialization: start, optimizer: rate)
    value = parts.critics(
      "value", count: 1, ofStatesOnly: true, initialization: start, optimizer: rate)
    (draw, choice) = (parts.noise("draw"), parts.noise("choice"))
    valueLoss = parts.metric("value_loss", "expectile loss of V")
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over the twins", share: 2)
    policyLoss = parts.metric("policy_loss", "weighted −log π(a∣s) of the actions chosen")
    advantageMetric = parts.metric(
      "advantage", "minⱼ Q̄ⱼ(s, a) − V(s) of the actions chosen, averaged")
    weightMetric = parts.metric("policy_weight", "weight of an action, averaged")
    newShare = parts.metric(
      "new_policy_share", "share of states in which the new policy was chosen")
  }

  /// The new policy begins fresh; the offline one takes over what the agent before it acted with.
  public static func source(ofPart part: String) -> String? {
    switch part {
    case "actor", "actor-log-std": nil
    case "offline-actor": "actor"
    case "offline-actor-log-std": "actor-log-std"
    default: part
    }
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let y = batch.rewards + settings.discount * batch.masks * value(batch.nextObservations)
    let q = critics.target(batch.observations, batch.actions).minimum()
    try step.minimize(value, reporting: valueLoss) {
      (q - value(batch.observations)).expectile(settings.expectile)
    }
    try step.minimize(critics, reporting: criticLoss) {
      critics(batch.observations, batch.actions).squaredError(to: y)
    }

    try step.minimize(actor, reporting: policyLoss) {
      let policy = actor(batch.observations)
      let actions = composed(batch.observations, policy, step)
      let advantage =
        critics.target(batch.observations, actions).minimum() - value(batch.observations)
      let weight = (settings.inverseTemperature * advantage).exponential()
        .clamped(0, settings.maximumWeight)
      advantageMetric.record(advantage.batchMean)
      weightMetric.record(weight.batchMean)
      return -weight * policy.logProb(of: actions)
    }
  }

  /// What the two policies together would play, as constants.
  private func composed(
    _ observations: Variable, _ policy: ActionDistribution, _ step: Step
  ) -> Variable {
    let old = offline(observations).mode.clamped(-1, 1)
    let new = policy.sample(draw).actions.detached.clamped(-1, 1)
    let values = critics(observations, old).minimum()
      .joined(with: critics(observations, new).minimum())
    let chosen = step.choice(choice, logits: settings.choiceTemperature * values)
    newShare.record(chosen.column(1).batchMean)
    return old.chosen(where: chosen.column(0), otherwise: new)
  }

  public var policy: any Policy {
    ExpandedPolicy(
      offline: offline.policy, online: actor.policy,
      critics: (0..<critics.count).map { critics.stack.snapshot($0) },
      inverseTemperature: Float(settings.choiceTemperature),
      evaluationExploration: settings.evaluationExploration)
  }
}
