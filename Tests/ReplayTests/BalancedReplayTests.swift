import DenseMath
import RLCore
import Replay
import Testing

@Suite struct BalancedReplayTests {
  /// Rows whose reward tells them apart: offline 0, online 1.
  private func transitions(_ count: Int, reward: Float) -> ReplayBuffer {
    ReplayBuffer(
      Transitions(
        observations: Matrix(rows: count, columns: 3), actions: Matrix(rows: count, columns: 2),
        rewards: [Float](repeating: reward, count: count),
        terminated: [Bool](repeating: false, count: count),
        nextObservations: Matrix(rows: count, columns: 3)))
  }

  @Test(arguments: [
    (0.25, [64, 66, 160, 256]), (0.5, [128, 129, 192, 256]), (0.75, [192, 193, 224, 256]),
    (0.9, [230, 231, 243, 256]),
  ])
  func proportionsOfThePaper(_ initial: Double, _ expected: [Int]) throws {
    let sampler = BalancedSampler(schedule: try LinearSchedule(initialFraction: initial))
    let offline = transitions(50, reward: 0)
    let online = transitions(20, reward: 1)
    var batch = Batch(size: 256, observationSize: 3, actionSize: 2)
    for (step, rows) in zip([0, 1_000, 62_500, 125_000], expected) {
      var generator = RandomStream(seed: 1, purpose: "test", step: UInt64(step))
      let drawn = try sampler.sample(
        into: &batch, offline: offline, online: online, environmentSteps: step, using: &generator)
      #expect(drawn == rows)
      #expect(batch.rewards == (0..<256).map { $0 < rows ? 1 : 0 })
    }
  }

  @Test func halvesAreRoundedUp() throws {
    let sampler = BalancedSampler(schedule: try ConstantSchedule(fraction: 0.5))
    #expect(try sampler.onlineRows(batchSize: 5, environmentSteps: 0) == 3)
    #expect(try sampler.onlineRows(batchSize: 4, environmentSteps: 0) == 2)
  }

  @Test func emptyBuffersAreRefusedOnlyWhereNeeded() throws {
    var batch = Batch(size: 8, observationSize: 3, actionSize: 2)
    var generator = RandomStream(seed: 1, purpose: "test")
    let empty = ReplayBuffer(capacity: 4, observationSize: 3, actionSize: 2)
    let sampler = BalancedSampler(
      schedule: try LinearSchedule(initialFraction: 0.5, finalStep: 10))
    #expect(throws: ReplayError.empty(buffer: "online")) {
      try sampler.sample(
        into: &batch, offline: transitions(3, reward: 0), online: empty, environmentSteps: 0,
        using: &generator)
    }
    #expect(throws: ReplayError.empty(buffer: "offline")) {
      try sampler.sample(
        into: &batch, offline: transitions(0, reward: 0), online: transitions(3, reward: 1),
        environmentSteps: 0, using: &generator)
    }
    // From t_final on, the dataset is not needed any more.
    try sampler.sample(
      into: &batch, offline: transitions(0, reward: 0), online: transitions(3, reward: 1),
      environmentSteps: 10, using: &generator)
  }

  /// What a researcher would write: one type, one function.
  private struct Pulse: MixingSchedule {
    func onlineFraction(at environmentSteps: Int) -> Double { environmentSteps < 5 ? 0.25 : 1.5 }
  }

  @Test func ownSchedules() throws {
    let sampler = BalancedSampler(schedule: Pulse())
    #expect(try sampler.onlineRows(batchSize: 8, environmentSteps: 0) == 2)
    let error = #expect(throws: ReplayError.self) {
      try sampler.onlineRows(batchSize: 8, environmentSteps: 5)
    }
    #expect(error?.description.contains("1.5") == true)
  }
}
