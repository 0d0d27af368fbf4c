import Agents
import Algorithms
import Configuration
import DenseMath
import Foundation
import Logging
import Autodiff
import RLCore
import Replay
public import Runs

/// Training by interaction, of any algorithm: fine-tuning of offline agents (BRED, section 5) or from
/// scratch.
///
/// Where the algorithm takes an ensemble, one agent takes over all N offline agents' critics, with their
/// distilled policy or their live mixture; otherwise, and with `online.actor: independent`, N agents go on
/// by themselves and act as their mixture.
public struct OnlineStage {
  private var context: StageContext
  private var configuration: ExperimentConfiguration { context.configuration }
  /// Name of the stage in manifests and summaries.
  private let name: String

  /// Name of the stage in manifests and summaries, and of its folder in a pipeline's directory.
  public static let name = "finetune"
  /// The name where there is no offline stage.
  public static let scratchName = "sac"

  /// The configuration decides on the name: ``name`` after offline training, else ``scratchName``. Where
  /// agents may have to be distilled first, it must have been resolved for that stage too.
  public init(_ context: StageContext) {
    self.context = context
    self.context.configuration = context.configuration.restricted(to: [.online])
    name = context.configuration.startsFromAgents ? OnlineStage.name : OnlineStage.scratchName
  }

  /// Trains, or goes on training, in the run directory `output`.
  ///
  /// - Parameters:
  ///   - ensemble: the offline agents; `nil` starts from scratch. Where they must be distilled and are not,
  ///     that is done first, in `output/distillation`.
  ///   - replayDataset: D4RL v2 file to which the online buffer is written at the end.
  /// - Returns: the file with the final policy, `output/weights/policy.safetensors`; for several
  ///   policies the directory `output/weights`.
  @discardableResult
  public func run(
    ensemble: String?, output: String, replayDataset: String? = nil
  ) throws -> String {
    if let replayDataset, FileManager.default.fileExists(atPath: replayDataset), !context.resume {
      throw RunError.cannotWrite(path: replayDataset, reason: "the file exists already")
    }
    let isFinished = try RunDirectory.holdsFinishedRun(
      output, context: context, agents: ensemble.map(EnsembleDirectory.weights(of:)))
    // A finished run can still give its replay: the last checkpoint holds it.
    let hasReplay = replayDataset.map { FileManager.default.fileExists(atPath: $0) } ?? true
    if isFinished && hasReplay { return AgentStore.finalPolicy(in: "\(output)/weights") }

    let task = try ControlTask(configuration)
    let type = try AlgorithmRegistry.named(configuration.online.algorithm)
    let settings = configuration.onlineAlgorithm!
    try OnlineStageCheck.settings(configuration)
    let loaded = try ensemble.map { try AgentStore.read($0, task: task) }
    try loaded?.check(configuration.networks)
    let data =
      configuration.readsDataset
      ? try OfflineData(configuration, task: task, for: type, settings) : nil
    let handOver = HandOver(
      configuration, type: type, settings: settings, task: task, data: data)
    var distilled: GaussianPolicy?
    if let loaded, handOver.wantsDistilled(loaded) {
      distilled = try loaded.distilled { context.reporter.note($0) }
    }
    // Whatever does not fit is refused before anything is written.
    try handOver.check(loaded, distilled: distilled)
    let directory = try RunDirectory(path: output, context: context)
    if let note = handOver.note(on: loaded) { context.reporter.note(note) }
    context.warn(ofData: data?.warnings ?? [])
    var inputs: [String: String] = [:]
    if let data { inputs[RunInput.dataset] = data.digest }
    if let loaded, let ensemble {
      if distilled == nil, handOver.wantsDistilled(loaded) {
        distilled = try distil(ensemble, directory: directory)
      }
      let digests = try AgentStore.digests(
        of: loaded, members: handOver.members(of: loaded), distilled: distilled != nil)
      inputs.merge(digests) { first, _ in first }
    }
    let team = try handOver.team(from: loaded, distilled: distilled, pool: context.pool)
    let session = try StageSession(
      stage: name, directory: directory, context: context,
      columns: OnlineLoop.columns(of: team, configuration.online), inputs: inputs,
      warnings: data?.warnings ?? [])
    if configuration.online.policyInterval > 0 {
      try directory.makeDirectory(directory.file("policies"))
    }
    let replay = try OnlineReplay(
      configuration.online, data: data, task: task, columns: type.extraColumns,
      discount: (settings as? any AlgorithmSettings)?.discount ?? 0.99,
      members: team.agents.count)
    let loop = try OnlineLoop(
      configuration.online, team: team, replay: replay, task: task, context: context,
      session: session, purpose: name,
      keeper: RunKeeper(
        directory: directory, settings: settings, task: task,
        rowsKey: RandomStream.Key(
          seed: UInt64(configuration.seed), purpose: "\(name)/kept-rows"), context: context))
    try loop.run(label: name, reporter: context.reporter)
    try AgentStore.write(team.agents, settings, task: task, to: directory.weights)
    if let replayDataset {
      try ReplayDataset.write(
        replay.online, agent: team.agents[0], task: task, configuration: configuration,
        to: replayDataset, replacing: context.resume)
    }
    try session.finish(extra: ["environmentSteps": Double(configuration.online.environmentSteps)])
    return AgentStore.finalPolicy(in: directory.weights)
  }

  private func distil(_ ensemble: String, directory: RunDirectory) throws -> GaussianPolicy {
    context.reporter.note("no distilled policy in \(ensemble): distilling first")
    var inner = context
    inner.resume = true
    inner.hasWarnedOfData = configuration.readsDataset
    inner.owner = context.owner ?? directory.path
    inner.configuration = configuration.restricted(to: [.distillation])
    let file = try DistillStage(inner).run(
      ensemble: ensemble, output: directory.file("distillation"), addToEnsemble: false)
    return try AgentStore.gaussianPolicy(file, task: try ControlTask(configuration))
  }

  /// The policy kept after `block` blocks (`online.policyInterval`).
  static func policyFile(block: Int, in output: String) -> String {
    "\(output)/policies/\(String(format: "%06d", block)).safetensors"
  }

  /// The policies kept in a run directory, by the number of blocks behind them.
  static func policies(in output: String) throws(RunError) -> [(iteration: Int, path: String)] {
    let folder = "\(output)/policies"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let blocks = names.compactMap { name in
      name.hasSuffix(".safetensors") ? Int(name.dropLast(".safetensors".count)) : nil
    }.sorted()
    guard !blocks.isEmpty else {
      throw .missing(path: folder, what: "policies that online training kept")
    }
    return blocks.map { ($0, policyFile(block: $0, in: output)) }
  }
}

/// Keeps policies and agents in the run directory.
private struct RunKeeper: OnlineKeeper {
  let directory: RunDirectory
  let settings: any SettingGroup
  let task: ControlTask
  let rowsKey: RandomStream.Key
  let context: StageContext

  func keepPolicy(of agents: [Agent], block: Int) throws {
    try AgentStore.write(
      ActingEnsemble.policy(of: agents), task: task,
      to: OnlineStage.policyFile(block: block, in: directory.path))
  }

  func keep(
    _ agents: [Agent], block: Int, rows: ReplayBuffer, environmentSteps: Int
  ) throws {
    let folder = KeptAgents.folder(block: block, in: directory.path)
    try directory.makeDirectory(folder)
    try AgentStore.write(agents, settings, task: task, to: folder)
    try KeptAgents.writeRows(
      of: rows, environmentSteps: environmentSteps, key: rowsKey, to: folder)
  }

  func film(_ agents: [Agent], round: Int, environmentSteps: Int) {
    let path = RunVideos.file(environmentSteps: environmentSteps, in: directory.path)
    do {
      try RunVideos.film(
        ActingEnsemble.policy(of: agents), task: task, configuration: context.configuration,
        round: round, to: path, interruption: context.interruption)
    } catch {
      // Days of training are worth more than a film.
      context.logger.warning("no video of step \(environmentSteps): \(error); training goes on")
    }
  }
}
