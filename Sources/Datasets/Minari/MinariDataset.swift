#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
internal import HDF5

/// An open Minari dataset in HDF5, all its episodes checked, its columns read on demand.
///
/// A folder with `data/metadata.json` and `data/main_data.hdf5`, in which each episode is a group with
/// T actions, rewards, terminations and truncations, T + 1 observations and, where they were recorded,
/// T + 1 infos. Observations and actions must be vectors.
public final class MinariDataset {
  /// The folder as it was given.
  public let path: String
  /// What `metadata.json` says.
  public let metadata: MinariMetadata
  /// Numbers of an observation.
  public let observationSize: Int
  /// A, numbers of an action.
  public let actionSize: Int
  /// T of each episode.
  public let steps: [Int]
  /// Transitions: the sum of ``steps``.
  public var rows: Int { steps.reduce(0, +) }
  /// Arrays for which D4RL has no place, such as `infos/x_position`; ascending.
  public let leftOut: [String]
  let file: HDF5File
  let folder: String
  /// Widths of `infos/qpos` and `infos/qvel`; zero where an episode lacks them.
  let positionSize: Int
  let velocitySize: Int
  let hasLogProbs: Bool

  static let dataName = "main_data.hdf5"
  static let policyName = "behaviour_policy.hdf5"
  static let carriedInfos = ["infos/action_log_probs", "infos/qpos", "infos/qvel"]

  /// - Parameter path: the dataset's folder, its `data` folder, or the `main_data.hdf5` in that.
  public init(contentsOf path: String) throws(DatasetError) {
    self.path = path
    guard let folder = MinariDataset.dataFolder(path) else {
      throw .system(
        file: path, operation: "is not a Minari dataset",
        message: "there is neither data/\(MinariMetadata.fileName) nor data/\(Self.dataName)")
    }
    self.folder = folder
    let metadata = try MinariMetadata(contentsOf: "\(folder)/\(MinariMetadata.fileName)")
    let file = try hdf5 { () throws(HDF5Error) in
      try HDF5File(reading: "\(folder)/\(MinariDataset.dataName)")
    }
    (self.metadata, self.file) = (metadata, file)
    let survey = try MinariSurvey(file, metadata)
    (observationSize, actionSize, steps) = (
      survey.observationSize, survey.actionSize, survey.steps
    )
    let hasStates = survey.positionSize > 0 && survey.velocitySize > 0
    positionSize = hasStates ? survey.positionSize : 0
    velocitySize = hasStates ? survey.velocitySize : 0
    hasLogProbs = survey.hasLogProbs
    let kept = Set(
      (hasStates ? ["infos/qpos", "infos/qvel"] : [])
        + (survey.hasLogProbs ? ["infos/action_log_probs"] : []))
    leftOut = survey.infos.subtracting(kept).sorted()
  }

  /// Whether a path is meant to be a Minari dataset: one of its files is where Minari has it.
  public static func isMinari(_ path: String) -> Bool { dataFolder(path) != nil }

  private static func dataFolder(_ path: String) -> String? {
    let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let files = [MinariMetadata.fileName, dataName]
    for folder in ["\(trimmed)/data", trimmed]
    where files.contains(where: { access("\(folder)/\($0)", F_OK) == 0 }) {
      return folder
    }
    if trimmed == dataName { return "." }
    return trimmed.hasSuffix("/\(dataName)") ? String(trimmed.dropLast(dataName.count + 1)) : nil
  }

  /// The robot it is of; `nil` where nothing says so.
  public var environmentName: String? { metadata.robot }

  // MARK: Episodes

  /// One episode's columns as a D4RL file has them.
  func episode(_ index: Int) throws(DatasetError) -> D4RLRows {
    let count = steps[index]
    let name = "episode_\(index)"
    let file = self.file
    func numbers<Element: HDF5Element>(
      _ type: Element.Type, _ field: String, _ rows: Range<Int>? = nil
    ) throws(DatasetError) -> [Element] {
      try hdf5 { () throws(HDF5Error) in
        try file.dataset("\(name)/\(field)").read(type, rows: rows)
      }
    }
    func flags(_ field: String) throws(DatasetError) -> [Bool] {
      try hdf5 { () throws(HDF5Error) in try file.dataset("\(name)/\(field)").readFlags() }
    }
    var rows = D4RLRows()
    let observations = try numbers(Float.self, "observations")
    rows.observations = Array(observations.dropLast(observationSize))
    rows.nextObservations = Array(observations.dropFirst(observationSize))
    rows.actions = try numbers(Float.self, "actions")
    rows.rewards = try numbers(Float.self, "rewards")
    rows.terminals = try flags("terminations")
    rows.timeouts = try flags("truncations")
    if hasLogProbs {
      rows.actionLogProbs = try numbers(Float.self, "infos/action_log_probs", 0..<count)
    }
    if positionSize > 0 {
      rows.positions = try numbers(Double.self, "infos/qpos", 0..<count)
      rows.velocities = try numbers(Double.self, "infos/qvel", 0..<count)
    }
    return rows
  }
}
