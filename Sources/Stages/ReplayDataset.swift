import Agents
import Configuration
import Datasets
import Agents
import Algorithms
import Autodiff
import Physics
import RLCore
import Replay
import Runs

/// A replay buffer as a D4RL v2 file: how D4RL made its `medium-replay` sets.
enum ReplayDataset {
  private static let blockRows = 10_000

  /// - Parameters:
  ///   - agent: its policy goes into the file's metadata, where a network alone is all of it.
  ///   - replacing: whether an existing file gives way.
  static func write(
    _ buffer: ReplayBuffer, agent: Agent, task: ControlTask,
    configuration: ExperimentConfiguration, to path: String, replacing: Bool
  ) throws {
    var metadata = D4RLMetadata()
    metadata.strings = [
      "algorithm": configuration.online.algorithm.uppercased(), "environment": task.name,
      "producer": PackageVersion.producer,
      "mujoco_version": PhysicsModel.libraryVersion, "seed": "\(configuration.seed)",
      "command": configuration.command("sac"),
    ]
    metadata.integers = ["iteration": agent.updateCount / 1000]
    if let policy = agent.policy as? GaussianPolicy {
      metadata.policy = NetworkFile(policy.network, role: .policy).tensors
    }
    let writer = try D4RLWriter(
      creating: path, rows: buffer.count, shape: D4RLShape(task.specification),
      metadata: metadata, replacing: replacing)
    var start = 0
    while start < buffer.count {
      let end = min(start + blockRows, buffer.count)
      try writer.append(rows(start..<end, of: buffer))
      start = end
    }
    try writer.finish()
  }

  /// Rows by age, oldest first, with D4RL's flags: the time limit wins over a fall in the same step.
  private static func rows(_ range: Range<Int>, of buffer: ReplayBuffer) -> D4RLRows {
    var result = D4RLRows()
    var following: ReplayRow? = buffer[range.lowerBound]
    for age in range {
      guard let row = following else { break }
      following = age + 1 < buffer.count ? buffer[age + 1] : nil
      result.observations += row.observation
      result.nextObservations += row.nextObservation
      result.actions += row.action
      result.rewards.append(row.reward)
      result.terminals.append(row.terminated && !row.truncated)
      // After a step that the simulator lost, the next row belongs to another episode.
      let isCut = following.map { $0.observation != row.nextObservation } ?? true
      result.timeouts.append(row.truncated || (isCut && !row.terminated))
      result.actionLogProbs.append(row.logProb)
      result.positions += row.physicalState?.position ?? []
      result.velocities += row.physicalState?.velocity ?? []
    }
    return result
  }
}
