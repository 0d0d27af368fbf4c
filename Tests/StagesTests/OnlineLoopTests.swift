import Algorithms
import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import Replay
import TestSupport
import Testing

@testable import Datasets
@testable import Stages

/// How environment steps, updates and records alternate.
@Suite struct OnlineLoopTests: TinyStages {
  let folder = TemporaryDirectory()

  /// Blocks of ten steps of training from scratch.
  private func train(
    _ settings: [String], _ algorithm: String = "sac", replayDataset: String? = nil,
    output: String = "run"
  ) throws {
    let configuration = try configuration(
      [.online], tiny("online", algorithm) + ["online.environmentSteps=35"] + settings,
      method: .scratch)
    try OnlineStage(context(configuration)).run(
      ensemble: nil, output: folder.file(output), replayDataset: replayDataset)
  }

  /// The first block's updates are multiplied, those after keep up with the steps, and the last block is cut.
  @Test(arguments: [
    (["online.updatesPerStep=0.5", "online.firstBlockMultiplier=2"], [0.0, 10, 15, 20, 22]),
    // ⌊0.25·20⌋ − ⌊0.25·10⌋ and so on; the first block's are rounded.
    (["online.updatesPerStep=0.25", "online.firstBlockMultiplier=1"], [0.0, 3, 6, 8, 9]),
    (
      ["online.updatesPerStep=0.5", "online.firstBlockMultiplier=2", "online.warmupSteps=10"],
      [0.0, 0, 10, 15, 17]
    ),
    (
      ["online.updatesPerStep=0.5", "online.firstBlockMultiplier=2", "online.randomSteps=5"],
      [0.0, 5, 10, 15, 18]
    ),
  ]) func updatesFollowSteps(settings: [String], expected: [Double]) throws {
    try train(settings)
    #expect(try column("gradient_steps", of: "run") == expected)
    #expect(try column("environment_steps", of: "run") == [0, 10, 20, 30, 35])
  }

  @Test func evaluationsComeAtTheirIntervalAndAtTheEnd() throws {
    try train(["evaluation.interval=2"])
    #expect(
      try column("eval_episodes", of: "run").map(\.isFinite) == [true, false, true, false, true])
  }

  /// Uniform actions have one density.
  @Test func randomStepsComeFirstAndNoMore() throws {
    let file = folder.file("replay.hdf5")
    try train(["online.randomSteps=10"], replayDataset: file)
    let rows = try D4RLDataset(contentsOf: file)
    let density = -3 * log(Float(2))
    let isRandom = try rows.read(Float.self, "infos/action_log_probs").map {
      abs($0 - density) < 1e-5
    }
    #expect(isRandom == (0..<35).map { $0 < 10 })
  }

  /// Of networks that stand still, the loss tells minibatches apart.
  @Test func everyUpdateOfABlockHasItsOwnMinibatch() throws {
    func loss(updates: Int) throws -> Double {
      try train(
        [
          "online.td3.targetNoise=0", "online.td3.criticLearningRate=1e-9",
          "online.td3.policyLearningRate=1e-9", "online.firstBlockMultiplier=1",
          "online.updatesPerStep=\(Double(updates) / 10)",
        ], "td3", output: "\(updates)")
      #expect(try column("gradient_steps", of: "\(updates)")[1] == Double(updates))
      return try column("critic_loss", of: "\(updates)")[1]
    }
    let (first, ofTwo) = (try loss(updates: 1), try loss(updates: 2))
    #expect(abs(ofTwo - first) > 1e-3 * first)
  }

  /// The last episode of a block is cut, which ends it as far as returns go.
  @Test func blocksKeepTheReturnsOfAllTheirRows() throws {
    try makeDataset()
    let configuration = try configuration(
      [.online],
      tiny("online", "cal-ql") + ["online.replay=half", "online.actor=independent"])
    try OnlineStage(context(configuration)).run(
      ensemble: agents("cal-ql"), output: folder.file("run"))
    #expect(try column("online_rows", of: "run") == column("environment_steps", of: "run"))
    #expect(try column("gradient_steps", of: "run")[1] > 0)
  }

  /// Of one minibatch and networks that stand still, the variance of Q differs by its draws alone.
  @Test func everyMeasurementOfQHasItsOwnDraws() throws {
    var setup = AgentSetup(EnvironmentKind.hopper.specification)
    setup.hiddenSizes = [8, 8]
    var settings = SoftActorCritic.Settings()
    (settings.policyLearningRate, settings.criticLearningRate) = (1e-9, 1e-9)
    let pool = WorkerPool(threads: 1)
    let team = try AgentTeam(members: 1, pool: pool) { _, pool in
      try Agent(SoftActorCritic.self, settings, setup, pool: pool)
    }
    let meter = QVarianceMeter(team, seed: 1, purpose: "test", pool: pool)
    func measured() throws -> Double {
      defer { meter.reset() }
      try meter.measure(team.agents) { _ in }
      return try #require(meter.mean)
    }
    let first = try measured()
    #expect(try measured() == first)
    try team.update(1, fill: { _, _, _ in }, done: { _, _ in })
    #expect(abs(try measured() - first) > 1e-4 * first)
  }

  /// Rows that are kept beside an agent are drawn from all that there are.
  @Test func keptRowsAreOfTheWholeReplay() throws {
    let space = EnvironmentKind.hopper.specification
    let count = KeptAgents.rowCount + 500
    var buffer = ReplayBuffer(
      capacity: count, observationSize: space.observationSize, actionSize: space.actionSize,
      positionSize: space.positionSize, velocitySize: space.velocitySize)
    for number in 0..<count {
      var row = ReplayRow(collected(1))
      row.observation[0] = Float(number)
      buffer.append(row)
    }
    try KeptAgents.writeRows(
      of: buffer, environmentSteps: 7, key: RandomStream.Key(seed: 1, purpose: "kept"),
      to: folder.path)
    let rows = try KeptAgents.readRows(in: folder.path, task: space)
    let numbers = (0..<rows.observations.rows).map { rows.observations[$0, 0] }
    #expect(Set(numbers).count == KeptAgents.rowCount && numbers == numbers.sorted())
    // A third of the rows is not kept, of the last 300 as of all.
    #expect((150..<250).contains(numbers.count { $0 >= Float(count - 300) }))
    #expect(rows.environmentSteps == 7)
  }
}
