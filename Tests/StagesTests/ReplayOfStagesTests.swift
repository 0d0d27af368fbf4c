import Algorithms
import Configuration
import Datasets
import DenseMath
import Environments
import RLCore
import Replay
import TestSupport
import Testing

@testable import Stages

/// What minibatches of stages hold, and what becomes of a replay buffer as a dataset.
@Suite struct ReplayOfStagesTests: TinyStages {
  let folder = TemporaryDirectory()
  private let task: ControlTask
  private let space = EnvironmentKind.hopper.specification

  init() throws {
    task = try ControlTask("hopper")
    try makeDataset()
  }

  private func batch(_ size: Int) -> Batch {
    Batch(
      size: size, observationSize: space.observationSize, actionSize: space.actionSize,
      extraColumns: [.returnToGo, .online])
  }

  private func replay(_ settings: [String], data: OfflineData?) throws -> OnlineReplay {
    let configuration = try configuration([.online], settings, method: .scratch)
    return try OnlineReplay(
      configuration.online, data: data, task: task, columns: [.returnToGo], discount: 0.5,
      members: 1)
  }

  private func data(_ rewards: String) throws -> OfflineData {
    let configuration = try configuration([.offline], ["dataset.rewards=\(rewards)"])
    return try OfflineData(configuration, task: task, for: CalibratedQLearning.self, CQLSettings())
  }

  /// 1000/(best − worst return), in rewards and returns, of the dataset as of interaction.
  @Test func rewardsAndReturnsAreScaledAlike() throws {
    let summary = try DatasetSummary(D4RLDataset(contentsOf: dataset), specification: space)
    let scale = Float(1000 / (summary.returnMax - summary.returnMin))
    #expect(summary.returnMin > 0 && scale != 1)
    let (raw, scaled) = (try data("raw"), try data("return-range"))
    var (plain, large) = (batch(40), batch(40))
    var stream = RandomStream(seed: 1, purpose: "draw")
    var again = stream
    try raw.sample(into: &plain, using: &stream)
    try scaled.sample(into: &large, using: &again)
    #expect(large.rewards == plain.rewards.map { $0 * scale })
    #expect(large.extras["returnToGo"] == plain.extras["returnToGo"]!.map { $0 * scale })
    #expect(Set(plain.rewards).count > 1)

    let online = try replay(["online.replay=online-only"], data: scaled)
    online.append(collected(2))
    online.append(collected(4))
    online.endEpisode()
    var few = batch(20)
    try online.sample(into: &few, member: 0, environmentSteps: 0, using: &stream)
    #expect(Set(few.rewards) == [2 * scale, 4 * scale])
    #expect(Set(few.extras["returnToGo"]!) == [4 * scale])
  }

  @Test func halfIsHalf() throws {
    let replay = try replay(["online.replay=half"], data: data("raw"))
    #expect(replay.onlineFraction(environmentSteps: 5) == 0.5)
  }

  /// f of the first minibatches are online rows, however many there are before updates begin.
  @Test(arguments: [["online.warmupSteps=20"], ["online.randomSteps=20"], []])
  func firstPrioritiesKnowHowManyRowsThereAre(settings: [String]) throws {
    let replay = try replay(
      ["online.replay=density-ratio", "online.initialOnlineFraction=0.25"] + settings,
      data: data("raw"))
    for _ in 0..<(settings.isEmpty ? 10 : 20) { replay.append(collected(1)) }
    replay.endEpisode()
    var batch = batch(8)
    var stream = RandomStream(seed: 1, purpose: "draw")
    try replay.sample(into: &batch, member: 0, environmentSteps: 0, using: &stream)
    #expect(abs(replay.onlineFraction(environmentSteps: 0) - 0.25) < 1e-6)
  }

  /// The time limit wins over a fall; a step that leads nowhere is a time-out, a fall is not.
  @Test func flagsOfARecordedReplay() throws {
    var buffer = ReplayBuffer(
      capacity: 6, observationSize: space.observationSize, actionSize: space.actionSize,
      positionSize: space.positionSize, velocitySize: space.velocitySize)
    func add(_ from: Float, _ to: Float, terminated: Bool = false, truncated: Bool = false) {
      var row = ReplayRow(collected(1))
      row.observation = [Float](repeating: from, count: space.observationSize)
      row.nextObservation = [Float](repeating: to, count: space.observationSize)
      (row.terminated, row.truncated) = (terminated, truncated)
      buffer.append(row)
    }
    add(0, 1)
    add(1, 2, terminated: true, truncated: true)
    add(3, 4, terminated: true)
    add(5, 6)  // The simulator lost the step after this one.
    add(7, 8, truncated: true)
    add(9, 10)
    var setup = AgentSetup(space)
    setup.hiddenSizes = [4, 4]
    let agent = try Agent(
      SoftActorCritic.self, SoftActorCritic.Settings(), setup, pool: WorkerPool(threads: 1))
    let path = folder.file("replay.hdf5")
    try ReplayDataset.write(
      buffer, agent: agent, task: task,
      configuration: configuration([.online], method: .scratch), to: path, replacing: false)
    let file = try D4RLDataset(contentsOf: path)
    let terminals = try file.terminals()
    #expect(terminals == [false, false, true, false, false, false])
    #expect(
      try file.timeouts(terminals: terminals) == [false, true, false, true, true, true])
  }
}
