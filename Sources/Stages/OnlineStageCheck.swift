import Agents
import Algorithms
import Configuration
import DenseMath
import RLCore
import Runs

/// What can be refused of online training before hours are spent offline.
enum OnlineStageCheck {
  /// Whether algorithm and replay go together, and videos can be made where they are wanted.
  static func settings(_ configuration: ExperimentConfiguration) throws {
    guard configuration.trainsOnline else { return }
    if configuration.online.videoInterval > 0 { try RunVideos.check() }
    guard configuration.online.replay == .densityRatio else { return }
    let type = try AlgorithmRegistry.named(configuration.online.algorithm)
    guard !type.reportsPriorities else { return }
    let fitting = AlgorithmRegistry.all.filter { $0.reportsPriorities }.map { $0.name }
    throw ConfigurationError.contradiction(
      file: "configuration", keys: ["online.replay", "online.algorithm"],
      reason: "'density-ratio' needs an algorithm that says how often rows should come "
        + "(\(fitting.sorted().joined(separator: ", "))), the algorithm is '\(type.name)'")
  }

  /// Hands over agents that have not learned yet, as those that will have learned offline: parts that are
  /// missing, numbers of critics and kinds of policies that do not fit are found so.
  static func handOver(_ configuration: ExperimentConfiguration, task: ControlTask) throws {
    guard configuration.trainsOnline else { return }
    let handOver = HandOver(
      configuration, type: try AlgorithmRegistry.named(configuration.online.algorithm),
      settings: configuration.onlineAlgorithm!, task: task, data: nil)
    guard configuration.trainsOffline else { return try handOver.check(nil, distilled: nil) }
    let offline = try AlgorithmRegistry.named(configuration.offline.algorithm)
    let agent = try OfflineStage.agent(
      configuration, offline, task: task, normalizer: nil, member: 0,
      pool: WorkerPool(threads: 1))
    let member = AgentFiles.members(of: agent, origin: AgentFiles.Origin(producer: ""))[0]
    let members = Array(repeating: member, count: configuration.offline.members)
    let loaded = LoadedAgents(
      path: "agents of '\(offline.name)'", members: members,
      files: EnsembleDirectory(members: members))
    try handOver.check(loaded, distilled: nil)
  }
}
