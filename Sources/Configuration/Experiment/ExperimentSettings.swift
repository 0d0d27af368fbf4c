public import RLCore

// Sources: *BRED* is arXiv:2107.00591's first version ("Addressing Distribution Shift in
// Offline-to-Online RL"), *Off2On* its follow-up's code, *CQL* arXiv:2006.04779, *SAC*
// arXiv:1812.05905, *ours* a choice where all sources are silent.

/// What stands outside of all sections.
public struct GeneralSettings: SettingGroup {
  @Setting("Robot.")
  public var environment = "halfcheetah"
  @Setting(0...Int.max, "Seed of all random numbers of the run; equal seeds give equal bytes.")
  public var seed = 0

  public init() {}
}

/// The offline data.
public struct DatasetSettings: SettingGroup {
  /// Where s′ of a transition comes from.
  public enum NextObservations: String, SettingChoice {
    case followingRow = "following-row"
    case stored
  }

  /// What becomes of the rewards.
  public enum Rewards: String, SettingChoice {
    case raw
    /// Times 1000/(best − worst return of the dataset's episodes), online ones too.
    case returnRange = "return-range"
  }

  /// What agents make of observations.
  public enum Observations: String, SettingChoice {
    case raw
    /// (s − mean)/(deviation + 10⁻³), both of the dataset.
    case normalized
  }

  @Setting(
    "D4RL HDF5 file; relative paths start at the working directory. Empty: given on the command line."
  )
  public var path = ""
  @Setting(
    "Where s′ comes from: the following row, as in D4RL's qlearning_dataset, or the file's own next_observations.",
    source: "BRED")
  public var nextObservations = NextObservations.followingRow
  @Setting(
    "Rewards as they are, or all times 1000/(best − worst return of the dataset's complete episodes).",
    source: "BRED; IQL's code: return-range")
  public var rewards = Rewards.raw
  @Setting(
    "What agents make of observations: as they are, or less the dataset's mean, by its deviation + 1e-3. Agents keep it, online too.",
    source: "BRED; TD3+BC's code: normalized")
  public var observations = Observations.raw

  public init() {}
}

/// Shape of every network: actor and critics are alike in depth and width.
public struct NetworkSettings: SettingGroup {
  @Setting(
    1...8, "Hidden layers; 3 for halfcheetah-medium-expert alone.", source: "BRED, appendix A")
  public var hiddenLayers = 2
  @Setting(1...4096, "Units of each hidden layer.", source: "BRED, appendix A")
  public var hiddenUnits = 256

  public init() {}

  /// Widths of the hidden layers, first to last.
  public var hiddenWidths: [Int] { Array(repeating: hiddenUnits, count: hiddenLayers) }
}

/// Offline training of independent agents.
public struct OfflineSettings: SettingGroup {
  @Setting("How the agents learn from the dataset; none for no offline training.", source: "BRED")
  public var algorithm = "cql"
  @Setting(1...64, "Independent agents.", symbol: "N", source: "BRED, section 6")
  public var members = 5
  @Setting(
    0...63,
    "Number of the first agent; left open: 0. Agent i is the same whichever run trains it, so that the agents of an ensemble can be trained apart."
  )
  public var firstMember: Int? = nil
  @Setting(
    0...Int.max,
    "Seed of the agents and their distillation; left open: the run's. Runs that differ in `seed` alone then begin with the same agents."
  )
  public var seed: Int? = nil
  @Setting(1...Int.max, "Gradient steps of each agent.", source: "BRED, appendix A")
  public var gradientSteps = 1_000_000
  @Setting(1...Int.max, "Gradient steps per epoch, a row of progress.csv.", source: "CQL's code")
  public var epochSteps = 1000
  @Setting(
    1...Int.max, "Epochs between checkpoints; also written at the end and on interruption.")
  public var checkpointInterval = 1

  public init() {}

  public var unused: [UnusedSetting] {
    guard algorithm == AlgorithmCatalog.none else { return [] }
    return scalars.map(\.name).filter { $0 != "algorithm" }.map {
      UnusedSetting($0, because: "algorithm", "without an algorithm there is no offline training")
    }
  }
}

/// The members' policies into one, on the dataset's states (BRED, eq. 8).
public struct DistillationSettings: SettingGroup {
  @Setting("Whether to distil; left open: where online.actor is distilled.", source: "BRED")
  public var enabled: Bool? = nil
  @Setting(1...Int.max, "Most epochs; training stops early.", source: "BRED, appendix A")
  public var epochs = 1000
  @Setting(1...Int.max, "Minibatches per epoch.")
  public var epochSteps = 1000
  @Setting(1...Int.max, "Epochs without a better validation loss after which training stops.")
  public var patience = 20
  @Setting(above: 0, through: 0.9, "Share of the dataset's states held out for validation.")
  public var validationFraction = 0.1
  @Setting(1...65_536, "States per minibatch.")
  public var batchSize = 256
  @Setting(above: 0, through: 1, "Adam's step size.")
  public var learningRate = 3e-4
  @Setting(1...Int.max, "Epochs between checkpoints.")
  public var checkpointInterval = 1

  public init() {}
}

/// A full set of datasets of one robot (D4RL, section 4.6 and appendix; its `gym_mujoco` files).
public struct RecipeSettings: SettingGroup {
  @Setting(
    1...Int.max,
    "Environment steps of the agent that makes the data, and rows of the full-replay set.",
    source: "D4RL's full-replay sets")
  public var environmentSteps = 1_000_000
  @Setting(1...Int.max, "Blocks between candidate policies, and between evaluations.")
  public var policyInterval = 10
  @Setting(
    1...1_000_000_000,
    "Rows of the random, medium and expert set; the medium-expert set has twice as many.",
    source: "D4RL")
  public var rows = 1_000_000
  @Setting(1...10_000, "Episodes of sampled actions by which each candidate is judged.")
  public var candidateEpisodes = 10
  @Setting(
    above: 0, through: 1,
    "The medium policy is the first candidate with this share of the expert's score.",
    source: "D4RL: about a third")
  public var mediumFraction = 1.0 / 3

  public init() {}
}

/// How an agent is scored: undiscounted return of the mean action.
public struct EvaluationSettings: SettingGroup {
  @Setting(1...10_000, "Episodes per evaluation.", source: "Off2On: 5000 steps per epoch")
  public var episodes = 5
  @Setting(
    1...1_000_000, "Epochs between evaluations; the last epoch is always evaluated.",
    source: "Off2On")
  public var interval = 1

  public init() {}
}
