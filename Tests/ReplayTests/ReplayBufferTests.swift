import DenseMath
import RLCore
import TestSupport
import Testing

@testable import Replay

/// A transition whose every number says which one it is.
func row(_ number: Int, physical: Bool = true) -> ReplayRow {
  let value = Float(number)
  return ReplayRow(
    observation: [value, value + 0.1, value + 0.2], action: [value / 1000, -value / 1000],
    reward: 2 * value, terminated: number % 3 == 0, nextObservation: [value + 1, value, value],
    truncated: number % 5 == 0, logProb: -value,
    physicalState: physical
      ? PhysicalState(position: [Double(number) / 3], velocity: [Double(number) / 7, 1]) : nil)
}

func ring(_ capacity: Int, rows: Range<Int> = 0..<0) -> ReplayBuffer {
  var buffer = ReplayBuffer(
    capacity: capacity, observationSize: 3, actionSize: 2, positionSize: 1, velocitySize: 2)
  for number in rows { buffer.append(row(number)) }
  return buffer
}

func dataset(_ rows: Range<Int>) -> ReplayBuffer {
  let all = rows.map { row($0) }
  return ReplayBuffer(
    Transitions(
      observations: Matrix(rows: rows.count, columns: 3, elements: all.flatMap(\.observation)),
      actions: Matrix(rows: rows.count, columns: 2, elements: all.flatMap(\.action)),
      rewards: all.map(\.reward), terminated: all.map(\.terminated),
      nextObservations: Matrix(
        rows: rows.count, columns: 3, elements: all.flatMap(\.nextObservation))))
}

/// Which transition stands in a row of a batch, after checking that all its columns agree.
func number(_ batch: Batch, _ index: Int) -> Int {
  let number = Int(batch.rewards[index] / 2)
  let expected = row(number)
  #expect(Array(batch.observations.row(index)) == expected.observation)
  #expect(Array(batch.actions.row(index)) == expected.action)
  #expect(Array(batch.nextObservations.row(index)) == expected.nextObservation)
  #expect(batch.masks[index] == (expected.terminated ? 0 : 1))
  return number
}

@Suite struct ReplayBufferTests {
  @Test(arguments: [0, 1, 4, 5, 6, 13]) func ringKeepsTheNewest(_ appended: Int) {
    let buffer = ring(5, rows: 0..<appended)
    #expect(buffer.count == min(appended, 5))
    #expect(buffer.appendedCount == appended)
    #expect(buffer.isFull == (appended >= 5))
    let kept = Array(max(0, appended - 5)..<appended)
    #expect((0..<buffer.count).map { buffer[$0] } == kept.map { row($0) })
  }

  @Test func samplesOnlyWhatIsThere() throws {
    var batch = Batch(size: 400, observationSize: 3, actionSize: 2)
    var generator = RandomStream(seed: 3, purpose: "test")
    try ring(5, rows: 0..<3).sample(0..<400, of: &batch, using: &generator)
    #expect(Set((0..<400).map { number(batch, $0) }) == [0, 1, 2])
    try ring(5, rows: 0..<8).sample(0..<400, of: &batch, using: &generator)
    #expect(Set((0..<400).map { number(batch, $0) }) == [3, 4, 5, 6, 7])
    try dataset(10..<14).sample(100..<300, of: &batch, using: &generator)
    #expect(Set((100..<300).map { number(batch, $0) }) == [10, 11, 12, 13])
    #expect(Set((300..<400).map { number(batch, $0) }) == [3, 4, 5, 6, 7])
  }

  @Test func drawsUniformly() throws {
    let buffer = dataset(0..<50)
    var batch = Batch(size: 1_000, observationSize: 3, actionSize: 2)
    var generator = RandomStream(seed: 4, purpose: "test")
    var counts = [Double](repeating: 0, count: 50)
    for _ in 0..<100 {
      try buffer.sample(0..<1_000, of: &batch, using: &generator)
      for reward in batch.rewards { counts[Int(reward / 2)] += 1 }
    }
    let expected = 100_000.0 / 50
    let chiSquare = counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
    // 49 degrees of freedom: mean 49, standard deviation 9.9.
    #expect(chiSquare > 15 && chiSquare < 90, "χ² = \(chiSquare)")
  }

  @Test func sameStreamSameBatch() throws {
    let buffer = ring(100, rows: 0..<100)
    var a = Batch(size: 64, observationSize: 3, actionSize: 2)
    var b = a
    var first = RandomStream(seed: 4, purpose: "test", step: 7)
    var second = first
    try buffer.sample(0..<64, of: &a, using: &first)
    try buffer.sample(0..<64, of: &b, using: &second)
    #expect(a == b)
    try buffer.sample(0..<64, of: &b, using: &second)
    #expect(a != b)
  }

  @Test func emptyBuffersAreRefused() throws {
    var batch = Batch(size: 4, observationSize: 3, actionSize: 2)
    var generator = RandomStream(seed: 4, purpose: "test")
    #expect(throws: ReplayError.empty(buffer: "online")) {
      try ring(5).sample(0..<4, of: &batch, using: &generator)
    }
    #expect(throws: ReplayError.empty(buffer: "offline")) {
      try dataset(0..<0).sample(0..<4, of: &batch, using: &generator)
    }
    try ring(5).sample(2..<2, of: &batch, using: &generator)
  }

  @Test(arguments: [0, 3, 5, 12]) func stateRoundTrip(_ appended: Int) throws {
    var original = ring(5, rows: 0..<appended)
    var restored = ring(5, rows: 40..<44)
    try restored.restore(original.state)
    for number in 90..<93 {
      #expect(restored.count == original.count)
      #expect(restored.state == original.state)
      #expect(
        (0..<original.count).map { restored[$0] } == (0..<original.count).map { original[$0] })
      original.append(row(number))
      restored.append(row(number))
    }
  }

  @Test func foreignStatesAreRefused() {
    var buffer = ring(5, rows: 0..<2)
    let before = buffer.state
    #expect(throws: StateError.missing(name: "appendedCount")) {
      try buffer.restore(NamedTensors())
    }
    #expect(
      throws: StateError.wrongCount(name: "observations", expected: 15, actual: 18)
    ) { try buffer.restore(ring(7, rows: 0..<6).state) }
    var state = before
    state["records/positions"] = nil
    #expect(throws: StateError.missing(name: "positions")) { try buffer.restore(state) }
    state["appendedCount"] = Tensor(.int64([-1]))
    #expect(throws: StateError.self) { try buffer.restore(state) }
    #expect(buffer.state == before)
  }

  @Test func samplingKeepsTheBatchesMemory() throws {
    let buffer = dataset(0..<1_000)
    var batch = Batch(size: 256, observationSize: 3, actionSize: 2)
    func addresses(_ batch: inout Batch) -> [UnsafeRawPointer] {
      [
        batch.observations.elements.withUnsafeBytes { $0.baseAddress! },
        batch.actions.elements.withUnsafeBytes { $0.baseAddress! },
        batch.nextObservations.elements.withUnsafeBytes { $0.baseAddress! },
        batch.rewards.withUnsafeBytes { $0.baseAddress! },
        batch.masks.withUnsafeBytes { $0.baseAddress! },
      ]
    }
    var generator = RandomStream(seed: 4, purpose: "test")
    try buffer.sample(0..<256, of: &batch, using: &generator)
    let before = addresses(&batch)
    for _ in 0..<200 { try buffer.sample(0..<256, of: &batch, using: &generator) }
    #expect(addresses(&batch) == before)
  }

  /// Returns reach minibatches, and a checkpoint keeps them and where episodes were cut.
  @Test func returnsAndCutsAreKept() throws {
    func ring() -> ReplayBuffer {
      ReplayBuffer(capacity: 4, observationSize: 1, actionSize: 1, keepsReturns: true)
    }
    var original = ring()
    for number in 0..<6 {
      var row = ReplayRow(
        observation: [0], action: [0], reward: Float(number), terminated: false,
        nextObservation: [0], truncated: number % 2 == 0)
      row.returnToGo = 10 + Float(number)
      original.append(row)
    }
    var copy = ring()
    try copy.restore(original.state)
    for buffer in [original, copy] {
      #expect((0..<4).map { buffer[$0].truncated } == [true, false, true, false])
      #expect((0..<4).map { buffer[$0].returnToGo } == [12, 13, 14, 15])
      var batch = Batch(size: 20, observationSize: 1, actionSize: 1, extraColumns: [.returnToGo])
      var stream = RandomStream(seed: 1, purpose: "draw")
      try buffer.sample(0..<20, of: &batch, using: &stream)
      #expect(batch.extras["returnToGo"] == batch.rewards.map { $0 + 10 })
    }
  }
}
