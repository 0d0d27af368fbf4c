import Environments

/// One field's range: checked after decoding, and quoted when a value is refused.
struct ConfigurationRule: Sendable {
  let key: String
  /// The range in words.
  let allowed: String
  /// The offending value, or `nil` where the configuration is in order.
  let offence: @Sendable (PipelineConfiguration) -> String?

  static func integer(
    _ key: String, _ range: ClosedRange<Int>,
    _ value: @escaping @Sendable (PipelineConfiguration) -> Int
  ) -> ConfigurationRule {
    let allowed =
      range.upperBound == Int.max
      ? "a whole number ≥ \(range.lowerBound)"
      : "a whole number in \(range.lowerBound)…\(range.upperBound)"
    return ConfigurationRule(key: key, allowed: allowed) {
      let number = value($0)
      return range.contains(number) ? nil : "\(number)"
    }
  }

  /// - Parameter openBelow: the lower bound itself is not allowed.
  static func number(
    _ key: String, _ range: ClosedRange<Double>, openBelow: Bool = false,
    _ value: @escaping @Sendable (PipelineConfiguration) -> Double
  ) -> ConfigurationRule {
    let allowed = "a number in \(openBelow ? "(" : "[")\(range.lowerBound), \(range.upperBound)]"
    return ConfigurationRule(key: key, allowed: allowed) {
      let number = value($0)
      let fits = range.contains(number) && !(openBelow && number == range.lowerBound)
      return fits ? nil : "\(number)"
    }
  }

  /// A field whose type already excludes other values; the rule only says which there are.
  static func choice<Choice: CaseIterable & RawRepresentable>(
    _ key: String, _ type: Choice.Type
  ) -> ConfigurationRule where Choice.RawValue == String {
    ConfigurationRule(
      key: key,
      allowed: "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", ")
    ) { _ in nil }
  }
}

extension PipelineConfiguration {
  static let rules: [ConfigurationRule] =
    general + pretraining + distilling + tuning + scratch + recipes

  private static let rates = 0.0...1.0
  private static let batch = 1...65_536
  private static let positive = 1...Int.max

  private static let general: [ConfigurationRule] = [
    ConfigurationRule(
      key: "environment",
      allowed: "one of " + EnvironmentKind.allCases.map(\.rawValue).joined(separator: ", ")
    ) { (EnvironmentKind(rawValue: $0.environment) != nil) ? nil : "'\($0.environment)'" },
    .integer("seed", 0...Int.max) { $0.seed },
    .choice("dataset.nextObservations", NextObservationRule.self),
    .integer("networks.hiddenLayers", 1...8) { $0.networks.hiddenLayers },
    .integer("networks.hiddenUnits", 1...4096) { $0.networks.hiddenUnits },
    .integer("evaluation.episodes", 1...10_000) { $0.evaluation.episodes },
    .integer("evaluation.interval", 1...1_000_000) { $0.evaluation.interval },
  ]

  private static let pretraining: [ConfigurationRule] = [
    .integer("pretrain.members", 1...64) { $0.pretrain.members },
    .integer("pretrain.gradientSteps", positive) { $0.pretrain.gradientSteps },
    .integer("pretrain.epochSteps", positive) { $0.pretrain.epochSteps },
    .integer("pretrain.checkpointInterval", positive) { $0.pretrain.checkpointInterval },
    .integer("pretrain.batchSize", batch) { $0.pretrain.batchSize },
    .number("pretrain.policyLearningRate", rates, openBelow: true) {
      $0.pretrain.policyLearningRate
    },
    .number("pretrain.criticLearningRate", rates, openBelow: true) {
      $0.pretrain.criticLearningRate
    },
    .number("pretrain.discount", rates) { $0.pretrain.discount },
    .number("pretrain.tau", rates, openBelow: true) { $0.pretrain.tau },
    .number("pretrain.conservativeWeight", 0...1e6) { $0.pretrain.conservativeWeight },
    .choice("pretrain.weighting", ConservativeWeighting.self),
    .number("pretrain.lagrangeGap", 0...1e6) { $0.pretrain.lagrangeGap },
    .choice("pretrain.regularizer", ConservativeRegularizer.self),
    .integer("pretrain.sampledActions", 1...256) { $0.pretrain.sampledActions },
    .choice("pretrain.backup", CriticBackup.self),
    .integer("pretrain.cloningSteps", 0...Int.max) { $0.pretrain.cloningSteps },
  ]

  private static let distilling: [ConfigurationRule] = [
    .integer("distillation.epochs", positive) { $0.distillation.epochs },
    .integer("distillation.epochSteps", positive) { $0.distillation.epochSteps },
    .integer("distillation.patience", positive) { $0.distillation.patience },
    .number("distillation.validationFraction", 0...0.9, openBelow: true) {
      $0.distillation.validationFraction
    },
    .integer("distillation.batchSize", batch) { $0.distillation.batchSize },
    .number("distillation.learningRate", rates, openBelow: true) { $0.distillation.learningRate },
    .integer("distillation.checkpointInterval", positive) { $0.distillation.checkpointInterval },
  ]

  private static let tuning: [ConfigurationRule] = [
    .choice("finetune.actor", ActorKind.self),
    .integer("finetune.environmentSteps", positive) { $0.finetune.environmentSteps },
    .integer("finetune.blockSteps", positive) { $0.finetune.blockSteps },
    .number("finetune.updatesPerStep", 0...1000, openBelow: true) { $0.finetune.updatesPerStep },
    .number("finetune.firstBlockMultiplier", 0...1000, openBelow: true) {
      $0.finetune.firstBlockMultiplier
    },
    .choice("finetune.replay", ReplayScheme.self),
    .number("finetune.initialOnlineFraction", rates) { $0.finetune.initialOnlineFraction },
    .integer("finetune.finalTimestep", positive) { $0.finetune.finalTimestep },
    .choice("finetune.schedule", MixingScheduleKind.self),
    .integer("finetune.batchSize", batch) { $0.finetune.batchSize },
    .number("finetune.policyLearningRate", rates, openBelow: true) {
      $0.finetune.policyLearningRate
    },
    .number("finetune.criticLearningRate", rates, openBelow: true) {
      $0.finetune.criticLearningRate
    },
    .number("finetune.discount", rates) { $0.finetune.discount },
    .number("finetune.tau", rates, openBelow: true) { $0.finetune.tau },
    .choice("finetune.startTemperature", StartTemperature.self),
    .number("finetune.initialTemperature", 0...1000, openBelow: true) {
      $0.finetune.initialTemperature
    },
    .integer("finetune.checkpointInterval", positive) { $0.finetune.checkpointInterval },
  ]

  private static let scratch: [ConfigurationRule] = [
    .integer("sac.environmentSteps", positive) { $0.sac.environmentSteps },
    .integer("sac.blockSteps", positive) { $0.sac.blockSteps },
    .number("sac.updatesPerStep", 0...1000, openBelow: true) { $0.sac.updatesPerStep },
    .integer("sac.bufferCapacity", positive) { $0.sac.bufferCapacity },
    .integer("sac.batchSize", batch) { $0.sac.batchSize },
    .number("sac.policyLearningRate", rates, openBelow: true) { $0.sac.policyLearningRate },
    .number("sac.criticLearningRate", rates, openBelow: true) { $0.sac.criticLearningRate },
    .number("sac.discount", rates) { $0.sac.discount },
    .number("sac.tau", rates, openBelow: true) { $0.sac.tau },
    .integer("sac.checkpointInterval", positive) { $0.sac.checkpointInterval },
    .integer("sac.policyInterval", 0...Int.max) { $0.sac.policyInterval },
  ]

  private static let recipes: [ConfigurationRule] = [
    .integer("recipe.environmentSteps", positive) { $0.recipe.environmentSteps },
    .integer("recipe.policyInterval", positive) { $0.recipe.policyInterval },
    .integer("recipe.rows", 1...1_000_000_000) { $0.recipe.rows },
    .integer("recipe.candidateEpisodes", 1...10_000) { $0.recipe.candidateEpisodes },
    .number("recipe.mediumFraction", rates, openBelow: true) { $0.recipe.mediumFraction },
  ]
}
