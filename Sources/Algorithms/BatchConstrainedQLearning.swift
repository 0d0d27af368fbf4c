import Autodiff
public import RLCore

/// Batch-constrained deep Q-learning, BCQ (Fujimoto et al. 2019, arXiv:1812.02900): the best of actions
/// that the data could have shown, each a little perturbed.
///
///     L_VAE = mean[(â − a)²] + ½·KL,  â from q(z∣s, a)
///     y     = r + γ·mask·maxᵢ [λ·minⱼ Q̄ⱼ(s′, aᵢ) + (1 − λ)·maxⱼ Q̄ⱼ(s′, aᵢ)]           (eq. 13)
///     L_Qⱼ  = mean[(Qⱼ(s, a) − y)²]
///     L_ξ   = −mean[Q₁(s, ξ(s, â))],  ξ(s, a) = clip(a + Φ·tanh(f(s, a)), −1, 1)
///
/// with aᵢ = ξ̄(s′, âᵢ) and z of each âᵢ normal, clipped to ±0.5. In this order, each with the parameters
/// that the one before has left. It acts by argmax Q₁ over many such actions.
public final class BatchConstrainedQLearning: Algorithm {
  public static let name = "bcq"
  public static let summary = "batch-constrained Q-learning (Fujimoto et al. 2019)"

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "BCQ's code")
    public var batchSize = 100
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "BCQ's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "BCQ's code")
    public var tau = 0.005
    @Setting(above: 0, through: 1, "Adam's step size for all parts.", source: "BCQ's code")
    public var learningRate = 1e-3
    @Setting(0...2, "Greatest perturbation of an action.", symbol: "Φ", source: "BCQ's code")
    public var perturbation = 0.05
    @Setting(0...1, "Share of the twins' minimum in the target.", symbol: "λ", source: "BCQ's code")
    public var minimumShare = 0.75
    @Setting(0...1000, "Weight of the autoencoder's divergence.", symbol: "β", source: "BCQ's code")
    public var divergenceWeight = 0.5
    @Setting(1...1000, "Actions of which the target takes the best.", source: "BCQ's code")
    public var targetCandidates = 10
    @Setting(1...10_000, "Actions of which the policy plays the best.", source: "BCQ's code")
    public var actingCandidates = 100
    @Setting(1...65_536, "Units of the autoencoder's hidden layers.", source: "BCQ's code")
    public var autoencoderWidth = 750
    @Setting(1...65_536, "Units of the first hidden layer of ξ and Q.", source: "BCQ's code")
    public var firstWidth = 400
    @Setting(1...65_536, "Units of the second.", source: "BCQ's code")
    public var secondWidth = 300

    public init() {}
  }

  private let settings: Settings
  private let autoencoder: ActionAutoencoder
  private let perturbation: FeedForward
  private let critics: Critics
  private let (reconstruction, next, current): (Noise, Noise, Noise)
  private let (autoencoderLoss, criticLoss, policyLoss): (Metric, Metric, Metric)
  private let (qMean, targetMean): (Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    let rate = OptimizerSettings.adam(learningRate: settings.learningRate)
    let widths = [settings.firstWidth, settings.secondWidth]
    autoencoder = ActionAutoencoder(parts, width: settings.autoencoderWidth, optimizer: rate)
    perturbation = parts.network(
      "perturbation", inputSize: parts.observationSize + parts.actionSize,
      outputSize: parts.actionSize, hiddenSizes: widths, tau: settings.tau, initialization: .torch,
      optimizer: rate)
    critics = parts.critics(
      count: 2, hiddenSizes: widths, tau: settings.tau, initialization: .torch, optimizer: rate)
    (reconstruction, next) = (parts.noise("reconstruction"), parts.noise("next"))
    current = parts.noise("current")
    autoencoderLoss = parts.metric("autoencoder_loss", "(â − a)² + ½·KL, averaged")
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over the twins", share: 2)
    policyLoss = parts.metric("policy_loss", "−Q₁(s, ξ(s, â)), averaged")
    qMean = parts.metric("q_mean", "Q(s, a) of the data's actions, averaged over the twins")
    targetMean = parts.metric("target_q_mean", "y, averaged")
  }

  /// clip(a + Φ·tanh f, −1, 1).
  private func perturbed(_ actions: Variable, by output: Variable) -> Variable {
    (actions + settings.perturbation * output.tanh()).clamped(-1, 1)
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    try step.minimize(autoencoder, reporting: autoencoderLoss) {
      autoencoder.misfit(
        batch.observations, batch.actions, divergenceWeight: settings.divergenceWeight,
        reconstruction, step)
    }

    let n = settings.targetCandidates
    let states = batch.nextObservations.repeated(n)
    let decoded = autoencoder.sample(states, next, step)
    let candidates = perturbed(decoded, by: perturbation.target(states, decoded))
    let values = critics.target(states, candidates)
    let share = settings.minimumShare
    let mixed = share * values.minimum() + (1 - share) * values.maximum()
    let y = batch.rewards + settings.discount * batch.masks * mixed.gatheringRows(n).maximum()
    targetMean.record(y.batchMean)
    var q = y
    try step.minimize(critics, reporting: criticLoss) {
      q = critics(batch.observations, batch.actions)
      return q.squaredError(to: y)
    }
    qMean.record(q.batchMean)

    let shown = autoencoder.sample(batch.observations, current, step)
    try step.minimize(perturbation, reporting: policyLoss) {
      let action = perturbed(shown, by: perturbation(batch.observations, shown))
      return -critics(batch.observations, action).column(0)
    }
  }

  public var policy: any Policy {
    BatchConstrainedPolicy(
      decoder: autoencoder.snapshot, perturbation: perturbation.stack.snapshot(0),
      critic: critics.stack.snapshot(0), range: Float(settings.perturbation),
      candidates: settings.actingCandidates)
  }
}
