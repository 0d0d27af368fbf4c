import DenseMath
import Environments
import RLCore
import Testing

struct CollectorTests {
  private let policy = UniformPolicy(observationSize: 11, actionSize: 3)

  @Test func blocksBeginWithAResetAndAreCutAtTheirEnd() throws {
    let collector = Collector(try Hopper(), seed: 1)
    var (starts, actions): (Set<[Float]>, Set<[Float]>) = ([], [])
    for block in 1...3 {
      var rows: [CollectedStep] = []
      let episodes = collector.collectBlock(of: 100, policy) { rows.append($0) }
      #expect(rows.count == 100)
      #expect(collector.counts.steps == 100 * block)
      #expect(episodes.map(\.length).reduce(0, +) == 100)
      // A fresh hopper stands still at 1.25 m.
      #expect(abs(rows[0].observation[0] - 1.25) < 0.006)
      #expect(rows[0].observation[5...].allSatisfy { $0.magnitude <= 0.005 })
      starts.insert(rows[0].observation)
      actions.formUnion(rows.map(\.action))
      let last = rows.last!
      #expect(last.terminated != last.truncated)
      for index in 1..<rows.count {
        let before = rows[index - 1]
        let ended = before.terminated || before.truncated
        #expect((rows[index].observation == before.nextObservation) == !ended)
      }
      #expect(rows.filter { $0.terminated || $0.truncated }.count == episodes.count)
    }
    // No two episodes begin alike, and no two steps draw alike.
    #expect(starts.count == 3 && actions.count == 300)
    #expect(collector.counts.episodes > 3)
    #expect(collector.counts.unstableSteps == 0)
  }

  @Test func aBlockLeavesAnEpisodeThatIsUnderWay() throws {
    let collector = Collector(try Hopper(), seed: 1)
    for _ in 0..<5 { #expect(collector.step(policy).finished == nil) }
    var rows: [CollectedStep] = []
    collector.collectBlock(of: 3, policy) { rows.append($0) }
    #expect(collector.counts.episodes == 2)
    #expect(rows[0].observation[5...].allSatisfy { $0.magnitude <= 0.005 })
  }

  /// The time limit ends an episode, not the task.
  @Test func theTimeLimitIsNoFall() throws {
    let robot = try HalfCheetah()
    let space = robot.specification
    let uniform = UniformPolicy(
      observationSize: space.observationSize, actionSize: space.actionSize)
    let collector = Collector(robot, seed: 1)
    var rows: [CollectedStep] = []
    let episodes = collector.collectBlock(of: 1001, uniform) { rows.append($0) }
    #expect(episodes.map(\.length) == [1000, 1])
    #expect(episodes.map(\.truncated) == [true, true])
    #expect(episodes.map(\.terminated) == [false, false])
    #expect(rows[999].truncated && !rows[999].terminated)
  }

  @Test func restoredCollectorsGoOnWithTheSameBytes() throws {
    let whole = Collector(try Hopper(), seed: 2)
    for _ in 0..<57 { _ = whole.step(policy) }
    let state = whole.state
    let rest = (0..<200).map { _ in whole.step(policy) }

    let other = Collector(try Hopper(), seed: 2)
    _ = other.collectBlock(of: 13, policy) { _ in }
    try other.restore(state)
    #expect(other.state == state)
    #expect((0..<200).map { _ in other.step(policy) } == rest)
    #expect(other.counts == whole.counts)
    #expect(rest.contains { $0.finished?.terminated == true })
  }

  @Test func damagedStatesAreRefused() throws {
    let collector = Collector(try Hopper(), seed: 3)
    _ = collector.step(policy)
    let good = collector.state
    var states: [NamedTensors] = []
    for name in good.tensors.keys {
      var state = good
      state[name] = nil
      states.append(state)
      state[name] = Tensor(.uint8([1]))
      states.append(state)
    }
    var state = good
    state["environment"] = Tensor(.float64([Double](repeating: .nan, count: 20)))
    states.append(state)
    state = good
    state["counts"] = Tensor(.int64([-1, 0, 0, 0, 0]))
    states.append(state)
    states.append(Collector(try Walker2d(), seed: 3).state)
    for state in states {
      #expect(throws: StateError.self) { try collector.restore(state) }
      #expect(collector.state == good)
    }
  }

  @Test func unstableStepsAreDroppedAndCounted() {
    let collector = Collector(BreakingEnvironment(after: 3), seed: 4)
    var rows = 0
    let policy = UniformPolicy(observationSize: 1, actionSize: 1)
    var rowsAtEnds: [Int] = []
    let episodes = collector.collectBlock(of: 10, policy) { _ in
      rows += 1
    } ended: { _ in
      rowsAtEnds.append(rows)
    }
    // Three good steps and a bad one, twice, then two that the block cuts.
    #expect(rows == 8)
    #expect(rowsAtEnds == [3, 6, 8])
    #expect(collector.counts.steps == 10)
    #expect(collector.counts.episodes == 3)
    #expect(collector.counts.unstableSteps == 2)
    #expect(episodes.map(\.unstable) == [true, true, false])
    #expect(episodes.map(\.returnValue) == [3, 3, 2])
    #expect(episodes.stableReturns == [2])
    #expect(episodes.map(\.truncated) == [false, false, true])
  }
}

/// Pays 1 a step and breaks down in the step after `limit` of them.
final class BreakingEnvironment: Environment {
  let specification = EnvironmentSpecification(
    name: "breaking", observationSize: 1, actionSize: 1, positionSize: 1, velocitySize: 1,
    maximumEpisodeSteps: 1_000, canTerminate: false, randomReturn: 0, expertReturn: 1)
  private let limit: Int
  private var count = 0

  init(after limit: Int) { self.limit = limit }

  func reset(using generator: inout RandomStream) -> [Double] {
    count = 0
    return [0]
  }

  func reset(to state: PhysicalState) -> [Double] { [0] }

  func step(_ action: [Double]) -> TimeStep {
    count += 1
    return TimeStep(
      observation: [Double(count)], reward: 1, terminated: false, truncated: false,
      unstable: count > limit)
  }

  var physicalState: PhysicalState { PhysicalState(position: [0], velocity: [0]) }

  var snapshot: [Double] {
    get { [Double(count)] }
    set { count = Int(newValue[0]) }
  }
}
