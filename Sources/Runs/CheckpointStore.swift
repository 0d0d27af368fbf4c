import Agents
import Configuration
import Foundation
import Logging
import RLCore

/// What a checkpoint must agree with before a run goes on from it.
struct RunIdentity: Sendable {
  let stage: String
  let configuration: ExperimentConfiguration
  /// SHA-256 of each input file, by role: `dataset`, `ensemble/member-0/actor`, …
  let inputs: [String: String]

  var metadata: [String: String] {
    var result = ["stage": stage, "configuration": configuration.yaml()]
    for (role, digest) in inputs { result["input/\(role)"] = digest }
    return result
  }
}

/// `checkpoints/`: complete training states, the latest two, each written whole or not at all.
final class CheckpointStore {
  private let directory: RunDirectory
  private let identity: RunIdentity
  private let logger: Logger
  private static let kept = 2

  init(directory: RunDirectory, identity: RunIdentity, logger: Logger) {
    self.directory = directory
    self.identity = identity
    self.logger = logger
  }

  /// - Parameter progress: orders checkpoints; grows through the run.
  func save(_ state: NamedTensors, progress: Int) throws(RunError) {
    try directory.makeDirectory(directory.checkpoints)
    var state = state
    state.metadata.merge(identity.metadata) { _, new in new }
    let name =
      "step-" + String(repeating: "0", count: max(0, 12 - "\(progress)".count))
      + "\(progress).safetensors"
    let path = "\(directory.checkpoints)/\(name)"
    do { try SafetensorsFile.write(state, to: path) } catch {
      throw .cannotWrite(path: path, reason: "\(error)")
    }
    for old in try names().dropLast(CheckpointStore.kept) {
      unlink("\(directory.checkpoints)/\(old)")
    }
  }

  /// The newest readable checkpoint, or `nil` where there is none.
  ///
  /// - Throws: ``RunError`` where checkpoints exist but belong to another run, or none can be read.
  func latest() throws(RunError) -> NamedTensors? {
    var failure: RunError?
    for name in try names().reversed() {
      let path = "\(directory.checkpoints)/\(name)"
      let state: NamedTensors
      do { state = try SafetensorsFile.read(path) } catch {
        logger.warning("\(path) cannot be read, trying the one before: \(error)")
        failure = .checkpointRefused(path: path, reason: "\(error)")
        continue
      }
      try check(state, path: path)
      return state
    }
    if let failure { throw failure }
    return nil
  }

  /// Oldest first. A folder that cannot be listed is no folder without checkpoints.
  private func names() throws(RunError) -> [String] {
    try RunDirectory.names(in: directory.checkpoints)
      .filter { $0.hasPrefix("step-") && $0.hasSuffix(".safetensors") }.sorted()
  }

  private func check(_ state: NamedTensors, path: String) throws(RunError) {
    let stage = state.metadata["stage"] ?? "nothing known"
    guard stage == identity.stage else {
      throw .checkpointRefused(
        path: path, reason: "it was written by '\(stage)', this is '\(identity.stage)'")
    }
    guard let yaml = state.metadata["configuration"],
      let stored = try? ExperimentConfiguration.parse(
        yaml: yaml, name: path, catalog: identity.configuration.catalog,
        stages: identity.configuration.stages)
    else { throw .checkpointRefused(path: path, reason: "it holds no valid configuration") }
    let changed = Lengthening.between(stored, identity.configuration).changes
    guard changed.isEmpty else { throw .configurationChanged(path: path, keys: changed) }
    for (role, digest) in identity.inputs.sorted(by: { $0.key < $1.key }) {
      guard let before = state.metadata["input/\(role)"], before != digest else { continue }
      throw .checkpointRefused(path: path, reason: "the run began with another \(role)")
    }
  }
}
