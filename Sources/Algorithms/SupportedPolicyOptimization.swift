import Autodiff
public import RLCore

/// Supported policy optimisation, SPOT (Wu et al. 2022, arXiv:2202.06239): TD3 whose policy pays for
/// actions that a model of the data finds unlikely.
///
///     L_π = mean[−Q₁(s, π(s))/m + λ·d(s, π(s))],  m = mean∣Q₁(s, π(s))∣            (section 4)
///
/// with d the misfit of an autoencoder that the first ``Settings/vaeSteps`` updates train alone, and critics
/// as in TD3. Updates leave out a share of the policy's hidden units, its target's too. After the beginning of
/// interaction, λ falls to a share of itself.
public final class SupportedPolicyOptimization: Algorithm {
  public static let name = "spot"
  public static let summary = "TD3 within the data's support (Wu et al. 2022)"

  public struct Settings: AlgorithmSettings, TD3Settings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "SPOT's code")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "SPOT's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "SPOT's code")
    public var tau = 0.005
    @Setting(
      above: 0, through: 1, "Adam's step size for policy and critics.", source: "SPOT's code")
    public var learningRate = 3e-4
    @Setting(1...1000, "Updates of the critics for each of the policy.", symbol: "d", source: "TD3")
    public var policyDelay = 2
    @Setting(0...10, "Deviation of the noise on target actions.", symbol: "σ", source: "TD3")
    public var targetNoise = 0.2
    @Setting(0...10, "Bound of that noise.", symbol: "c", source: "TD3")
    public var noiseClip = 0.5
    @Setting(0...10, "Deviation of the noise on actions that are tried.", source: "TD3")
    public var explorationNoise = 0.1
    @Setting(
      0...0.9, "Share of the policy's hidden units that updates leave out.",
      source: "SPOT's code: 0.1 for locomotion, 0 for AntMaze")
    public var dropout = 0.1
    @Setting(
      0...1e6, "Weight of the support term.", symbol: "λ",
      source: "SPOT's code: 0.05 to 1 by dataset, hopper-medium's here")
    public var supportWeight = 0.1
    @Setting(
      0...Int.max, "Updates of interaction in which λ falls; 0: it does not.", symbol: "T",
      source: "SPOT's code")
    public var coolingSteps = 1_000_000
    @Setting(0...1, "Share of λ that stays.", source: "SPOT's code")
    public var finalSupportShare = 0.2
    @Setting(0...Int.max, "Updates that train the autoencoder first.", source: "SPOT's code")
    public var vaeSteps = 100_000
    @Setting(above: 0, through: 1, "Adam's step size for the autoencoder.", source: "SPOT's code")
    public var vaeLearningRate = 1e-3
    @Setting(1...65_536, "Units of the autoencoder's hidden layers.", source: "SPOT's code")
    public var vaeWidth = 750
    @Setting(
      0...1000, "Weight of the autoencoder's divergence.", symbol: "β", source: "SPOT's code")
    public var divergenceWeight = 0.5

    public init() {}
  }

  private let settings: Settings
  private let autoencoder: ActionAutoencoder
  private let actor: Actor
  private let critics: Critics
  private let (reconstruction, smoothing): (Noise, Noise)
  private let (dropping, targetDropping): (Noise, Noise)
  private let (vaeLoss, criticLoss, policyLoss): (Metric, Metric, Metric)
  private let (misfit, weightMetric, targetMean): (Metric, Metric, Metric)

  public init(_ settings: Settings, _ parts: AgentParts) {
    self.settings = settings
    let rate = OptimizerSettings.adam(learningRate: settings.learningRate)
    autoencoder = ActionAutoencoder(
      parts, width: settings.vaeWidth, optimizer: .adam(learningRate: settings.vaeLearningRate))
    actor = parts.actor(
      head: .deterministic(explorationNoise: settings.explorationNoise), tau: settings.tau,
      initialization: .torch, optimizer: rate)
    critics = parts.critics(count: 2, tau: settings.tau, initialization: .torch, optimizer: rate)
    (reconstruction, smoothing) = (parts.noise("reconstruction"), parts.noise("smoothing"))
    (dropping, targetDropping) = (parts.noise("dropout"), parts.noise("target-dropout"))
    vaeLoss = parts.metric(
      "vae_loss", "loss of the autoencoder while it is trained, afterwards the last")
    criticLoss = parts.metric(
      "critic_loss", "mean squared TD error, averaged over the twins", share: 2)
    policyLoss = parts.metric("policy_loss", "loss of the last policy update")
    misfit = parts.metric("misfit", "d(s, π(s)) of the last policy update, averaged")
    weightMetric = parts.metric("support_weight", "λ of the last policy update")
    targetMean = parts.metric("target_q_mean", "y, averaged")
  }

  /// λ·max(share, 1 − t/T), t updates after the beginning of interaction.
  private func supportWeight(_ step: Step) -> Double {
    guard let start = step.onlineSince, settings.coolingSteps > 0 else {
      return settings.supportWeight
    }
    let left = 1 - Double(step.count - start) / Double(settings.coolingSteps)
    return settings.supportWeight * max(settings.finalSupportShare, left)
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    if step.onlineSince == nil, step.count < settings.vaeSteps {
      try step.minimize(autoencoder, reporting: vaeLoss) {
        autoencoder.misfit(
          batch.observations, batch.actions, divergenceWeight: settings.divergenceWeight,
          reconstruction, step)
      }
      return
    }
    let next = actor.target(batch.nextObservations, dropout: settings.dropout, targetDropping)
    let y = settings.target(batch, step, next: next.mode, critics: critics, noise: smoothing)
    targetMean.record(y.batchMean)
    let movesPolicy = step.count % settings.policyDelay == 0
    try step.minimize(critics, reporting: criticLoss, targetsFollow: movesPolicy) {
      critics(batch.observations, batch.actions).squaredError(to: y)
    }
    guard movesPolicy else { return }
    let lambda = supportWeight(step)
    weightMetric.record(lambda)
    try step.minimize(actor, reporting: policyLoss) {
      let action = actor(batch.observations, dropout: settings.dropout, dropping).mode
      let q = critics(batch.observations, action, member: 0)
      let distance = autoencoder.misfit(
        batch.observations, action, divergenceWeight: settings.divergenceWeight, reconstruction,
        step)
      misfit.record(distance.batchMean)
      return lambda * distance - q / q.batchMeanOfMagnitudes
    }
  }

  public var policy: any Policy { actor.policy }
}
