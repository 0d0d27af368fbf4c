import Configuration
import RLCore

/// Stands in for conservative Q-learning: one setting of every kind, and rules.
struct FakeCQL: SettingGroup {
  enum Weighting: String, SettingChoice { case fixed, lagrange }
  enum Backup: String, SettingChoice {
    case deterministic
    case minimumOfMaxima = "minimum-of-maxima"
  }

  @Setting(0...1, "Discount per step.", symbol: "γ", source: "SAC, table 1")
  var discount = 0.99
  @Setting(above: 0, through: 1, "Rate | of the targets.", symbol: "τ")
  var tau = 0.005
  @Setting(1...65_536, "Transitions per minibatch.", symbol: "B")
  var batchSize = 256
  @Setting(0...1e6, "Weight of the regulariser.", symbol: "w")
  var conservativeWeight = 5.0
  @Setting("How the weight is found.")
  var weighting = Weighting.fixed
  @Setting(0...1e6, "The allowed gap.")
  var lagrangeGap = 5.0
  @Setting("Bootstrap value.")
  var backup = Backup.deterministic
  @Setting(-1000.0...1000, "Target entropy; left open: −actionSize.", symbol: "H̄")
  var targetEntropy: Double? = nil
  @Setting("Whether rows are shuffled.")
  var shuffles = true
  @Setting("A label.")
  var label: String? = nil
  @Setting(0...Int.max, "Updates that clone the data.")
  var cloningSteps = 0

  var unused: [UnusedSetting] {
    weighting == .fixed
      ? [UnusedSetting("lagrangeGap", because: "weighting", "a gap needs 'weighting: lagrange'")]
      : []
  }

  var contradictions: [SettingContradiction] {
    cloningSteps > 0 && batchSize == 1
      ? [SettingContradiction("cloningSteps", "batchSize", reason: "cloning needs two rows")] : []
  }
}

struct FakeSAC: SettingGroup {
  @Setting(1...65_536, "Transitions per minibatch.")
  var batchSize = 256
  @Setting(above: 0, through: 1, "Adam's step size for the policy.")
  var policyLearningRate = 3e-4
  @Setting(above: 0, through: 1000, "α at the start.")
  var initialTemperature = 1.0
}

struct FakeIQL: SettingGroup {
  @Setting(above: 0, through: 1, "Expectile.", symbol: "κ")
  var expectile = 0.7
}

let fakes = AlgorithmCatalog([
  "cql": FakeCQL.self, "sac": FakeSAC.self, "iql": FakeIQL.self,
])

/// What a layer of this text over the defaults becomes.
func resolve(
  _ yaml: String = "", set overrides: [String] = [], method: String? = nil, task: String? = nil,
  options: [ConfigurationOption] = [],
  stages: Set<ExperimentStage> = ExperimentConfiguration.pipeline
) throws(ConfigurationError) -> ResolvedConfiguration {
  let sources = ConfigurationSources(
    method: method.map { ConfigurationLayer(name: "m", yaml: $0, kind: .method) },
    task: task.map { ConfigurationLayer(name: "t", yaml: $0, kind: .task) },
    file: ConfigurationLayer(name: "test.yaml", yaml: yaml), overrides: overrides,
    options: options)
  return try ExperimentConfiguration.resolve(sources, catalog: fakes, stages: stages)
}

func failure(
  _ yaml: String = "", set overrides: [String] = [], method: String? = nil, task: String? = nil,
  options: [ConfigurationOption] = [],
  stages: Set<ExperimentStage> = ExperimentConfiguration.pipeline
) -> ConfigurationError? {
  do throws(ConfigurationError) {
    _ = try resolve(
      yaml, set: overrides, method: method, task: task, options: options, stages: stages)
    return nil
  } catch { return error }
}
