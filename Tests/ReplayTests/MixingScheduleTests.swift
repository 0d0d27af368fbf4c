import DenseMath
import RLCore
import Testing

@testable import Replay

@Suite struct MixingScheduleTests {
  @Test func linear() throws {
    let schedule = try LinearSchedule(initialFraction: 0.25)
    #expect(schedule.onlineFraction(at: 0) == 0.25)
    #expect(abs(schedule.onlineFraction(at: 1_000) - 0.256) < 1e-12)
    #expect(schedule.onlineFraction(at: 62_500) == 0.625)
    #expect(schedule.onlineFraction(at: 125_000) == 1)
    #expect(schedule.onlineFraction(at: 250_000) == 1)
    #expect(try LinearSchedule(initialFraction: 0, finalStep: 10).onlineFraction(at: 5) == 0.5)
  }

  @Test func exponential() throws {
    let schedule = try ExponentialSchedule(initialFraction: 0.25, finalStep: 100)
    #expect(schedule.onlineFraction(at: 0) == 0.25)
    #expect(abs(schedule.onlineFraction(at: 50) - 0.5) < 1e-12)
    #expect(schedule.onlineFraction(at: 100) == 1)
    #expect(schedule.onlineFraction(at: 101) == 1)
    let zero = try ExponentialSchedule(initialFraction: 0, finalStep: 100)
    #expect(zero.onlineFraction(at: 0) == 0 && zero.onlineFraction(at: 99) == 0)
    #expect(zero.onlineFraction(at: 100) == 1)
  }

  @Test func constant() throws {
    #expect(try ConstantSchedule(fraction: 0.5).onlineFraction(at: 1_000_000) == 0.5)
  }

  @Test(arguments: [-0.1, 1.0001, .nan, .infinity]) func fractionsOutsideAreRefused(_ value: Double)
  {
    #expect(throws: ReplayError.self) { try LinearSchedule(initialFraction: value) }
    #expect(throws: ReplayError.self) { try ExponentialSchedule(initialFraction: value) }
    #expect(throws: ReplayError.self) { try ConstantSchedule(fraction: value) }
  }

  @Test(arguments: [0, -5]) func finalStepsBelowOneAreRefused(_ value: Int) {
    #expect(throws: ReplayError.finalStepNotPositive(value: value)) {
      try LinearSchedule(initialFraction: 0.5, finalStep: value)
    }
    #expect(throws: ReplayError.finalStepNotPositive(value: value)) {
      try ExponentialSchedule(initialFraction: 0.5, finalStep: value)
    }
  }
}

@Suite struct ReplaySamplerTests {
  @Test func uniformTreatsAllRowsAlike() throws {
    let offline = dataset(0..<300)
    let online = ring(200, rows: 300..<400)
    var batch = Batch(size: 256, observationSize: 3, actionSize: 2)
    var generator = RandomStream(seed: 8, purpose: "test")
    var counts = [Int](repeating: 0, count: 400)
    for _ in 0..<400 {
      let onlineRows = try UniformSampler().sample(
        into: &batch, offline: offline, online: online, environmentSteps: 100, using: &generator)
      for index in 0..<256 {
        let number = Int(batch.rewards[index] / 2)
        #expect((number >= 300) == (index < onlineRows))
        counts[number] += 1
      }
    }
    let expected = 400.0 * 256 / 400
    let chiSquare = counts.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    // 399 degrees of freedom: mean 399, standard deviation 28.
    #expect(chiSquare > 300 && chiSquare < 510, "χ² = \(chiSquare)")
    #expect(
      UniformSampler().onlineFraction(offlineCount: 300, onlineCount: 100, environmentSteps: 0)
        == 0.25)
  }

  @Test func uniformNeedsOneBufferOnly() throws {
    var batch = Batch(size: 8, observationSize: 3, actionSize: 2)
    var generator = RandomStream(seed: 8, purpose: "test")
    #expect(
      try UniformSampler().sample(
        into: &batch, offline: dataset(0..<3), online: ring(4), environmentSteps: 0,
        using: &generator) == 0)
    #expect(
      try UniformSampler().sample(
        into: &batch, offline: dataset(0..<0), online: ring(4, rows: 0..<2), environmentSteps: 0,
        using: &generator) == 8)
    #expect(throws: ReplayError.self) {
      try UniformSampler().sample(
        into: &batch, offline: dataset(0..<0), online: ring(4), environmentSteps: 0,
        using: &generator)
    }
  }

  @Test func onlineOnlyIgnoresTheDataset() throws {
    var batch = Batch(size: 64, observationSize: 3, actionSize: 2)
    var generator = RandomStream(seed: 8, purpose: "test")
    try OnlineOnlySampler().sample(
      into: &batch, offline: dataset(0..<50), online: ring(9, rows: 60..<69), environmentSteps: 9,
      using: &generator)
    #expect((0..<64).allSatisfy { number(batch, $0) >= 60 })
    #expect(throws: ReplayError.empty(buffer: "online")) {
      try OnlineOnlySampler().sample(
        into: &batch, offline: dataset(0..<50), online: ring(9), environmentSteps: 0,
        using: &generator)
    }
  }
}
