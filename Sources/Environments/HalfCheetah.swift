public import Physics
public import RLCore

/// Half a cheetah that gallops: 6 actions, 17 observations.
///
/// | index | meaning | joint | unit |
/// |---|---|---|---|
/// | 0 | height of the torso above its start | rootz | m |
/// | 1 | pitch of the torso | rooty | rad |
/// | 2 | angle of the hind thigh | bthigh | rad |
/// | 3 | angle of the hind shin | bshin | rad |
/// | 4 | angle of the hind foot | bfoot | rad |
/// | 5 | angle of the fore thigh | fthigh | rad |
/// | 6 | angle of the fore shin | fshin | rad |
/// | 7 | angle of the fore foot | ffoot | rad |
/// | 8 | forward velocity | rootx | m/s |
/// | 9 | vertical velocity | rootz | m/s |
/// | 10 | angular velocity of the torso | rooty | rad/s |
/// | 11 | angular velocity of the hind thigh | bthigh | rad/s |
/// | 12 | angular velocity of the hind shin | bshin | rad/s |
/// | 13 | angular velocity of the hind foot | bfoot | rad/s |
/// | 14 | angular velocity of the fore thigh | fthigh | rad/s |
/// | 15 | angular velocity of the fore shin | fshin | rad/s |
/// | 16 | angular velocity of the fore foot | ffoot | rad/s |
///
/// Actions 0 to 5 are torques of thigh, shin and foot, hind then fore, divided by 120, 90, 60, 120,
/// 60 and 30 N·m. Reward: Δx/0.05 s − 0.1·‖a‖². An episode never terminates.
public typealias HalfCheetah = RobotEnvironment<HalfCheetahRobot>

/// The particulars of ``HalfCheetah``.
public enum HalfCheetahRobot: PlanarRobot {
  public static let specification = EnvironmentSpecification(
    name: "halfcheetah", observationSize: 17, actionSize: 6, positionSize: 9, velocitySize: 9,
    maximumEpisodeSteps: 1_000, canTerminate: false, randomReturn: -280.178953,
    expertReturn: 12135.0)
  public static let model = Result { () throws(PhysicsError) in
    try PhysicsModel(mjcf: PackageResources.halfcheetah_xml, title: "halfcheetah.xml")
  }
  public static var frameSkip: Int { 5 }
  public static var velocityLimit: Double { .infinity }
  public static var aliveReward: Double { 0 }
  public static var controlCostWeight: Double { 0.1 }
  public static var resetNoise: ResetNoise { ResetNoise(position: 0.1, velocity: .normal(0.1)) }
  public static let observationTable = Quantity.observations(
    legs: ["bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot"], velocityMeaning: "velocity")
  public static let actionTable = Quantity.actions(joints: [
    ("bthigh", 120), ("bshin", 90), ("bfoot", 60), ("fthigh", 120), ("fshin", 60), ("ffoot", 30),
  ])

  public static func isHealthy(
    position: UnsafeBufferPointer<Double>, velocity: UnsafeBufferPointer<Double>
  ) -> Bool {
    true
  }
}
