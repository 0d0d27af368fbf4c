import BRED

/// Implicit Q-learning (Kostrikov et al. 2021, arXiv:2110.06169), short form.
final class ExpectileQLearning: Algorithm {
  static let name = "expectile-q"
  static let summary = "implicit Q-learning, written for the guide"

  struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B") var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ") var discount = 0.99
    @Setting(0.5...0.999, "Expectile of V.", symbol: "τ") var expectile = 0.7
    @Setting(0...100, "Inverse temperature.", symbol: "β") var inverseTemperature = 3.0
    @Setting(above: 0, through: 1, "Adam's step size.") var learningRate = 3e-4
    init() {}
  }

  private let settings: Settings
  private let actor: Actor
  private let critics, value: Critics
  private let valueLoss, criticLoss, policyLoss: Metric

  init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    let adam = OptimizerSettings.adam(learningRate: settings.learningRate)
    actor = parts.actor(optimizer: adam)
    critics = parts.critics(count: 2, tau: 0.005, optimizer: adam)
    value = parts.critics("value", count: 1, ofStatesOnly: true, optimizer: adam)
    valueLoss = parts.metric("value_loss", "expectile loss of V")
    criticLoss = parts.metric("critic_loss", "squared TD error per critic", share: 2)
    policyLoss = parts.metric("policy_loss", "weighted −log π(a∣s)")
  }

  func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let q = critics.target(batch.observations, batch.actions).minimum()
    try step.minimize(value, reporting: valueLoss) {  // eq. 5
      (q - value(batch.observations)).expectile(settings.expectile)
    }
    let advantage = q - value(batch.observations)
    let weight = (settings.inverseTemperature * advantage).exponential().clamped(0, 100)
    try step.minimize(actor, reporting: policyLoss) {  // eq. 7
      -weight * actor(batch.observations).logProb(of: batch.actions)
    }
    let y = batch.rewards + settings.discount * batch.masks * value(batch.nextObservations)
    try step.minimize(critics, reporting: criticLoss) {  // eq. 6
      critics(batch.observations, batch.actions).squaredError(to: y)
    }
  }

  var policy: any Policy { actor.policy }
}
