import Autodiff
public import RLCore

/// Conservative Q-learning (Kumar et al. 2020, arXiv:2006.04779): one agent with twin critics.
///
///     y    = r + γ·mask·minⱼ Q̄ⱼ(s′, ã′)                                (no entropy term by default)
///     Rⱼ   = mean_s[ T·log Σᵢ exp((Qⱼ(s, aᵢ) − log μ(aᵢ))/T) − Qⱼ(s, a) ]
///     L_Qⱼ = mean[(Qⱼ(s, a) − y)²] + w·Rⱼ
///     L_π  = mean[ α·log π(ã∣s) − minⱼ Qⱼ(s, ã) ]
///
/// with n uniform actions, n of π(·∣s) and n of π(·∣s′) in the sum, all evaluated at s. Papers write
/// ½·TD + α·R; this follows the implementations, so w is twice the paper's α. All losses are taken from the
/// parameters before the update.
public final class ConservativeQLearning: Algorithm {
  public static let name = "cql"
  public static let summary = "conservative Q-learning, CQL(H) and CQL(ρ) (Kumar et al. 2020)"

  private let settings: CQLSettings
  private let targetEntropy: Double
  let actor: Actor
  let critics: Critics
  let temperature: PositiveScalar
  /// α′ of the Lagrange version.
  let multiplier: PositiveScalar
  package let regression: ConservativeRegression
  private let (drawNow, drawNext): (Noise, Noise)
  private let (uniform, samplesNow, samplesNext): (Noise, Noise, Noise)
  private let metrics: CQLMetrics
  private let floor: ExtraColumn?

  public convenience init(_ settings: CQLSettings, _ parts: AgentParts) {
    self.init(settings, parts, floor: nil)
  }

  /// - Parameter floor: the column under which no Q of the policy's actions counts in R (Cal-QL).
  init(_ settings: CQLSettings, _ parts: AgentParts, floor: ExtraColumn?) {
    self.settings = settings
    self.floor = floor
    targetEntropy = settings.targetEntropy ?? -Double(parts.actionSize)
    let policyRate = OptimizerSettings.adam(learningRate: settings.policyLearningRate)
    let criticRate = OptimizerSettings.adam(learningRate: settings.criticLearningRate)
    actor = parts.actor(optimizer: policyRate)
    critics = parts.critics(count: 2, tau: settings.tau, optimizer: criticRate)
    temperature = parts.scalar(
      "temperature", initial: settings.initialTemperature, optimizer: policyRate)
    multiplier = parts.scalar(
      "multiplier", initial: settings.initialMultiplier, optimizer: criticRate)
    regression = ConservativeRegression(
      critics, actionSize: parts.actionSize, samples: settings.sampledActions,
      temperature: settings.regularizerTemperature,
      candidates: settings.regularizer == .importanceSampled ? .corrected : .plain)
    (drawNow, drawNext) = (parts.noise("current"), parts.noise("next"))
    uniform = parts.noise("uniform")
    (samplesNow, samplesNext) = (parts.noise("current-samples"), parts.noise("next-samples"))
    metrics = CQLMetrics(parts, hasFloor: floor != nil)
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let alpha = temperature.value
    let policyNow = actor(batch.observations)
    let policyNext = actor(batch.nextObservations)
    let draws = (
      uniform: step.uniformActions(uniform, rows: batch.count, count: settings.sampledActions),
      current: policyNow.samples(settings.sampledActions, samplesNow),
      next: policyNext.samples(settings.sampledActions, samplesNext)
    )
    let y =
      batch.rewards
      + settings.discount * batch.masks
      * nextValue(batch, policyNext.sample(drawNext), samples: draws.next, alpha: alpha)

    var regularizers = y
    try step.gradient(of: critics, reporting: metrics.criticLoss) {
      let found = regression(
        batch.observations, batch.actions, to: y, weight: regularizerWeight, against: draws,
        floor: floor.map { batch[$0] })
      regularizers = found.regularizers
      metrics.record(found)
      return found.loss
    }

    var logProbs = y
    try step.gradient(of: actor, reporting: metrics.policyLoss) {
      let policy = actor(batch.observations)
      let now = policy.sample(drawNow)
      logProbs = now.logProbs.detached
      if step.count < settings.cloningSteps {
        return alpha * now.logProbs - policy.logProb(of: batch.actions)
      }
      return alpha * now.logProbs - critics(batch.observations, now.actions).minimum()
    }
    metrics.record(
      temperature: alpha, multiplier: multiplier.value, logProbs: logProbs, targets: y)

    try step.gradient(of: temperature, reporting: metrics.temperatureLoss) {
      -temperature.logarithm(for: logProbs) * (logProbs + targetEntropy)
    }
    step.apply(actor, critics, temperature)
    if settings.weighting != .fixed {
      try step.minimize(multiplier, reporting: metrics.multiplierLoss) { penalty(regularizers) }
    }
  }

  /// The value of s′ that the backup takes.
  private func nextValue(
    _ batch: Rows, _ next: Draw, samples: Draw, alpha: Double
  ) -> Variable {
    let n = settings.sampledActions
    func targetsOfSamples() -> Variable {
      critics.target(batch.nextObservations.repeated(n), samples.actions)
    }
    switch settings.backup {
    case .deterministic: return critics.target(batch.nextObservations, next.actions).minimum()
    case .entropy:
      return critics.target(batch.nextObservations, next.actions).minimum() - alpha * next.logProbs
    case .maximumOfMinima: return targetsOfSamples().minimum().gatheringRows(n).maximum()
    case .minimumOfMaxima:
      let q = targetsOfSamples()
      return Variable.minimum(
        q.column(0).gatheringRows(n).maximum(), q.column(1).gatheringRows(n).maximum())
    }
  }

  /// ∂L_Q/∂R.
  private var regularizerWeight: Double {
    settings.weighting == .fixed
      ? settings.conservativeWeight
      : settings.conservativeWeight * min(multiplier.value, 1e6)
  }

  /// −½ Σⱼ of the Lagrange penalty, a mean over the twins here: α′·(w·R − gap) or α′·w·(R − gap).
  private func penalty(_ regularizers: Variable) -> Variable {
    let alpha = multiplier.logarithm(for: regularizers).exponential().clamped(0, 1e6)
    let w = settings.conservativeWeight
    return settings.weighting == .lagrange
      ? -alpha * (w * regularizers - settings.lagrangeGap)
      : -alpha * (w * (regularizers - settings.lagrangeGap))
  }

  public var policy: any Policy { actor.policy }
}
