public import Physics
public import RLCore

/// Two legs that walk: 6 actions, 17 observations.
///
/// | index | meaning | joint | unit |
/// |---|---|---|---|
/// | 0 | height of the torso | rootz | m |
/// | 1 | pitch of the torso | rooty | rad |
/// | 2 | angle of the right thigh | thigh_joint | rad |
/// | 3 | angle of the right shank | leg_joint | rad |
/// | 4 | angle of the right foot | foot_joint | rad |
/// | 5 | angle of the left thigh | thigh_left_joint | rad |
/// | 6 | angle of the left shank | leg_left_joint | rad |
/// | 7 | angle of the left foot | foot_left_joint | rad |
/// | 8 | forward velocity, clipped to ±10 | rootx | m/s |
/// | 9 | vertical velocity, clipped to ±10 | rootz | m/s |
/// | 10 | angular velocity of the torso, clipped to ±10 | rooty | rad/s |
/// | 11 | angular velocity of the right thigh, clipped to ±10 | thigh_joint | rad/s |
/// | 12 | angular velocity of the right shank, clipped to ±10 | leg_joint | rad/s |
/// | 13 | angular velocity of the right foot, clipped to ±10 | foot_joint | rad/s |
/// | 14 | angular velocity of the left thigh, clipped to ±10 | thigh_left_joint | rad/s |
/// | 15 | angular velocity of the left shank, clipped to ±10 | leg_left_joint | rad/s |
/// | 16 | angular velocity of the left foot, clipped to ±10 | foot_left_joint | rad/s |
///
/// Actions 0 to 5 are torques of thigh, shank and foot, right then left, divided by 100 N·m.
/// Reward: Δx/0.008 s + 1 − 0.001·‖a‖².
/// An episode ends when the height is not within (0.8, 2) or the pitch not within ±1.
public typealias Walker2d = RobotEnvironment<Walker2dRobot>

/// The particulars of ``Walker2d``.
public enum Walker2dRobot: PlanarRobot {
  public static let specification = EnvironmentSpecification(
    name: "walker2d", observationSize: 17, actionSize: 6, positionSize: 9, velocitySize: 9,
    maximumEpisodeSteps: 1_000, canTerminate: true, randomReturn: 1.629008,
    expertReturn: 4592.3)
  public static let model = Result { () throws(PhysicsError) in
    try PhysicsModel(mjcf: PackageResources.walker2d_xml, title: "walker2d.xml")
  }
  public static var frameSkip: Int { 4 }
  public static var velocityLimit: Double { 10 }
  public static var aliveReward: Double { 1 }
  public static var controlCostWeight: Double { 1e-3 }
  public static var resetNoise: ResetNoise {
    ResetNoise(position: 0.005, velocity: .uniform(0.005))
  }
  private static let legs = [
    "thigh_joint", "leg_joint", "foot_joint", "thigh_left_joint", "leg_left_joint",
    "foot_left_joint",
  ]
  public static let observationTable = Quantity.observations(
    legs: legs, velocityMeaning: "velocity, clipped to ±10")
  public static let actionTable = Quantity.actions(joints: legs.map { ($0, 100) })

  public static func isHealthy(
    position: UnsafeBufferPointer<Double>, velocity: UnsafeBufferPointer<Double>
  ) -> Bool {
    position[1] > 0.8 && position[1] < 2 && position[2].magnitude < 1
  }
}
