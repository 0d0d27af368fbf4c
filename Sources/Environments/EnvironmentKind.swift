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
        + " (also as HalfCheetah-v2 to -v4, or as a dataset's name such as hopper-medium-v2)"
    }
  }
}

/// The tasks of this package, by D4RL's lower-case names.
public enum EnvironmentKind: String, Sendable, Codable, CaseIterable, CustomStringConvertible {
  case halfcheetah
  case hopper
  case walker2d

  public var description: String { rawValue }

  /// The task that a canonical name, a Gym identifier or a dataset's name speaks of.
  ///
  /// `hopper`, `Hopper-v2`, `hopper-medium-replay-v2`, `hopper_mixed.hdf5`, `mujoco/hopper/medium-v0`
  /// all mean ``hopper``. Gymnasium's v5 tasks pay other rewards and are not known.
  /// - Throws: ``EnvironmentError/unknownName(_:)``, which lists what is known.
  public init(named name: String) throws(EnvironmentError) {
    var rest = name.lowercased()
    if rest.hasSuffix(".hdf5") { rest.removeLast(5) }
    var words = rest.split(omittingEmptySubsequences: false) { "-_/ ".contains($0) }
      .map(String.init)
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
    guard EnvironmentKind.datasets.contains(dataset) || (dataset.isEmpty && (version ?? 2) <= 4)
    else { throw .unknownName(name) }
    self = kind
  }

  private static let aliases: [String: EnvironmentKind] = [
    "halfcheetah": .halfcheetah, "cheetah": .halfcheetah, "hopper": .hopper,
    "walker2d": .walker2d, "walker": .walker2d,
  ]
  private static let datasets: Set<String> = [
    "random", "medium", "medium-replay", "medium-expert", "expert", "full-replay", "mixed",
    "simple",
  ]

  public var specification: EnvironmentSpecification {
    switch self {
    case .halfcheetah: HalfCheetahRobot.specification
    case .hopper: HopperRobot.specification
    case .walker2d: Walker2dRobot.specification
    }
  }

  /// A new instance. The compiled model is shared by all instances of the process.
  public func makeEnvironment() throws(PhysicsError) -> any Environment {
    switch self {
    case .halfcheetah: try HalfCheetah()
    case .hopper: try Hopper()
    case .walker2d: try Walker2d()
    }
  }

  /// Meaning, joint and unit of each element of an observation.
  public var observationTable: [Quantity] {
    switch self {
    case .halfcheetah: HalfCheetahRobot.observationTable
    case .hopper: HopperRobot.observationTable
    case .walker2d: Walker2dRobot.observationTable
    }
  }

  /// Meaning, joint and unit of each element of an action.
  public var actionTable: [Quantity] {
    switch self {
    case .halfcheetah: HalfCheetahRobot.actionTable
    case .hopper: HopperRobot.actionTable
    case .walker2d: Walker2dRobot.actionTable
    }
  }
}
