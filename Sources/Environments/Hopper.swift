public import Physics
public import RLCore

/// One leg that hops: 3 actions, 11 observations.
///
/// | index | meaning | joint | unit |
/// |---|---|---|---|
/// | 0 | height of the torso | rootz | m |
/// | 1 | pitch of the torso | rooty | rad |
/// | 2 | angle of the thigh | thigh_joint | rad |
/// | 3 | angle of the shank | leg_joint | rad |
/// | 4 | angle of the foot | foot_joint | rad |
/// | 5 | forward velocity, clipped to ±10 | rootx | m/s |
/// | 6 | vertical velocity, clipped to ±10 | rootz | m/s |
/// | 7 | angular velocity of the torso, clipped to ±10 | rooty | rad/s |
/// | 8 | angular velocity of the thigh, clipped to ±10 | thigh_joint | rad/s |
/// | 9 | angular velocity of the shank, clipped to ±10 | leg_joint | rad/s |
/// | 10 | angular velocity of the foot, clipped to ±10 | foot_joint | rad/s |
///
/// Actions 0 to 2 are torques of thigh, shank and foot divided by 200 N·m.
/// Reward: Δx/0.008 s + 1 − 0.001·‖a‖².
/// An episode ends when the height is not above 0.7, the pitch not within ±0.2, or any other element
/// of (qpos, qvel), x and height left out, not within ±100.
public typealias Hopper = RobotEnvironment<HopperRobot>

/// The particulars of ``Hopper``.
public enum HopperRobot: PlanarRobot {
  public static let specification = EnvironmentSpecification(
    name: "hopper", observationSize: 11, actionSize: 3, positionSize: 6, velocitySize: 6,
    maximumEpisodeSteps: 1_000, canTerminate: true, randomReturn: -20.272305,
    expertReturn: 3234.3)
  public static let model = Result { () throws(PhysicsError) in
    try PhysicsModel(mjcf: PackageResources.hopper_xml, title: "hopper.xml")
  }
  public static var frameSkip: Int { 4 }
  public static var velocityLimit: Double { 10 }
  public static var aliveReward: Double { 1 }
  public static var controlCostWeight: Double { 1e-3 }
  public static var resetNoise: ResetNoise {
    ResetNoise(position: 0.005, velocity: .uniform(0.005))
  }
  public static let observationTable = Quantity.observations(
    legs: ["thigh_joint", "leg_joint", "foot_joint"], velocityMeaning: "velocity, clipped to ±10")
  public static let actionTable = Quantity.actions(
    joints: [("thigh_joint", 200), ("leg_joint", 200), ("foot_joint", 200)])

  public static func isHealthy(
    position: UnsafeBufferPointer<Double>, velocity: UnsafeBufferPointer<Double>
  ) -> Bool {
    // Each comparison is false for NaN.
    position[1] > 0.7 && position[1] < .infinity && position[2].magnitude < 0.2
      && position[2...].allSatisfy { $0.magnitude < 100 }
      && velocity.allSatisfy { $0.magnitude < 100 }
  }
}
