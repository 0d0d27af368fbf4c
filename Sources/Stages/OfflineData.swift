import Algorithms
import Configuration
import DenseMath
import Datasets
import RLCore
import Replay
import Runs

/// The dataset of a run as minibatches need it.
struct OfflineData {
  let buffer: ReplayBuffer
  /// s of every transition, `[count, observationSize]`.
  let observations: Matrix
  /// What rewards are multiplied by in minibatches, those of interaction too; buffers hold them as they are.
  let rewardScale: Float
  /// What agents that begin on these data normalise observations with; buffers hold them as they are.
  let normalizer: ObservationNormalizer?
  /// Where critics start online; `nil` where that is as they were learned.
  let startValues: StartValues?
  /// SHA-256 of the file.
  let digest: String
  /// What is odd about the file and bears on what is learnt from it.
  let warnings: [String]

  /// - Parameters:
  ///   - algorithm: what learns from it, for the columns that it asks for.
  ///   - settings: of that algorithm.
  init(
    _ configuration: ExperimentConfiguration, task: ControlTask,
    for algorithm: (any Algorithm.Type)? = nil, _ settings: (any SettingGroup)? = nil
  ) throws {
    let given = HomePath.expanded(configuration.dataset.path)
    guard !given.isEmpty else {
      throw ConfigurationError.outOfRange(
        file: "configuration", key: "dataset.path", value: "empty",
        allowed: "a D4RL HDF5 file or name; give it with --dataset FILE")
    }
    let path = try DatasetLocation.resolve(given)
    guard let digest = SHA256.hexDigest(ofFile: path) else {
      throw RunError.cannotRead(path: path, reason: RunError.lastSystemMessage)
    }
    self.digest = digest
    let file = try D4RLDataset(contentsOf: path)
    try file.check(against: task.specification)
    // What these need would add up with the columns, so they come before them.
    let summary = try DatasetSummary(file, specification: task.specification)
    rewardScale =
      configuration.dataset.rewards == .raw
      ? 1 : try OfflineData.rewardScale(summary, path: path)
    startValues = try StartValues(configuration, dataset: file, rewardScale: rewardScale)
    let wantsReturns = algorithm?.extraColumns.contains(.returnToGo) ?? false
    let transitions = try file.transitions(
      configuration.dataset.nextObservations == .stored ? .storedNextObservations : .followingRow,
      returnDiscount: wantsReturns ? (settings as? any AlgorithmSettings)?.discount : nil)
    guard transitions.count > 0 else {
      throw RunError.inconsistent(path: path, reason: "the dataset has no transitions")
    }
    guard !wantsReturns || summary.completeEpisodes > 0 else {
      throw RunError.inconsistent(
        path: path,
        reason: "'\(algorithm!.name)' needs returns, and no episode in these data has an end")
    }
    warnings = summary.trainingWarnings.map { "\(path): \($0)" }
    buffer = ReplayBuffer(transitions)
    observations = transitions.observations
    normalizer =
      configuration.dataset.observations == .raw
      ? nil : ObservationNormalizer(of: transitions.observations)
  }

  /// Uniformly with replacement.
  func sample(
    into batch: inout Batch, using generator: inout RandomStream
  ) throws(ReplayError) {
    try buffer.sample(0..<batch.size, of: &batch, using: &generator)
    batch.scaleRewards(by: rewardScale)
  }

  /// 1000/(best − worst return) (IQL's code).
  private static func rewardScale(_ summary: DatasetSummary, path: String) throws -> Float {
    let range = summary.returnMax - summary.returnMin
    guard range > 0, range.isFinite else {
      throw RunError.inconsistent(
        path: path, reason: "all episodes return the same, so there is nothing to scale rewards by")
    }
    return Float(1000 / range)
  }
}

extension Batch {
  mutating func scaleRewards(by scale: Float) {
    guard scale != 1 else { return }
    for row in rewards.indices { rewards[row] *= scale }
    let name = ExtraColumn.returnToGo.rawValue
    for row in (extras[name] ?? []).indices { extras[name]![row] *= scale }
  }
}
