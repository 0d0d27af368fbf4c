import DenseMath
import Environments
import Foundation
import RLCore
import Testing

struct RobotEnvironmentTests {
  private func action(_ size: Int, _ generator: inout RandomStream) -> [Double] {
    (0..<size).map { _ in generator.uniform(-1, 1) }
  }

  @Test(arguments: EnvironmentKind.allCases)
  func snapshotContinuesBitForBit(kind: EnvironmentKind) throws {
    let one = try kind.makeEnvironment()
    let two = try kind.makeEnvironment()
    let size = kind.specification.actionSize
    var generator = RandomStream(seed: 1, purpose: "snapshot")
    _ = one.reset(using: &generator)
    for _ in 0..<30 { _ = one.step(action(size, &generator)) }
    let snapshot = one.snapshot
    let actions = (0..<50).map { _ in action(size, &generator) }
    let first = actions.map { one.step($0) }
    // Into another instance with a past of its own, and back into the same.
    _ = two.reset(using: &generator)
    _ = two.step(actions[0])
    for environment in [two, one] {
      environment.snapshot = snapshot
      #expect(environment.snapshot == snapshot)
      #expect(actions.map { environment.step($0) } == first)
    }
    #expect(one.snapshot == two.snapshot)
    #expect(one.snapshot != snapshot)
  }

  @Test(arguments: EnvironmentKind.allCases)
  func instabilityEndsTheEpisode(kind: EnvironmentKind) throws {
    let environment = try kind.makeEnvironment()
    let rest = [Double](repeating: 0, count: kind.specification.actionSize)
    var generator = RandomStream(seed: 2, purpose: "unstable")
    let initial = environment.reset(using: &generator)
    for bad in [Double.nan, .infinity, -.infinity, 1e11] {
      _ = environment.reset(using: &generator)
      var state = environment.physicalState
      state.velocity[1] = bad
      _ = environment.reset(to: state)
      let step = environment.step(rest)
      #expect(step.unstable, "velocity \(bad)")
      #expect(step.episodeEnded && !step.terminated && !step.truncated)
      #expect(step.reward == 0 && step.observation.allSatisfy(\.isFinite))
      #expect(step.observation.count == initial.count)
    }
    for bad in [Double.nan, -.infinity, 1e11] {
      var state = environment.physicalState
      state.position[kind.specification.positionSize - 1] = bad
      _ = environment.reset(to: state)
      #expect(environment.step(rest).unstable, "position \(bad)")
    }
    // A controller that is not a number.
    _ = environment.reset(using: &generator)
    #expect(environment.step(rest.map { _ in .nan }).unstable)
    // And nothing of it remains.
    _ = environment.reset(using: &generator)
    #expect(!environment.step(rest).unstable)
  }

  @Test(arguments: EnvironmentKind.allCases)
  func resetDistribution(kind: EnvironmentKind) throws {
    let environment = try kind.makeEnvironment()
    let count = 2_000
    let states = (0..<count).map { k in
      var generator = RandomStream(seed: 3, purpose: "reset", step: UInt64(k))
      let observation = environment.reset(using: &generator)
      let state = environment.physicalState
      #expect(observation == Array(state.position[1...]) + state.velocity)
      return state
    }
    let cheetah = kind.robot == .halfcheetah
    let amplitude = cheetah ? 0.1 : 0.005
    for index in 0..<kind.specification.positionSize {
      let centre = index == 1 && !cheetah ? 1.25 : 0
      let values = states.map { $0.position[index] - centre }
      #expect(values.allSatisfy { $0.magnitude <= amplitude })
      #expect(values.max()! > 0.99 * amplitude && values.min()! < -0.99 * amplitude)
      #expect((values.reduce(0, +) / Double(count)).magnitude < 0.06 * amplitude)
    }
    for index in 0..<kind.specification.velocitySize {
      let values = states.map { $0.velocity[index] }
      let mean = values.reduce(0, +) / Double(count)
      let deviation = (values.reduce(0) { $0 + $1 * $1 } / Double(count)).squareRoot()
      let expected = cheetah ? 0.1 : 0.005 / 3.0.squareRoot()
      #expect(mean.magnitude < 0.1 * expected)
      #expect(abs(deviation / expected - 1) < 0.08)
      if cheetah {
        #expect(values.contains { $0.magnitude > 0.2 })
      } else {
        #expect(values.allSatisfy { $0.magnitude <= 0.005 })
      }
    }
  }

  @Test func timeLimitIsTruncation() throws {
    let environment = try HalfCheetah()
    var generator = RandomStream(seed: 4, purpose: "limit")
    _ = environment.reset(using: &generator)
    for step in 1...1_000 {
      let result = environment.step(action(6, &generator))
      #expect(!result.terminated && !result.unstable)
      #expect(result.truncated == (step == 1_000))
    }
    _ = environment.reset(using: &generator)
    #expect(environment.stepCount == 0)
    #expect(!environment.step(action(6, &generator)).truncated)
  }

  private func ends<Robot: PlanarRobot>(
    _ robot: Robot.Type, _ position: [Double], _ velocity: [Double]
  ) -> Bool {
    position.withUnsafeBufferPointer { position in
      velocity.withUnsafeBufferPointer { velocity in
        !Robot.isHealthy(position: position, velocity: velocity)
      }
    }
  }

  /// Each bound of Hopper's rule, just inside and just outside, in free flight without motion.
  @Test func hopperTerminatesByItsRule() throws {
    func ends(height: Double = 3, pitch: Double = 0, thigh: Double = 0, speed: Double = 0) throws
      -> Bool
    {
      self.ends(HopperRobot.self, [1e6, height, pitch, thigh, 0, 0], [0, 0, 0, 0, 0, speed])
    }
    #expect(try !ends())
    #expect(try ends(height: 0.7))
    #expect(try !ends(height: 0.7.nextUp))
    #expect(try !ends(height: 1e9))
    #expect(try ends(height: .infinity))
    #expect(try ends(height: .nan))
    #expect(try ends(pitch: 0.2))
    #expect(try ends(pitch: -0.2))
    #expect(try !ends(pitch: (-0.2).nextUp))
    #expect(try ends(thigh: 100))
    #expect(try !ends(thigh: 100.0.nextDown))
    #expect(try ends(speed: -100))
    #expect(try !ends(speed: (-100.0).nextUp))
    #expect(try ends(speed: .nan))
  }

  /// Walker2d looks at height and pitch alone.
  @Test func walkerTerminatesByItsRule() {
    func ends(height: Double = 1.25, pitch: Double = 0, thigh: Double = 0, speed: Double = 0)
      -> Bool
    {
      self.ends(
        Walker2dRobot.self, [1e6, height, pitch, thigh, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, speed])
    }
    #expect(!ends() && !ends(thigh: 1e3, speed: 1e3))
    #expect(ends(height: 0.8) && !ends(height: 0.8.nextUp))
    #expect(ends(height: 2) && !ends(height: 2.0.nextDown))
    #expect(ends(pitch: 1) && !ends(pitch: 1.0.nextDown))
    #expect(ends(pitch: -1) && !ends(pitch: (-1.0).nextUp))
    #expect(ends(height: .nan) && ends(pitch: .nan))
  }

  @Test func theFallenHopperIsStillPaid() throws {
    let environment = try Hopper()
    _ = environment.reset(
      to: PhysicalState(position: [0, 5, 0.5, 0, 0, 0], velocity: [0, 0, 0, 0, 0, 0]))
    let before = environment.physicalState.position[0]
    let step = environment.step([0.5, 0, -2])
    #expect(step.terminated && !step.truncated)
    let forward = (environment.physicalState.position[0] - before) / 0.008
    // The cost counts the action as passed, though the motor clamps −2 to −1.
    #expect(abs(step.reward - (forward + 1 - 0.001 * 4.25)) < 1e-12)
  }

  @Test func velocitiesAreClippedForHopperAndWalkerOnly() throws {
    for kind in EnvironmentKind.allCases {
      let s = kind.specification
      let environment = try kind.makeEnvironment()
      var position = [Double](repeating: 0, count: s.positionSize)
      position[1] = 5
      let velocity = [Double](repeating: 12, count: s.velocitySize)
      let observation = environment.reset(
        to: PhysicalState(position: position, velocity: velocity))
      let expected = kind.robot == .halfcheetah ? 12.0 : 10
      #expect(observation.suffix(s.velocitySize).allSatisfy { $0 == expected })
    }
  }

  @Test(arguments: EnvironmentKind.allCases)
  func tablesFitTheSpecification(kind: EnvironmentKind) {
    #expect(kind.observationTable.count == kind.specification.observationSize)
    #expect(kind.actionTable.count == kind.specification.actionSize)
    #expect(kind.specification.name == kind.rawValue)
  }

  @Test func noLogFileIsLeft() {
    let folder = URL(filePath: FileManager.default.currentDirectoryPath)
    #expect(
      !FileManager.default.fileExists(atPath: folder.appending(path: "MUJOCO_LOG.TXT").path))
  }
}
