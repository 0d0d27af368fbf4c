internal import HDF5
public import RLCore

/// What is in a file, found in one pass with memory for one block of rows and one entry per episode.
public struct DatasetSummary: Sendable, Encodable {
  public struct Column: Sendable, Encodable, Equatable {
    public let name: String
    public let shape: [Int]
    public let type: String
  }

  public var rows: Int
  public var observationSize: Int
  public var actionSize: Int
  /// Transitions by D4RL's `qlearning_dataset` rule.
  public var transitions = 0
  /// Episodes, an unfinished last one included, as D4RL counts.
  public var episodes = 0
  /// Episodes that end with a terminal or a time-out.
  public var completeEpisodes = 0
  public var terminals = 0
  public var timeouts = 0
  /// Undiscounted returns of the complete episodes (of all, where none is complete).
  public var returnMean = 0.0
  public var returnMin = 0.0
  public var returnMax = 0.0
  public var environment: String?
  /// D4RL's score of `returnMean`.
  public var normalizedScore: Double?
  public var version: D4RLVersion
  public var columns: [Column]
  /// In plain words, everything that is odd.
  public var warnings: [String] = []

  /// Episodes in order.
  public var episodeList: [EpisodeRecord] = []

  /// One episode of the file.
  public struct EpisodeRecord: Sendable, Equatable {
    public var firstRow: Int
    public var length: Int
    public var returnValue: Double
    public var terminal: Bool
    public var timeout: Bool
    public var isComplete: Bool { terminal || timeout }
  }

  /// - Parameter specification: of the robot, where it is known.
  public init(
    _ dataset: D4RLDataset, specification: EnvironmentSpecification?
  ) throws(DatasetError) {
    rows = dataset.rows
    observationSize = dataset.observationSize
    actionSize = dataset.actionSize
    version = dataset.version
    environment = specification?.name ?? dataset.environmentName
    columns = dataset.columns.map {
      Column(name: $0.name, shape: $0.shape, type: $0.type.description)
    }
    var scan = DatasetScan(dataset)
    try scan.run()
    episodeList = scan.episodes
    episodes = scan.episodes.count
    completeEpisodes = scan.episodes.count { $0.isComplete }
    terminals = scan.terminals
    timeouts = scan.timeouts
    transitions = scan.transitions
    let complete = scan.episodes.filter(\.isComplete)
    let returns = (complete.isEmpty ? scan.episodes : complete).map(\.returnValue)
    if !returns.isEmpty {
      returnMean = returns.reduce(0, +) / Double(returns.count)
      returnMin = returns.min()!
      returnMax = returns.max()!
      normalizedScore = specification?.normalizedScore(ofReturn: returnMean)
    }
    warnings = DatasetWarnings.collect(dataset, scan, specification)
  }

  private enum CodingKeys: String, CodingKey {
    case rows, observationSize, actionSize, transitions, episodes, completeEpisodes, terminals
    case timeouts, returnMean, returnMin, returnMax, environment, normalizedScore, version, columns
    case warnings
  }
}
