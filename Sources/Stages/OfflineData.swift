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
  /// SHA-256 of the file.
  let digest: String

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
    let wantsReturns = algorithm?.extraColumns.contains(.returnToGo) ?? false
    let transitions = try file.transitions(
      configuration.dataset.nextObservations == .stored ? .storedNextObservations : .followingRow,
      returnDiscount: wantsReturns ? (settings as? any AlgorithmSettings)?.discount : nil)
    guard transitions.count > 0 else {
      throw RunError.inconsistent(path: path, reason: "the dataset has no transitions")
    }
    buffer = ReplayBuffer(transitions)
    observations = transitions.observations
  }

  /// Uniformly with replacement.
  func sample(
    into batch: inout Batch, using generator: inout RandomStream
  ) throws(ReplayError) {
    try buffer.sample(0..<batch.size, of: &batch, using: &generator)
  }
}
