public import Physics
public import RLCore

/// One number of an observation or an action: what it is, which joint it belongs to, its unit.
public struct Quantity: Sendable, Equatable {
  /// What the number is, with what was done to it: `forward velocity, clipped to ±10`.
  public let meaning: String
  /// Name of the joint in the model.
  public let joint: String
  /// SI unit, `rad/s`; `1` for a number without one.
  public let unit: String

  public init(_ meaning: String, joint: String, unit: String) {
    self.meaning = meaning
    self.joint = joint
    self.unit = unit
  }

  /// Meaning with the joint where that says more, and unit: `angle of thigh_joint (rad)`.
  public var label: String {
    var words = meaning
    if !joint.hasPrefix("root") || meaning.hasPrefix("angular") {
      // In front of a remark, as in `angular velocity, clipped to ±10`.
      var end = meaning.firstIndex { $0 == "," || $0 == "/" } ?? meaning.endIndex
      if meaning[..<end].hasSuffix(" ") { end = meaning.index(before: end) }
      words = meaning[..<end] + " of \(joint)" + meaning[end...]
    }
    return unit.isEmpty || unit == "1" ? words : "\(words) (\(unit))"
  }
}

/// How far an episode's first state lies from the model's initial one.
public struct ResetNoise: Sendable, Equatable {
  /// By what each element of qvel is shifted, each by a draw of its own.
  public enum Velocity: Sendable, Equatable {
    /// Uniform on ±amplitude.
    case uniform(Double)
    /// Normal with this standard deviation.
    case normal(Double)
  }
  /// Each element of qpos is shifted by a uniform number on ±`position`.
  public let position: Double
  /// Distribution of the shifts of qvel.
  public let velocity: Velocity

  public init(position: Double, velocity: Velocity) {
    self.position = position
    self.velocity = velocity
  }
}

/// What is particular to one robot that runs in the x-z plane; ``RobotEnvironment`` does the rest.
///
/// qpos[0] is x, qpos[1] the height, qpos[2] the pitch, then come the leg joints.
/// - Observation: qpos without x, then qvel clipped to ±``velocityLimit``.
/// - Reward: Δx/Δt + ``aliveReward`` − ``controlCostWeight``·‖a‖², with the action as passed, not as
///   the motors clamp it; the alive reward is paid in the terminating step as well, unless
///   ``paysWhenFallen`` is false.
/// - Termination: not ``isHealthy(position:velocity:)`` after the step.
public protocol PlanarRobot {
  /// Sizes, time limit and reference returns.
  static var specification: EnvironmentSpecification { get }
  /// The compiled model, one per process.
  static var model: Result<PhysicsModel, PhysicsError> { get }
  /// Physics steps for which one action is held.
  static var frameSkip: Int { get }
  /// Bound of the velocities in an observation, in m/s and rad/s; ∞ clips nothing.
  static var velocityLimit: Double { get }
  /// Reward for each step in which the robot has not fallen.
  static var aliveReward: Double { get }
  /// Whether the alive reward is paid in the terminating step: up to Gymnasium's version 4 it is.
  static var paysWhenFallen: Bool { get }
  /// Weight of ‖a‖² in the reward.
  static var controlCostWeight: Double { get }
  /// How the first state of an episode is drawn.
  static var resetNoise: ResetNoise { get }
  /// Meaning, joint and unit of each element of an observation, `[observationSize]`.
  static var observationTable: [Quantity] { get }
  /// Meaning, joint and unit of each element of an action, `[actionSize]`.
  static var actionTable: [Quantity] { get }

  /// Whether the episode goes on. Velocities are unclipped.
  static func isHealthy(
    position: UnsafeBufferPointer<Double>, velocity: UnsafeBufferPointer<Double>
  ) -> Bool
}

extension PlanarRobot {
  public static var paysWhenFallen: Bool { true }
}

extension Quantity {
  /// Observation table of a robot with these joints, x left out, velocities after positions.
  static func observations(legs: [String], velocityMeaning: String) -> [Quantity] {
    let position =
      [
        Quantity("height of the torso", joint: "rootz", unit: "m"),
        Quantity("pitch of the torso", joint: "rooty", unit: "rad"),
      ] + legs.map { Quantity("angle", joint: $0, unit: "rad") }
    let velocity =
      [
        Quantity("forward \(velocityMeaning)", joint: "rootx", unit: "m/s"),
        Quantity("vertical \(velocityMeaning)", joint: "rootz", unit: "m/s"),
        Quantity("angular \(velocityMeaning)", joint: "rooty", unit: "rad/s"),
      ] + legs.map { Quantity("angular \(velocityMeaning)", joint: $0, unit: "rad/s") }
    return position + velocity
  }

  static func actions(joints: [(name: String, gear: Int)]) -> [Quantity] {
    joints.map { Quantity("torque / \($0.gear) N·m", joint: $0.name, unit: "1") }
  }
}
