import Algorithms
public import Autodiff
import DenseMath
public import RLCore

/// The networks that an agent has under one name.
public struct StoredPart: Sendable {
  /// `actor`, `critic`, `value`, …: lower-case letters, digits, `-` and `_`.
  public var name: String
  /// At least one, all of one role and shape.
  public var networks: [NetworkFile]
  /// One for each network; `nil` means that they equal the networks.
  public var targets: [NetworkFile]?
  /// Whether all members of the ensemble hold the same networks here.
  public var isShared = false

  /// - Precondition: a name of 1 to 64 of the characters that ``name`` may have; a network; no
  ///   targets or one for each.
  public init(
    _ name: String, _ networks: [NetworkFile], targets: [NetworkFile]? = nil,
    isShared: Bool = false
  ) {
    precondition(
      StoredPart.isName(name) && !networks.isEmpty
        && targets?.count ?? networks.count == networks.count,
      "part '\(name)' of \(networks.count) networks and \(targets?.count ?? 0) targets")
    self.name = name
    self.networks = networks
    self.targets = targets
    self.isShared = isShared
  }

  /// Of all its networks.
  public var role: NetworkRole { networks[0].role }

  /// Names of the files: `value`, `critic1`, `actor2`; a critic is numbered even where it is alone.
  static func fileNames(_ name: String, count: Int, targets: Bool = false) -> [String] {
    let isCritic = name == "critic"
    let base = !targets ? name : isCritic ? "target" : "\(name)-target"
    guard count > 1 || isCritic else { return ["\(base).safetensors"] }
    return (1...count).map { "\(base)\($0).safetensors" }
  }

  /// Names inside the agent's folder, one for each network and numbered from 1:
  /// `critic1.safetensors`. A network that is alone, unless a critic, has no number.
  public var fileNames: [String] { StoredPart.fileNames(name, count: networks.count) }
  var targetNames: [String] { StoredPart.fileNames(name, count: networks.count, targets: true) }

  /// Whether a name can become that of a file.
  static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 64
      && name.utf8.allSatisfy {
        (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d || $0 == 0x5f
      }
  }
}

/// What the files of one agent hold: `member-i/`, or an agent made elsewhere.
public struct StoredAgent: Sendable {
  /// In the order in which `agent.json` lists them.
  public var parts: [StoredPart]
  /// Numbers that were learned, such as `temperature`.
  public var numbers: [String: Double] = [:]
  /// Name in the registry; `nil` where there is no `agent.json`, and then none is written.
  public var algorithm: String?
  /// The algorithm's settings.
  public var settings: JSONValue?
  /// The task by its canonical name, `hopper`; `nil` where the files do not say.
  public var environment: String?
  /// The program, `bred 0.1.0`; `nil` where the files do not say.
  public var producer: String?
  /// The part whose networks act, `nil` where the policy is more than the networks of one part.
  public var policyPart: String? = "actor"
  /// What the algorithm was set up with; `nil` where the files do not say.
  public var sizes: Sizes?
  /// What all observations go through first; the files of policies hold it too.
  public var normalizer: ObservationNormalizer?

  /// Sizes with which an algorithm is set up.
  public struct Sizes: Sendable, Codable, Equatable {
    /// Numbers of an observation.
    public var observationSize: Int
    /// A, numbers of an action.
    public var actionSize: Int
    /// Widths of the hidden layers, first to last.
    public var hiddenSizes: [Int]
  }

  public init(parts: [StoredPart]) { self.parts = parts }

  /// An agent without `agent.json`: a tanh-Gaussian actor and twin critics.
  ///
  /// - Parameter targets: of the critics, if they are to be kept.
  public init(actor: NetworkFile, critics: [NetworkFile], targets: [NetworkFile]? = nil) {
    precondition(critics.count == 2, "\(critics.count) critics instead of twins")
    parts = [StoredPart("actor", [actor]), StoredPart("critic", critics, targets: targets)]
  }

  /// The part of this name, `nil` where there is none.
  public func part(_ name: String) -> StoredPart? { parts.first { $0.name == name } }

  /// The networks that act.
  public var actors: [NetworkFile] { policyPart.flatMap { part($0)?.networks } ?? [] }

  /// The networks of a part that must be of this kind and number.
  ///
  /// - Parameter folder: the agent's, for messages.
  public func networks(
    _ name: String, _ count: Int, _ role: NetworkRole, in folder: String
  ) throws(EnsembleDirectoryError) -> [Network] {
    let found = part(name)?.networks ?? []
    guard found.count == count, found.allSatisfy({ $0.role == role }) else {
      throw .part(
        directory: folder, part: name, expected: "\(count) × \(role.rawValue)",
        actual: found.first.map { "\(found.count) × \($0.role.rawValue)" } ?? "none")
    }
    return found.map(\.network)
  }

  /// Names of the files of these, inside the agent's folder.
  public var policyFiles: [String] { policyPart.flatMap { part($0)?.fileNames } ?? [] }

  /// What acts: one policy, the moment-matched mixture of several, or, where a policy is more than the networks
  /// of one part (BCQ, PEX), what its algorithm makes of them all.
  ///
  /// - Returns: `nil` where the algorithm is not known here, or its files do not fit it.
  public var policy: (any Policy)? {
    if policyPart != nil { return ActingNetworks.policy(of: actors) }
    guard let algorithm, let sizes, let settings,
      let type = try? AlgorithmRegistry.named(algorithm),
      let group = try? settings.decoded(as: type.settingsType)
    else { return nil }
    var setup = AgentSetup(
      observationSize: sizes.observationSize, actionSize: sizes.actionSize)
    setup.hiddenSizes = sizes.hiddenSizes
    setup.normalizer = normalizer
    guard let agent = try? Agent.make(type, group, setup, pool: WorkerPool(threads: 1)),
      (try? AgentFiles.load([self], into: agent, named: algorithm)) != nil
    else { return nil }
    return agent.policy
  }
}

/// Policies of several networks at once.
enum ActingNetworks {
  /// One policy as it is, tanh-Gaussian ones as their mixture; `nil` where they cannot be put together.
  static func policy(of networks: [NetworkFile]) -> (any Policy)? {
    guard let first = networks.first else { return nil }
    if networks.count == 1 { return first.policy }
    let members = networks.compactMap { $0.barePolicy as? GaussianPolicy }
    guard members.count == networks.count,
      networks.allSatisfy({ $0.normalizer == first.normalizer })
    else { return nil }
    let mixture = MixturePolicy(members: members)
    return first.normalizer.map { NormalizedPolicy(mixture, normalizer: $0) } ?? mixture
  }
}
