import Autodiff
public import RLCore

/// Behaviour cloning: the policy under which the data's actions are most likely.
///
///     L_π = −mean[log π(a∣s)]
public final class BehaviorCloning: Algorithm {
  public static let name = "bc"
  public static let summary = "behaviour cloning by maximum likelihood"

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "CORL")
    public var batchSize = 256
    @Setting(above: 0, through: 1, "Adam's step size.", source: "CORL")
    public var policyLearningRate = 3e-4

    public init() {}
  }

  private let actor: Actor
  private let noise: Noise
  private let (policyLoss, entropy): (Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    actor = parts.actor(optimizer: .adam(learningRate: settings.policyLearningRate))
    noise = parts.noise("entropy")
    policyLoss = parts.metric("policy_loss", "−log π(a∣s) of the data's actions, averaged")
    entropy = parts.metric("entropy", "−log π(ã∣s), averaged")
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    try step.minimize(actor, reporting: policyLoss) {
      let policy = actor(batch.observations)
      entropy.record(-policy.sample(noise).logProbs.batchMean)
      return -policy.logProb(of: batch.actions)
    }
  }

  public var policy: any Policy { actor.policy }
}
