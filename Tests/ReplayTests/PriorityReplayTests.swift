import DenseMath
import RLCore
import TestSupport
import Testing

@testable import Replay

/// Rows come as often as their priorities say.
@Suite struct PriorityReplayTests {
  @Test(arguments: [1, 2, 3, 7, 8, 9, 1000]) func sumsAreThoseOfTheLeaves(count: Int) {
    var tree = SumTree(count: count)
    var stream = RandomStream(seed: 1, purpose: "weights")
    var weights = [Float](repeating: 0, count: count)
    for change in 0..<3 * count {
      let leaf = stream.index(below: count)
      weights[leaf] = change % 3 == 0 ? 0 : Float(stream.index(below: 64)) / 8
      tree[leaf] = weights[leaf]
    }
    // Eighths add up exactly.
    for leaf in 0...count {
      #expect(tree.sum(before: leaf) == weights[..<leaf].reduce(0) { $0 + Double($1) })
    }
    #expect(tree.total == tree.sum(before: count))
    var whole = SumTree(count: count)
    whole.replace(weights)
    #expect((0..<count).allSatisfy { whole[$0] == tree[$0] } && whole.total == tree.total)
    for leaf in 0..<count where weights[leaf] > 0 {
      #expect(tree.leaf(at: tree.sum(before: leaf)) == leaf)
      #expect(tree.leaf(at: tree.sum(before: leaf + 1) - 1.0 / 16) == leaf)
    }
    // Beyond the end is the last leaf with a weight, never an empty one.
    if let last = weights.lastIndex(where: { $0 > 0 }) {
      #expect(tree.leaf(at: tree.total) == last)
    }
  }

  private func row(_ number: Int) -> ReplayRow {
    ReplayRow(
      observation: [Float(number)], action: [0], reward: Float(number), terminated: false,
      nextObservation: [Float(number)])
  }

  private func buffers(offline: Int, capacity: Int) -> (ReplayBuffer, ReplayBuffer) {
    let states = Matrix(rows: offline, columns: 1)
    let data = Transitions(
      observations: states, actions: Matrix(rows: offline, columns: 1),
      rewards: (0..<offline).map { Float($0) }, terminated: Array(repeating: false, count: offline),
      nextObservations: states)
    return (
      ReplayBuffer(data), ReplayBuffer(capacity: capacity, observationSize: 1, actionSize: 1)
    )
  }

  private func batch(_ size: Int) -> Batch {
    Batch(size: size, observationSize: 1, actionSize: 1, extraColumns: [.online, .index])
  }

  /// f of all draws are online ones, before anything was judged (Off2On's first block).
  @Test(arguments: [0.25, 0.5, 0.75]) func theFirstBlockHasItsShare(fraction: Double) throws {
    var (offline, online) = buffers(offline: 900, capacity: 500)
    var replay = try PriorityReplay(
      offlineCount: 900, onlineCapacity: 500, initialFraction: fraction, firstRows: 100)
    for number in 0..<100 { online.append(row(1000 + number)) }
    var (batch, seen) = (batch(400), Set<Float>())
    var count: Float = 0
    for step in 0..<50 {
      var stream = RandomStream(seed: 0, purpose: "draw/\(step)")
      try replay.sample(into: &batch, offline: offline, online: online, using: &stream)
      count += batch.extras["online"]!.reduce(0, +)
      for (index, reward) in batch.rewards.enumerated() {
        #expect((reward >= 1000) == (batch.extras["online"]![index] == 1))
        seen.insert(reward)
      }
    }
    // Strata leave at most one row of doubt in each minibatch.
    #expect(abs(count / 50 - Float(fraction) * 400) <= 1)
    #expect(abs(replay.onlineFraction - fraction) < 1e-6)
    #expect(seen.count > 990)
  }

  @Test func judgedRowsComeAsOftenAsWasSaid() throws {
    var (offline, online) = buffers(offline: 4, capacity: 4)
    var replay = try PriorityReplay(
      offlineCount: 4, onlineCapacity: 4, initialFraction: 0.5, firstRows: 4)
    for number in 0..<4 { online.append(row(10 + number)) }
    var batch = batch(80)
    var stream = RandomStream(seed: 3, purpose: "draw")
    try replay.sample(into: &batch, offline: offline, online: online, using: &stream)
    replay.setPriorities(batch.rewards.map { $0 == 12 ? 9 : $0 == 1 ? 2 : 0.5 })
    try replay.sample(into: &batch, offline: offline, online: online, using: &stream)
    // 9 + 2 + 6·½ = 14 parts.
    func share(_ number: Float) -> Float { Float(batch.rewards.count { $0 == number }) / 80 }
    #expect(abs(share(12) - 9.0 / 14) < 0.03 && abs(share(1) - 2.0 / 14) < 0.03)
    #expect(abs(share(13) - 0.5 / 14) < 0.03)
    #expect(abs(replay.onlineFraction - 10.5 / 14) < 1e-6)
  }

  /// Also where the ring has wrapped: a new row has the entry priority whatever the old one had.
  @Test func stateGoesOnLikeTheOriginal() throws {
    var (offline, online) = buffers(offline: 20, capacity: 8)
    func make() throws -> PriorityReplay {
      try PriorityReplay(offlineCount: 20, onlineCapacity: 8, initialFraction: 0.5, firstRows: 5)
    }
    var first = try make()
    var (batch, other) = (batch(16), batch(16))
    for round in 0..<6 {
      for number in 0..<3 { online.append(row(100 + 3 * round + number)) }
      var second = try make()
      try second.restore(first.state)
      var stream = RandomStream(seed: 5, purpose: "draw/\(round)")
      var same = stream
      try first.sample(into: &batch, offline: offline, online: online, using: &stream)
      try second.sample(into: &other, offline: offline, online: online, using: &same)
      #expect(batch == other)
      #expect(first.state == second.state)
      first.setPriorities((0..<16).map { 0.1 + Float($0) })
    }
    for number in 0..<8 { online.append(row(200 + number)) }
    var stream = RandomStream(seed: 6, purpose: "draw")
    try first.sample(into: &batch, offline: offline, online: online, using: &stream)
    let priorities = try first.state.floats("priorities", count: 28)
    #expect(priorities[20...].allSatisfy { $0 == first.entryPriority })
    #expect(throws: StateError.self) {
      var broken = first.state
      broken["priorities"] = Tensor(.float32([Float](repeating: 0, count: 28)))
      try first.restore(broken)
    }
  }

  @Test(arguments: [0.0, 1.0, -0.5, .nan]) func sharesWithoutBothKindsAreRefused(fraction: Double) {
    #expect(throws: ReplayError.self) {
      try PriorityReplay(
        offlineCount: 4, onlineCapacity: 4, initialFraction: fraction, firstRows: 1)
    }
  }
}
