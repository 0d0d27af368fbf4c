public import DenseMath
public import Physics
public import RLCore

/// A planar robot that should run forward, with the semantics of Gym's v2 and Gymnasium's v4 tasks,
/// or of its v5 tasks.
///
/// Gymnasium's step also computes contact forces afterwards, which none of these observations use.
/// The time limit is counted here and reported as truncation, never as termination.
public final class RobotEnvironment<Robot: PlanarRobot>: Environment {
  private var physics: PhysicsState
  private let initialPosition: [Double]
  private let initialVelocity: [Double]
  /// Simulated seconds of one step.
  private let interval: Double
  /// Steps since the reset.
  public private(set) var stepCount = 0
  /// What MuJoCo complained of in the last step.
  public private(set) var warnings = PhysicsWarnings()

  /// In the model's initial state; an episode begins with a reset.
  ///
  /// - Throws: `PhysicsError` where the model cannot be compiled or simulated.
  public init() throws(PhysicsError) {
    physics = try PhysicsState(model: Robot.model.get())
    initialPosition = physics.position
    initialVelocity = physics.velocity
    interval = physics.model.timeStep * Double(Robot.frameSkip)
    let specification = Robot.specification
    precondition(
      physics.model.positionSize == specification.positionSize
        && physics.model.velocitySize == specification.velocitySize
        && physics.model.controlSize == specification.actionSize,
      "the model of \(specification.name) does not fit its specification")
  }

  public var specification: EnvironmentSpecification { Robot.specification }

  public func reset(using generator: inout RandomStream) -> [Double] {
    let noise = Robot.resetNoise
    var position = initialPosition
    for index in position.indices {
      position[index] += generator.uniform(-noise.position, noise.position)
    }
    var velocity = initialVelocity
    for index in velocity.indices {
      switch noise.velocity {
      case .uniform(let amplitude): velocity[index] += generator.uniform(-amplitude, amplitude)
      case .normal(let deviation): velocity[index] += deviation * generator.normal()
      }
    }
    return reset(to: PhysicalState(position: position, velocity: velocity))
  }

  public func reset(to state: PhysicalState) -> [Double] {
    physics.reset(position: state.position, velocity: state.velocity)
    stepCount = 0
    warnings = PhysicsWarnings()
    return observation()
  }

  public func step(_ action: [Double]) -> TimeStep {
    let before = physics.position(at: 0)
    physics.setControl(action)
    warnings = physics.step(Robot.frameSkip)
    stepCount += 1
    guard warnings.instability == nil else {
      // What MuJoCo left behind is not a continuation: do not let it look like one.
      physics.reset()
      return TimeStep(
        observation: observation(), reward: 0, terminated: false, truncated: false, unstable: true)
    }
    let forward = (physics.position(at: 0) - before) / interval
    var effort = 0.0
    for value in action { effort += value * value }
    let healthy = physics.withState(Robot.isHealthy(position:velocity:))
    let alive = healthy || Robot.paysWhenFallen ? Robot.aliveReward : 0
    return TimeStep(
      observation: observation(),
      reward: forward + alive - Robot.controlCostWeight * effort,
      terminated: !healthy,
      truncated: stepCount >= Robot.specification.maximumEpisodeSteps)
  }

  public var physicalState: PhysicalState {
    PhysicalState(position: physics.position, velocity: physics.velocity)
  }

  /// Step count, then time, qpos, qvel and warm start.
  public var snapshot: [Double] {
    get { [Double(stepCount)] + physics.snapshot }
    set {
      precondition(
        newValue.count == physics.snapshotSize + 1,
        "a snapshot of \(newValue.count) numbers, expected \(physics.snapshotSize + 1)")
      // A count that is none cannot be continued: let the time limit end the episode.
      stepCount = Int(exactly: newValue[0]) ?? Robot.specification.maximumEpisodeSteps
      physics.restore(newValue.dropFirst())
      warnings = PhysicsWarnings()
    }
  }

  private func observation() -> [Double] {
    physics.withState { position, velocity in
      [Double](unsafeUninitializedCapacity: position.count - 1 + velocity.count) { buffer, count in
        for index in 1..<position.count { buffer[index - 1] = position[index] }
        let start = position.count - 1
        let limit = Robot.velocityLimit
        for index in velocity.indices {
          buffer[start + index] = min(max(velocity[index], -limit), limit)
        }
        count = start + velocity.count
      }
    }
  }
}
