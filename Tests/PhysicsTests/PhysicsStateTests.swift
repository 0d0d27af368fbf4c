import Foundation
import Physics
import Testing

struct PhysicsStateTests {
  private func makeState() throws -> PhysicsState {
    try PhysicsState(model: PhysicsModel(mjcf: ball, title: "ball"))
  }

  @Test func freeFall() throws {
    var state = try makeState()
    state.step(100)
    // Semi-implicit Euler: v = −g·n·h, z = −g·h²·n(n+1)/2.
    #expect(abs(state.velocity[0] + 9.81 * 0.2) < 1e-12)
    #expect(abs(state.position(at: 0) + 9.81 * 0.002 * 0.002 * 100 * 101 / 2) < 1e-12)
    #expect(abs(state.time - 0.2) < 1e-12)
    state.reset()
    #expect(state.position == [0])
    #expect(state.velocity == [0])
    #expect(state.time == 0)
  }

  @Test func controlIsClamped() throws {
    var one = try makeState()
    var many = try makeState()
    one.setControl([1])
    many.setControl([50])
    one.step(10)
    many.step(10)
    #expect(one.velocity == many.velocity)
    #expect(one.velocity[0] > -9.81 * 0.02)
  }

  @Test func snapshotContinuesBitForBit() throws {
    var state = try makeState()
    state.reset(position: [-0.9], velocity: [-3])
    state.step(7)
    let snapshot = state.snapshot
    #expect(snapshot.count == state.snapshotSize)
    state.step(50)
    var other = try makeState()
    other.step(3)
    other.restore(snapshot)
    #expect(other.snapshot == snapshot)
    other.step(50)
    #expect(other.snapshot == state.snapshot)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity, 1e11])
  func badVelocityIsReported(value: Double) throws {
    var state = try makeState()
    state.reset(position: [0], velocity: [0])
    #expect(state.step().instability == nil)
    state.restore([0, 0, value, 0])
    #expect(state.step().instability == .velocity(index: 0))
    // The counters start anew with each call.
    #expect(state.step().instability == nil)
  }

  @Test func badPositionAndControlAreReported() throws {
    var state = try makeState()
    state.restore([0, .nan, 0, 0])
    #expect(state.step(4).instability == .position(index: 0))
    state.reset()
    state.setControl([.nan])
    #expect(state.step().instability == .control(index: 0))
    state.setControl([0])
    #expect(state.step().instability == nil)
  }

  @Test func aStateThatGoesBadInTheLastSubstepIsReportedAtOnce() throws {
    // Fast enough to leave ±10¹⁰ within one step, slow enough to be a legal velocity.
    var state = try makeState()
    state.restore([0, 9.99e9, 9.9e9, 0])
    #expect(state.step().instability == .position(index: 0))
  }

  @Test func noLogFileIsLeft() throws {
    var state = try makeState()
    state.restore([0, .nan, 0, 0])
    state.step()
    let log = URL(filePath: FileManager.default.currentDirectoryPath)
      .appending(path: "MUJOCO_LOG.TXT")
    #expect(!FileManager.default.fileExists(atPath: log.path))
  }
}
