public import Physics
public import RLCore

/// A task was asked for that does not exist here.
public enum EnvironmentError: Error, Equatable, CustomStringConvertible {
  case unknownName(String)

  public var description: String {
    switch self {
    case .unknownName(let name):
      "'\(name)' is not a known environment; known are "
        + EnvironmentKind.allCases.map(\.rawValue).joined(separator: ", ")
        + " (also as HalfCheetah-v2 to -v5, or as a dataset's name such as hopper-medium-v2 or "
        + "mujoco/hopper/medium-v0)"
    }
  }
}

/// The tasks of this package, by D4RL's lower-case names; those of Gymnasium's version 5 end in `-v5`.
public enum EnvironmentKind: String, Sendable, Codable, CaseIterable, CustomStringConvertible {
  case halfcheetah
  case hopper
  case walker2d
  case halfcheetahV5 = "halfcheetah-v5"
  case hopperV5 = "hopper-v5"
  case walker2dV5 = "walker2d-v5"

  public var description: String { rawValue }

  /// The task that a canonical name, a Gym identifier or a dataset's name speaks of.
  ///
  /// `hopper`, `Hopper-v2`, `Hopper-v4`, `hopper-medium-replay-v2`, `hopper_mixed.hdf5` all mean
  /// ``hopper``; `Hopper-v5` and Minari's `mujoco/hopper/medium-v0`, recorded in it, mean ``hopperV5``.
  /// - Throws: ``EnvironmentError/unknownName(_:)``, which lists what is known.
  public init(named name: String) throws(EnvironmentError) {
    var rest = name.lowercased()
    if rest.hasSuffix(".hdf5") { rest.removeLast(5) }
    var words = rest.split(omittingEmptySubsequences: false) { "-_/ ".contains($0) }
      .map(String.init)
    let isMinaris = words.count > 2 && words[0] == "mujoco"
    if words.count > 1, ["mujoco", "d4rl"].contains(words[0]) { words.removeFirst() }
    if words.count > 1, words[0] == "half", words[1] == "cheetah" {
      words.replaceSubrange(0...1, with: ["halfcheetah"])
    }
    guard let kind = EnvironmentKind.aliases[words[0]] else { throw .unknownName(name) }
    words.removeFirst()
    var version: Int?
    if let last = words.last, last.first == "v", let number = Int(last.dropFirst()), number >= 0 {
      version = number
      words.removeLast()
    }
    let dataset = words.joined(separator: "-")
    if dataset.isEmpty {
      guard (version ?? 2) <= 5 else { throw .unknownName(name) }
      self = version == 5 ? kind.versionFive : kind
    } else {
      guard EnvironmentKind.datasets.contains(dataset) else { throw .unknownName(name) }
      self = isMinaris ? kind.versionFive : kind
    }
  }

  /// The robot without its version: version 5 differs in reward and, for walker2d, in its feet.
  public var robot: EnvironmentKind {
    switch self {
    case .halfcheetah, .halfcheetahV5: .halfcheetah
    case .hopper, .hopperV5: .hopper
    case .walker2d, .walker2dV5: .walker2d
    }
  }

  /// The same robot as Gymnasium's version 5 has it.
  public var versionFive: EnvironmentKind {
    switch robot {
    case .halfcheetah: .halfcheetahV5
    case .hopper: .hopperV5
    default: .walker2dV5
    }
  }

  /// Gymnasium's version: 4 stands for 2 to 4, which are one.
  public var version: Int { self == robot ? 4 : 5 }

  private static let aliases: [String: EnvironmentKind] = [
    "halfcheetah": .halfcheetah, "cheetah": .halfcheetah, "hopper": .hopper,
    "walker2d": .walker2d, "walker": .walker2d,
  ]
  private static let datasets: Set<String> = [
    "random", "medium", "medium-replay", "medium-expert", "expert", "full-replay", "mixed",
    "simple",
  ]

  private var robotType: any PlanarRobot.Type {
    switch self {
    case .halfcheetah: HalfCheetahRobot.self
    case .hopper: HopperRobot.self
    case .walker2d: Walker2dRobot.self
    case .halfcheetahV5: HalfCheetahV5Robot.self
    case .hopperV5: HopperV5Robot.self
    case .walker2dV5: Walker2dV5Robot.self
    }
  }

  /// Sizes, time limit and D4RL's reference returns, which version 5 shares.
  public var specification: EnvironmentSpecification { robotType.specification }

  /// The compiled model, one per process.
  public func model() throws(PhysicsError) -> PhysicsModel { try robotType.model.get() }

  /// Simulated seconds of one step.
  public func stepDuration() throws(PhysicsError) -> Double {
    try model().timeStep * Double(robotType.frameSkip)
  }

  /// A new instance. The compiled model is shared by all instances of the process.
  public func makeEnvironment() throws(PhysicsError) -> any Environment {
    switch self {
    case .halfcheetah: try HalfCheetah()
    case .hopper: try Hopper()
    case .walker2d: try Walker2d()
    case .halfcheetahV5: try HalfCheetahV5()
    case .hopperV5: try HopperV5()
    case .walker2dV5: try Walker2dV5()
    }
  }

  /// Meaning, joint and unit of each element of an observation.
  public var observationTable: [Quantity] { robotType.observationTable }

  /// Meaning, joint and unit of each element of an action.
  public var actionTable: [Quantity] { robotType.actionTable }
}
