import Autodiff
public import RLCore

/// Settings of conservative Q-learning, offline and online.
public struct CQLSettings: AlgorithmSettings {
  /// How the regulariser is weighted.
  public enum Weighting: String, SettingChoice {
    /// w·R with constant w.
    case fixed
    /// α′·(w·R − gap), log α′ from 0: the authors' Lagrange version.
    case lagrange
    /// α′·w·(R − gap), log α′ from 1: young-geng/CQL's and CORL's.
    case scaledLagrange = "scaled-lagrange"
  }

  /// Which distribution the log-sum-exp estimates.
  public enum Regularizer: String, SettingChoice {
    /// CQL(H): each Q corrected by its action's log-density.
    case importanceSampled = "importance-sampled"
    /// CQL(ρ): no correction, and the dataset's action joins the sum.
    case plain
  }

  /// The value of s′ in the target y.
  public enum Backup: String, SettingChoice {
    /// minⱼ Q̄ⱼ(s′, ã′).
    case deterministic
    /// minⱼ Q̄ⱼ(s′, ã′) − α·log π(ã′∣s′).
    case entropy
    /// minⱼ maxᵢ Q̄ⱼ(s′, aᵢ) over n actions of π(·∣s′): the authors' order.
    case minimumOfMaxima = "minimum-of-maxima"
    /// maxᵢ minⱼ Q̄ⱼ(s′, aᵢ): CORL's and Cal-QL's order.
    case maximumOfMinima = "maximum-of-minima"
  }

  @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "SAC, table 1")
  public var batchSize = 256
  @Setting(0...1, "Discount per step.", symbol: "γ", source: "SAC, table 1")
  public var discount = 0.99
  @Setting(
    above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "SAC, table 1")
  public var tau = 0.005
  @Setting(
    above: 0, through: 1, "Adam's step size for policy and temperature.",
    source: "rlkit; the CQL authors: 1e-4")
  public var policyLearningRate = 3e-4
  @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "CQL's code")
  public var criticLearningRate = 3e-4
  @Setting(
    0...1e6, "Weight of the regulariser, twice the paper's α.", symbol: "w",
    source: "CQL's code: 5 or 10")
  public var conservativeWeight = 5.0
  @Setting("How the regulariser is weighted.", source: "CQL, section 4")
  public var weighting = Weighting.fixed
  @Setting(0...1e6, "R at which a Lagrange multiplier holds the regulariser.", source: "CQL's code")
  public var lagrangeGap = 5.0
  @Setting("Which distribution the log-sum-exp estimates.", source: "CQL, section 3.2")
  public var regularizer = Regularizer.importanceSampled
  @Setting(
    above: 0, through: 1000, "Temperature of the log-sum-exp.", symbol: "T", source: "CQL's code")
  public var regularizerTemperature = 1.0
  @Setting(
    1...256, "Sampled actions of each of the three kinds.", symbol: "n",
    source: "CQL, appendix F")
  public var sampledActions = 10
  @Setting("The value of s′ in the target.", source: "CQL's code")
  public var backup = Backup.deterministic
  @Setting(
    0...Int.max, "Updates in which the policy clones the data first.",
    source: "CORL: 0; the CQL authors: 40,000")
  public var cloningSteps = 0
  @Setting(above: 0, through: 1000, "Temperature at the start.", symbol: "α", source: "rlkit")
  public var initialTemperature = 1.0
  @Setting(
    -1000...1000, "Entropy that the temperature is tuned to; left open: −actionSize.",
    symbol: "H̄", source: "SAC, appendix D")
  public var targetEntropy: Double? = nil

  public init() {}

  /// α′ at the start.
  var initialMultiplier: Double { weighting == .scaledLagrange ? 2.718_281_828_459_045 : 1 }
}

/// What a CQL update reports; shared with its descendants.
struct CQLMetrics {
  let criticLoss, tdLoss, gap, policyLoss, temperatureLoss, multiplierLoss: Metric
  private let temperature, multiplier, entropy, qMean, targetMean, skipped: Metric
  private let floored: Metric?

  init(_ parts: AgentParts, hasFloor: Bool) {
    tdLoss = parts.metric("td_loss", "mean squared TD error, averaged over the twins")
    gap = parts.metric("conservative_gap", "R, averaged over the twins")
    criticLoss = parts.metric(
      "critic_loss", "TD error plus weighted regulariser, averaged over the twins", share: 2)
    policyLoss = parts.metric("policy_loss", "α·log π − Q (while cloning: − log π of the data)")
    temperatureLoss = parts.metric("temperature_loss", "−log α·(log π + H̄), averaged")
    multiplierLoss = parts.metric("multiplier_loss", "loss of the Lagrange multiplier; 0 without")
    temperature = parts.metric("temperature", "α before the update")
    multiplier = parts.metric("multiplier", "α′ before the update; 1 without Lagrange")
    entropy = parts.metric("entropy", "−log π(ã∣s), averaged")
    qMean = parts.metric("q_mean", "Q(s, a) of the data's actions, averaged over the twins")
    targetMean = parts.metric("target_q_mean", "y, averaged")
    skipped = parts.metric("skipped_rows", "share of critic rows that needed no backward pass")
    floored =
      hasFloor
      ? parts.metric("floored_share", "share of the policy's actions with Q below the return-to-go")
      : nil
    multiplierLoss.record(0)
  }

  func record(_ found: ConservativeRegression.Findings) {
    tdLoss.record(found.squaredErrors.batchMean)
    gap.record(found.regularizers.batchMean)
    qMean.record(found.values.batchMean)
    skipped.record(found.skipped)
    floored?.record(found.floored)
  }

  func record(temperature: Double, multiplier: Double, logProbs: Variable, targets: Variable) {
    self.temperature.record(temperature)
    self.multiplier.record(multiplier)
    entropy.record(-logProbs.batchMean)
    targetMean.record(targets.batchMean)
  }
}
