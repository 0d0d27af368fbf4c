public import Physics
public import RLCore

/// A robot as Gymnasium's version 5 has it, in which Minari's current datasets were recorded.
///
/// Against version 4, and so against D4RL: no alive reward in the step in which the robot falls, and
/// both of Walker2d's feet grip alike. Observations, first states and all else are the same.
public protocol VersionFiveRobot: PlanarRobot {
  /// The robot up to version 4, which gives all that does not differ.
  associatedtype Base: PlanarRobot
}

extension VersionFiveRobot {
  public static var model: Result<PhysicsModel, PhysicsError> { Base.model }
  public static var frameSkip: Int { Base.frameSkip }
  public static var velocityLimit: Double { Base.velocityLimit }
  public static var aliveReward: Double { Base.aliveReward }
  public static var paysWhenFallen: Bool { false }
  public static var controlCostWeight: Double { Base.controlCostWeight }
  public static var resetNoise: ResetNoise { Base.resetNoise }
  public static var observationTable: [Quantity] { Base.observationTable }
  public static var actionTable: [Quantity] { Base.actionTable }

  public static func isHealthy(
    position: UnsafeBufferPointer<Double>, velocity: UnsafeBufferPointer<Double>
  ) -> Bool {
    Base.isHealthy(position: position, velocity: velocity)
  }
}

extension EnvironmentSpecification {
  /// The same under another name; D4RL's reference returns serve both.
  func named(_ name: String) -> EnvironmentSpecification {
    EnvironmentSpecification(
      name: name, observationSize: observationSize, actionSize: actionSize,
      positionSize: positionSize, velocitySize: velocitySize,
      maximumEpisodeSteps: maximumEpisodeSteps, canTerminate: canTerminate,
      randomReturn: randomReturn, expertReturn: expertReturn)
  }
}

/// ``HalfCheetah`` of version 5: it cannot fall, so nothing differs but the name.
public typealias HalfCheetahV5 = RobotEnvironment<HalfCheetahV5Robot>

/// The particulars of ``HalfCheetahV5``.
public enum HalfCheetahV5Robot: VersionFiveRobot {
  public typealias Base = HalfCheetahRobot
  public static let specification = Base.specification.named("halfcheetah-v5")
}

/// ``Hopper`` of version 5.
public typealias HopperV5 = RobotEnvironment<HopperV5Robot>

/// The particulars of ``HopperV5``.
public enum HopperV5Robot: VersionFiveRobot {
  public typealias Base = HopperRobot
  public static let specification = Base.specification.named("hopper-v5")
}

/// ``Walker2d`` of version 5, with a sliding friction of 1.9 at both feet.
public typealias Walker2dV5 = RobotEnvironment<Walker2dV5Robot>

/// The particulars of ``Walker2dV5``.
public enum Walker2dV5Robot: VersionFiveRobot {
  public typealias Base = Walker2dRobot
  public static let specification = Base.specification.named("walker2d-v5")
  public static let model = Result { () throws(PhysicsError) in
    try PhysicsModel(mjcf: PackageResources.walker2d_v5_xml, title: "walker2d-v5.xml")
  }
}
