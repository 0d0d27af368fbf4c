internal import HDF5
public import RLCore

/// What is in a file, found in one pass with memory for one block of rows and one entry per episode.
public struct DatasetSummary: Sendable, Encodable {
  /// One array of the file.
  public struct Column: Sendable, Encodable, Equatable {
    /// Path inside the file, such as `infos/qpos`.
    public let name: String
    /// Extents, the number of rows first.
    public let shape: [Int]
    /// Type of the elements in the file, `float32`.
    public let type: String
  }

  /// Rows of every column.
  public var rows: Int
  /// Numbers of an observation.
  public var observationSize: Int
  /// A, numbers of an action.
  public var actionSize: Int
  /// Transitions by D4RL's `qlearning_dataset` rule.
  public var transitions = 0
  /// Episodes, an unfinished last one included, as D4RL counts.
  public var episodes = 0
  /// Episodes that end with a terminal or a time-out.
  public var completeEpisodes = 0
  /// Rows with the flag `terminals`.
  public var terminals = 0
  /// Rows that are time-outs, by the file's flags or by D4RL's count of steps.
  public var timeouts = 0
  /// Undiscounted returns of the complete episodes (of all, where none is complete).
  public var returnMean = 0.0
  /// Least of the same returns.
  public var returnMin = 0.0
  /// Greatest of the same returns.
  public var returnMax = 0.0
  /// The robot's canonical name, `hopper`; `nil` where the file leaves a doubt.
  public var environment: String?
  /// Such as `medium-replay`; see ``D4RLDataset/kindName``.
  public var kind: String?
  /// D4RL's score of `returnMean`.
  public var normalizedScore: Double?
  /// The generation of the file.
  public var version: D4RLVersion
  /// Every array of at least one dimension, ascending by name.
  public var columns: [Column]
  /// In plain words, everything that is odd.
  public var warnings: [String] = []
  /// Those of them that bear on what is learnt from the file.
  public var trainingWarnings: [String] = []

  /// Standard deviation of the same returns, and their 5th, 25th, 50th, 75th and 95th percentile.
  public var returnDeviation = 0.0
  /// The 5th, 25th, 50th, 75th and 95th, interpolated as NumPy does; empty without episodes.
  public var returnPercentiles: [Double] = []
  /// Lengths of the same episodes.
  public var lengthMean = 0.0
  /// Shortest of the same episodes, in rows.
  public var lengthMin = 0
  /// Longest of the same episodes, in rows.
  public var lengthMax = 0
  /// Share of action elements at ±1 (to three digits).
  public var actionSaturation = 0.0
  /// Rows that repeat an earlier row's observation and action.
  public var duplicates = 0
  /// Bytes of the file.
  public var bytes = 0
  /// Whether the behaviour policy is stored in it.
  public var hasPolicy = false
  /// What the file says about itself.
  public var metadata: [String: String] = [:]
  /// Per column of observations, actions, rewards and, where present, infos.
  public var statistics: [String: ColumnStatistics] = [:]
  /// How the columns are stored, by name.
  public var storage: [String: D4RLColumn] = [:]

  /// Episodes in order.
  public var episodeList: [EpisodeRecord] = []

  /// One episode of the file.
  public struct EpisodeRecord: Sendable, Equatable {
    /// Row with which the episode begins, from 0.
    public var firstRow: Int
    /// Rows of the episode.
    public var length: Int
    /// Undiscounted sum of its rewards.
    public var returnValue: Double
    /// Flag `terminals` of its last row.
    public var terminal: Bool
    /// Its last row is a time-out.
    public var timeout: Bool
    /// Whether it has an end: only the last episode of a file may have none.
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
    kind = dataset.kindName
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
    let judged = complete.isEmpty ? scan.episodes : complete
    let returns = judged.map(\.returnValue)
    actionSaturation =
      Double(scan.saturatedActions) / Double(max(1, rows * dataset.actionSize))
    duplicates = scan.duplicates.count
    bytes = dataset.file.length
    statistics = scan.statistics
    for item in dataset.metadata { metadata[item.name] = item.value }
    for column in dataset.columns { storage[column.name] = column }
    hasPolicy = dataset.file.contains("metadata/policy/fc0/weight")
    if !returns.isEmpty {
      let lengths = judged.map(\.length)
      lengthMean = Double(lengths.reduce(0, +)) / Double(lengths.count)
      lengthMin = lengths.min()!
      lengthMax = lengths.max()!
      returnPercentiles = Self.percentiles(returns)
      returnMean = returns.reduce(0, +) / Double(returns.count)
      returnDeviation =
        (returns.map { ($0 - returnMean) * ($0 - returnMean) }.reduce(0, +)
        / Double(returns.count)).squareRoot()
      returnMin = returns.min()!
      returnMax = returns.max()!
      normalizedScore = specification?.normalizedScore(ofReturn: returnMean)
    }
    (warnings, trainingWarnings) = DatasetWarnings.collect(dataset, scan, specification)
  }

  /// Episodes of a file in order.
  static func episodes(of dataset: D4RLDataset) throws(DatasetError) -> [EpisodeRecord] {
    var scan = DatasetScan(dataset)
    try scan.run()
    return scan.episodes
  }

  /// The 5th, 25th, 50th, 75th and 95th, interpolated as numpy does.
  private static func percentiles(_ values: [Double]) -> [Double] {
    let sorted = values.sorted()
    return [0.05, 0.25, 0.5, 0.75, 0.95].map { share in
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
  }

  private enum CodingKeys: String, CodingKey {
    case rows, observationSize, actionSize, transitions, episodes, completeEpisodes, terminals
    case timeouts, returnMean, returnMin, returnMax, environment, normalizedScore, version, columns
    case warnings, returnDeviation, returnPercentiles, lengthMean, lengthMin, lengthMax
    case actionSaturation, duplicates, bytes, hasPolicy, metadata, kind
  }
}
