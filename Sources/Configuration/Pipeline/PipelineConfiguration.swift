import DenseMath

/// Everything that determines the bytes of the stages pretrain, distil, fine-tune and soft actor-critic.
///
/// The defaults are the paper's. A YAML preset says only what differs; see
/// ``PipelineConfiguration/load(file:overrides:)``. Sources in the comments of the fields: *BRED* is
/// arXiv:2107.00591's first version ("Addressing Distribution Shift in Offline-to-Online RL"), *Off2On*
/// its follow-up's code, *CQL* arXiv:2006.04779, *SAC* arXiv:1812.05905, *ours* a choice where all
/// sources are silent.
public struct PipelineConfiguration: Codable, Sendable, Equatable {
  /// Task: `hopper`, `walker2d` or `halfcheetah`.
  public var environment = "halfcheetah"
  /// Seed of all random numbers of the run, ≥ 0. Equal seeds give equal bytes.
  public var seed = 0
  public var dataset = DatasetConfiguration()
  public var networks = NetworkConfiguration()
  public var pretrain = PretrainConfiguration()
  public var distillation = DistillationConfiguration()
  public var finetune = FineTuneConfiguration()
  public var sac = SACConfiguration()
  public var recipe = RecipeConfiguration()
  public var evaluation = EvaluationConfiguration()

  public init() {}
}

/// The offline data.
public struct DatasetConfiguration: Codable, Sendable, Equatable {
  /// D4RL HDF5 file; relative paths start at the working directory. Empty: given on the command line.
  public var path = ""
  /// Where s′ comes from: the following row (D4RL's `qlearning_dataset`, which the paper used) or the
  /// file's own `next_observations`.
  public var nextObservations = NextObservationRule.followingRow

  public init() {}
}

public enum NextObservationRule: String, Codable, Sendable, CaseIterable {
  case followingRow = "following-row"
  case stored
}

/// Shape of every network: actor and critics are alike in depth and width.
public struct NetworkConfiguration: Codable, Sendable, Equatable {
  /// Hidden layers, 1…8. 2 everywhere but halfcheetah-medium-expert, which has 3 (BRED, appendix A).
  public var hiddenLayers = 2
  /// Units of each hidden layer, 1…4096. 256 (BRED, appendix A).
  public var hiddenUnits = 256

  public init() {}

  /// Widths of the hidden layers, first to last.
  public var hiddenWidths: [Int] { Array(repeating: hiddenUnits, count: hiddenLayers) }
}

/// How an agent is scored: undiscounted return of the mean action.
public struct EvaluationConfiguration: Codable, Sendable, Equatable {
  /// Episodes per evaluation, 1…10,000. 5 of at most 1000 steps (Off2On: 5000 steps per epoch).
  public var episodes = 5
  /// Epochs between evaluations, 1…1,000,000; the last epoch is always evaluated. 1 (Off2On).
  public var interval = 1

  public init() {}
}
