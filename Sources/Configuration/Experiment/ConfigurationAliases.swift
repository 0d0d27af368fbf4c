/// Keys of the first versions, which go on working where they mean the same.
package enum ConfigurationAliases {
  package static let all: [SettingAlias] =
    renamed(
      "pretrain", "offline", ["members", "gradientSteps", "epochSteps", "checkpointInterval"])
    + renamed("pretrain", "offline.cql", cql)
    + [SettingAlias("pretrain.backup", "offline.cql.backup", values: backups)]
    + renamed(
      "finetune", "online",
      [
        "actor", "environmentSteps", "blockSteps", "updatesPerStep", "firstBlockMultiplier",
        "replay", "initialOnlineFraction", "finalTimestep", "schedule", "startTemperature",
        "checkpointInterval",
      ])
    + renamed("finetune", "online.sac", sac + ["initialTemperature"])
    + renamed(
      "sac", "online",
      [
        "environmentSteps", "blockSteps", "updatesPerStep", "bufferCapacity", "checkpointInterval",
        "policyInterval",
      ])
    + renamed("sac", "online.sac", sac)

  private static let sac = [
    "batchSize", "policyLearningRate", "criticLearningRate", "discount", "tau",
  ]
  private static let cql =
    sac + [
      "conservativeWeight", "weighting", "lagrangeGap", "regularizer", "sampledActions",
      "cloningSteps",
    ]
  private static let backups = [
    "min-max-q": "minimum-of-maxima", "max-min-q": "maximum-of-minima",
  ]

  private static func renamed(_ old: String, _ new: String, _ names: [String]) -> [SettingAlias] {
    names.map { SettingAlias("\(old).\($0)", "\(new).\($0)") }
  }
}
