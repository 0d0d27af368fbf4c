import Agents
import Algorithms
import Configuration
import Datasets
import DenseMath
import Environments
import Foundation
import RLCore
import Replay
import Runs
import TestSupport
import Testing

@testable import Stages

/// A stage that is stopped after every single update ends like one that never was.
@Suite struct StageResumeTests: TinyStages {
  let folder = TemporaryDirectory()

  init() throws { try makeDataset() }

  /// Runs a stage at a stretch and in the smallest pieces, and compares.
  private func compare(
    _ configuration: ExperimentConfiguration, stops least: Int = 4,
    _ run: (StageContext, String) throws -> Void
  ) throws {
    let (whole, pieces) = (folder.path + "/whole", folder.path + "/pieces")
    try run(context(configuration), whole)
    var stops = 0
    while stops < 100 {
      do {
        try run(context(configuration, stopping: true), pieces)
        break
      } catch is Interrupted {
        stops += 1
      }
    }
    #expect(stops >= least && stops < 100)
    #expect(try results(pieces) == results(whole))
    #expect(try !results(whole).isEmpty)
  }

  /// Weights, the table without its time columns, and the summary without its times.
  private func results(_ directory: String) throws -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    let names = FileManager.default.enumerator(atPath: directory)
    while let name = names?.nextObject() as? String {
      let path = "\(directory)/\(name)"
      if name.hasPrefix("weights/") && name.hasSuffix(".safetensors") {
        result[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      }
      if name == "summary.json" {
        var values = try #require(
          try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
            as? [String: Any])
        for key in values.keys where key.hasSuffix("Seconds") { values[key] = nil }
        result[name] = [UInt8](
          try JSONSerialization.data(withJSONObject: values, options: .sortedKeys))
      }
      if name == "progress.csv" {
        let rows = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
          $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        let kept = rows[0].indices.filter {
          !["wall_seconds", "updates_per_second"].contains(rows[0][$0])
        }
        let text = rows.map { row in kept.map { String(row[$0]) }.joined(separator: ",") }
        result[name] = Array(text.joined(separator: "\n").utf8)
      }
    }
    return result
  }

  @Test(arguments: AlgorithmRegistry.names) func offline(algorithm: String) throws {
    let configuration = try configuration(
      [.offline], tiny("offline", algorithm))
    try compare(configuration) { try OfflineStage($0).run(output: $1) }
  }

  /// A normaliser is the dataset's at first, and the agents' from then on: through distillation, hand-over and
  /// interruptions, whether or not the dataset is there.
  @Test(arguments: [
    ["online.actor=distilled"], ["online.actor=mixture", "online.policyInterval=0"],
    ["online.actor=independent", "online.replay=online-only"],
  ]) func normalizersGoAlong(settings: [String]) throws {
    let ensemble = try agents("cql", "dataset.observations=normalized")
    let read = try EnsembleDirectory.read(ensemble + "/weights")
    let normalizer = try #require(read.members[0].normalizer)
    let data = try D4RLDataset(contentsOf: dataset).transitions().observations
    #expect(normalizer == ObservationNormalizer(of: data))
    let configuration = try configuration(
      [.distillation, .online], settings + ["online.sac.batchSize=8", "distillation.batchSize=8"])
    #expect(!configuration.yaml().contains("normalized"))
    try compare(configuration) { try OnlineStage($0).run(ensemble: ensemble, output: $1) }
    let policy = try StoredPolicy.read(folder.path + "/whole/weights").policy
    #expect((policy as? NormalizedPolicy)?.normalizer == normalizer)
  }

  @Test(arguments: ["td3-bc", "cql"]) func normalizedOfflineTraining(algorithm: String) throws {
    let configuration = try configuration(
      [.offline],
      [
        "offline.algorithm=\(algorithm)", "offline.\(algorithm).batchSize=8",
        "dataset.observations=normalized",
      ])
    try compare(configuration) { try OfflineStage($0).run(output: $1) }
  }

  @Test(arguments: [
    [], ["online.actor=mixture"], ["online.actor=independent"],
    ["online.collection=steps", "online.blockSteps=3", "online.epochSteps=7"],
    ["online.warmupSteps=10", "online.replay=uniform"],
    ["online.algorithm=td3", "online.td3.batchSize=8", "online.actor=independent"],
    ["online.algorithm=cql", "online.cql.batchSize=8", "online.actor=independent"],
  ]) func fineTuning(settings: [String]) throws {
    let ensemble = try agents()
    let batch =
      settings.contains { $0.hasPrefix("online.algorithm") } ? [] : ["online.sac.batchSize=8"]
    let configuration = try configuration([.online], settings + batch)
    if configuration.online.actor == .distilled && configuration.online.algorithm == "sac" {
      try DistillStage(context(self.configuration([.distillation]))).run(
        ensemble: ensemble, output: folder.path + "/distilled")
    }
    try compare(configuration) { try OnlineStage($0).run(ensemble: ensemble, output: $1) }
  }

  /// Every algorithm that is no SAC goes on with what it learned offline.
  @Test(arguments: AlgorithmRegistry.names.filter { $0 != "sac" && $0 != "rlpd" && $0 != "off2on" })
  func goingOnWithTheSameAlgorithm(name: String) throws {
    let ensemble = try agents(name)
    let configuration = try configuration(
      [.online],
      tiny("online", name) + ["online.replay=half", "online.actor=independent"])
    try compare(configuration) { try OnlineStage($0).run(ensemble: ensemble, output: $1) }
  }

  /// What the agent makes of rows decides how often they come, and a resumed run knows it.
  @Test func prioritiesAreLearned() throws {
    let ensemble = try agents()
    let configuration = try configuration(
      [.online],
      tiny("online", "off2on") + [
        "online.actor=mixture", "online.replay=density-ratio", "online.environmentSteps=40",
      ])
    try compare(configuration) { try OnlineStage($0).run(ensemble: ensemble, output: $1) }
    // Rows nobody has judged would make up the first share of the first block's minibatches.
    let share = try column("online_fraction", of: "whole")[1]
    #expect(abs(share - configuration.online.initialOnlineFraction) > 0.01)
  }

  /// Rows wait for the end of their episode, of which returns are the sum, and updates wait for rows; none
  /// is lost.
  @Test func updatesWaitForReturns() throws {
    let ensemble = try agents("cal-ql")
    let configuration = try configuration(
      [.online],
      [
        "online.algorithm=cal-ql", "online.cal-ql.batchSize=8", "online.replay=half",
        "online.actor=independent", "online.collection=steps", "online.blockSteps=3",
        "online.epochSteps=30",
        "online.environmentSteps=60", "online.updatesPerStep=0.5",
        "online.firstBlockMultiplier=1",
      ])
    try compare(configuration) { try OnlineStage($0).run(ensemble: ensemble, output: $1) }
    // ½·3 rounded up, then ⌊½·60⌋ − ⌊½·3⌋.
    #expect(try column("gradient_steps", of: "whole").last == 31)
  }

  /// Cal-QL's way: an episode, then its updates.
  @Test func episodesFollowedByUpdates() throws {
    let ensemble = try agents("cal-ql")
    let configuration = try configuration(
      [.online],
      [
        "online.algorithm=cal-ql", "online.cal-ql.batchSize=8", "online.replay=half",
        "online.actor=independent", "online.collection=episodes", "online.epochSteps=1",
        "online.environmentSteps=60", "online.updatesPerStep=0.5",
        "online.firstBlockMultiplier=1",
      ])
    try compare(configuration) { try OnlineStage($0).run(ensemble: ensemble, output: $1) }
    let (steps, held) = (
      try column("environment_steps", of: "whole"), try column("online_rows", of: "whole")
    )
    #expect(steps.last == 60 && steps.count > 2)
    // Every epoch but the last, which the end of training cuts, is one whole episode.
    #expect(zip(steps, held).dropLast().allSatisfy { $0 == $1 })
    #expect(try column("train_episodes", of: "whole").dropFirst().dropLast().allSatisfy { $0 == 1 })
    #expect(try column("gradient_steps", of: "whole").last == 30)
  }

  /// An episode that broke down gives its rows nothing of the next one's rewards.
  @Test func returnsEndWithTheirEpisode() throws {
    let configuration = try configuration([.online], [], method: .scratch)
    let replay = try OnlineReplay(
      configuration.online, data: nil, task: ControlTask(configuration), columns: [.returnToGo],
      discount: 0.5, members: 1)
    replay.append(collected(1))
    replay.append(collected(2))
    #expect(replay.isWaiting)
    replay.endEpisode()
    #expect(!replay.isWaiting)
    replay.append(collected(4))
    replay.endEpisode()
    #expect((0..<3).map { replay.online[$0].returnToGo } == [2, 2, 4])
  }

  @Test func trainingFromScratch() throws {
    let configuration = try configuration(
      [.online], ["online.sac.batchSize=8", "online.randomSteps=5"], method: .scratch)
    try compare(configuration) { try OnlineStage($0).run(ensemble: nil, output: $1) }
  }

  /// Its smallest piece is an epoch, so there are fewer stops.
  @Test func distillation() throws {
    let ensemble = try agents()
    let configuration = try configuration([.distillation])
    func run(_ context: StageContext, _ output: String) throws {
      try DistillStage(context).run(
        ensemble: ensemble, output: folder.path + output, addToEnsemble: false)
    }
    try run(context(configuration), "/whole")
    for _ in 0..<2 {
      #expect(throws: Interrupted.self) {
        try run(context(configuration, stopping: true), "/pieces")
      }
    }
    try run(context(configuration, stopping: true), "/pieces")
    #expect(try results(folder.path + "/pieces") == results(folder.path + "/whole"))
  }

  /// A finished run reads nothing, but is no other run's result: its data and agents may have moved, not changed.
  @Test func aFinishedRunIsOfItsOwnInputs() throws {
    let ensemble = try agents()
    let (output, copy) = (folder.path + "/tuned", folder.path + "/copy.hdf5")
    let online = ["online.sac.batchSize=8", "online.actor=independent"]
    func resumed(_ configuration: ExperimentConfiguration) -> StageContext {
      StageContext(configuration: configuration, pool: WorkerPool(threads: 1), resume: true)
    }
    func tune(_ dataset: String, _ agents: String) throws {
      try OnlineStage(
        resumed(try configuration([.online], online + ["dataset.path=\(dataset)"]))
      ).run(ensemble: agents, output: output)
    }
    func expectRefusal(_ dataset: String, _ agents: String, _ input: String) throws {
      let error = try #require(throws: RunError.self) { try tune(dataset, agents) }
      #expect("\(error)".contains("with another \(input)"), "\(error)")
    }
    try tune(dataset, ensemble)
    let moved = folder.path + "/moved"
    try FileManager.default.copyItem(atPath: ensemble, toPath: moved)
    try FileManager.default.copyItem(atPath: dataset, toPath: copy)
    try tune(copy, moved)

    func append(to file: String) throws {
      let handle = try #require(FileHandle(forWritingAtPath: file))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data([0]))
      try handle.close()
    }
    try append(to: copy)
    try expectRefusal(copy, ensemble, "dataset")
    let (first, second) = (moved + "/weights/member-0", moved + "/weights/member-1")
    try FileManager.default.removeItem(atPath: first)
    try FileManager.default.copyItem(atPath: second, toPath: first)
    try expectRefusal(dataset, moved, "ensemble/member-0/actor.safetensors")

    // What the agents were made of counts where a later stage has not ended.
    let offline = tiny("offline", "cql")
    try OfflineStage(resumed(try configuration([.offline], offline))).run(output: ensemble)
    #expect(throws: RunError.self) {
      let changed = try configuration([.offline], offline + ["dataset.path=\(copy)"])
      try OfflineStage(resumed(changed)).run(output: ensemble)
    }

    // Nor has a file changed where it lies; one that is gone is no other.
    try append(to: dataset)
    try expectRefusal(dataset, ensemble, "dataset")
    try FileManager.default.removeItem(atPath: dataset)
    try tune(dataset, ensemble)
  }

  /// A diverged run stops with an error that names the loss, and keeps its last good checkpoint.
  @Test func divergence() throws {
    var wild = try configuration(
      [.offline],
      [
        "offline.cql.batchSize=8", "offline.cql.criticLearningRate=1", "offline.cql.tau=1",
        "offline.cql.discount=1", "offline.cql.conservativeWeight=1e6",
        "offline.gradientSteps=100000", "offline.epochSteps=5", "offline.checkpointInterval=1",
        "evaluation.interval=1000000", "dataset.nextObservations=stored",
      ])
    // Actions and values of a dataset with enormous rewards leave the range of single precision.
    wild.dataset.path = try enormousRewards()
    let output = folder.path + "/wild"
    #expect(throws: TrainingError.self) { try OfflineStage(context(wild)).run(output: output) }
    let names = try FileManager.default.contentsOfDirectory(atPath: output)
    #expect(!names.contains("summary.json"))
    // What is kept, if it came so far, can be gone on from.
    let kept =
      (try? FileManager.default.contentsOfDirectory(atPath: output + "/checkpoints")) ?? []
    for name in kept {
      let state = try SafetensorsFile.read("\(output)/checkpoints/\(name)")
      for (tensor, contents) in state.tensors where tensor.contains("/critic/") {
        guard case .float32(let values) = contents.elements else { continue }
        #expect(values.allSatisfy { $0.isFinite }, "\(name): \(tensor)")
      }
    }
  }

  /// Runs with different seeds share no agent, whatever the seeds.
  @Test func membersOfDifferentRunsDiffer() {
    var seen: Set<UInt64> = []
    for seed in 0..<20 {
      for member in 0..<8 { seen.insert(MemberSeed.of(seed: seed, member: member)) }
    }
    #expect(seen.count == 160)
  }

  private func enormousRewards() throws -> String {
    let path = folder.path + "/enormous.hdf5"
    var rows = D4RLRows()
    rows.observations = (0..<50 * 11).map { sin(Float($0)) }
    rows.nextObservations = rows.observations
    rows.actions = (0..<50 * 3).map { 0.5 * cos(Float($0)) }
    rows.rewards = (0..<50).map { Float($0) * 1e30 }
    rows.terminals = [Bool](repeating: false, count: 50)
    rows.timeouts = rows.terminals
    rows.actionLogProbs = [Float](repeating: 0, count: 50)
    let writer = try D4RLWriter(
      creating: path, rows: 50,
      shape: D4RLShape(observationSize: 11, actionSize: 3, positionSize: 0, velocitySize: 0),
      metadata: D4RLMetadata())
    try writer.append(rows)
    try writer.finish()
    return path
  }
}
