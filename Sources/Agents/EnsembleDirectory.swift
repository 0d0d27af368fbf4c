import Algorithms
import Autodiff
public import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder of agents of one kind, made here or elsewhere: `member-i/`, each with the networks of its
/// parts (`actor.safetensors`, `critic1.safetensors`, …, targets where kept) and `agent.json`, and
/// beside them perhaps `distilled.safetensors`, one policy that imitates all.
///
/// Without `agent.json` a member is a tanh-Gaussian actor with twin critics and optional targets.
public struct EnsembleDirectory: Sendable {
  /// In the order of their folders, `member-0` first; at least one.
  public var members: [StoredAgent]

  /// - Precondition: there is a member.
  public init(members: [StoredAgent]) {
    precondition(!members.isEmpty, "an ensemble needs members")
    self.members = members
  }

  /// File of the policy that imitates all members, beside their folders.
  public static let distilledName = "distilled.safetensors"

  /// The task that the first member names; `nil` where it names none.
  public var environment: String? { members[0].environment }

  /// What acts: the one policy that all members share, or all members' together, see `ActingEnsemble`.
  ///
  /// - Returns: `nil` where the members' policies cannot be put together.
  public var policy: (any Policy)? {
    if members.count == 1 { return members[0].policy }
    if let name = members[0].policyPart, members.allSatisfy({ $0.part(name)?.isShared == true }) {
      return members[0].policy
    }
    guard members.allSatisfy({ $0.normalizer == members[0].normalizer }) else { return nil }
    if let mixture = ActingNetworks.policy(of: members.flatMap(\.actors)) { return mixture }
    let policies = members.compactMap(\.policy)
    return policies.count == members.count ? ActingEnsemble.policy(of: policies) : nil
  }

  // MARK: Reading

  /// - Throws: ``EnsembleDirectoryError`` for missing files, gaps in the numbering, and members
  ///   that differ in parts, architecture or environment.
  public static func read(_ directory: String) throws(EnsembleDirectoryError) -> EnsembleDirectory {
    let count = try memberCount(directory)
    var members: [StoredAgent] = []
    for index in 0..<count {
      let folder = "\(directory)/member-\(index)"
      members.append(try readAgent(folder))
      try check(members[index], against: members[0], folder: folder)
    }
    return EnsembleDirectory(members: members)
  }

  /// Whether a folder holds an ensemble, as against one agent.
  static func hasMembers(_ directory: String) throws(EnsembleDirectoryError) -> Bool {
    try exists("\(directory)/member-0")
  }

  /// The folder with the members: the one that is named, or `weights` inside it where it is that of a run.
  ///
  /// - Throws: ``EnsembleDirectoryError/system(_:)`` where that cannot be seen.
  public static func weights(of directory: String) throws(EnsembleDirectoryError) -> String {
    let weights = "\(directory)/weights"
    if try hasMembers(directory) { return directory }
    return try hasMembers(weights) ? weights : directory
  }

  private static func memberCount(
    _ directory: String
  ) throws(EnsembleDirectoryError) -> Int {
    guard try exists(directory) else {
      throw .system(
        FileError(path: directory, operation: "open", message: String(cString: strerror(ENOENT))))
    }
    let names: [String]
    do throws(FileError) { names = try FileSystem.names(in: directory) } catch {
      throw .system(error)
    }
    var numbers: Set<Int> = []
    for name in names {
      guard name.hasPrefix("member-"), let number = Int(name.dropFirst("member-".count)),
        number >= 0, name == "member-\(number)"
      else { continue }
      numbers.insert(number)
    }
    guard let last = numbers.max() else { throw .noMembers(directory: directory) }
    for index in 0..<numbers.count where !numbers.contains(index) {
      throw .gap(directory: directory, missing: "member-\(index)", found: "member-\(last)")
    }
    return numbers.count
  }

  /// One agent from its folder.
  public static func readAgent(_ folder: String) throws(EnsembleDirectoryError) -> StoredAgent {
    guard let manifest = try AgentManifest.read(in: folder) else {
      return try readWithoutManifest(folder)
    }
    var parts: [StoredPart] = []
    for part in manifest.parts {
      let role = NetworkRole(rawValue: part.kind)!
      let networks = try readNetworks(
        StoredPart.fileNames(part.name, count: part.networks), in: folder, as: role)
      var stored = StoredPart(part.name, networks, isShared: part.isShared)
      if part.hasTargets {
        stored.targets = try readNetworks(stored.targetNames, in: folder, as: role)
      }
      parts.append(stored)
    }
    var agent = StoredAgent(parts: parts)
    agent.numbers = manifest.numbers
    agent.algorithm = manifest.algorithm
    agent.settings = manifest.settings
    agent.environment = manifest.environment
    agent.producer = manifest.producer
    agent.policyPart = manifest.policyPart
    agent.sizes = manifest.sizes
    agent.normalizer = manifest.normalizer
    try checkInside(&agent, folder: folder)
    return agent
  }

  private static func readWithoutManifest(
    _ folder: String
  ) throws(EnsembleDirectoryError) -> StoredAgent {
    let actor = try readNetwork("\(folder)/actor.safetensors", as: .policy)
    let critics = try readNetworks(
      StoredPart.fileNames("critic", count: 2), in: folder, as: .critic)
    var agent = StoredAgent(actor: actor, critics: critics)
    let targets = agent.parts[1].targetNames
    if try existsAny(of: targets, in: folder) {
      agent.parts[1].targets = try readNetworks(targets, in: folder, as: .critic)
    }
    agent.producer = actor.metadata["producer"]
    try checkInside(&agent, folder: folder)
    let inputs = actor.network.shape.inputSize + actor.actionSize
    guard critics[0].network.shape.inputSize == inputs else {
      throw .shapeMismatch(
        file: "\(folder)/critic1.safetensors", quantity: "inputs (observation and action)",
        expected: "\(inputs)", actual: "\(critics[0].network.shape.inputSize)")
    }
    return agent
  }

  private static func readNetworks(
    _ names: [String], in folder: String, as role: NetworkRole
  ) throws(EnsembleDirectoryError) -> [NetworkFile] {
    var networks: [NetworkFile] = []
    for name in names { networks.append(try readNetwork("\(folder)/\(name)", as: role)) }
    return networks
  }

  static func readNetwork(
    _ path: String, as role: NetworkRole
  ) throws(EnsembleDirectoryError) -> NetworkFile {
    guard try exists(path) else { throw .missingFile(path: path) }
    do throws(NetworkFileError) {
      return try NetworkFile.read(path, as: role)
    } catch {
      throw .network(error)
    }
  }

  // MARK: Checks

  /// Whether the files of one agent fit each other; takes the environment from them.
  private static func checkInside(
    _ agent: inout StoredAgent, folder: String
  ) throws(EnsembleDirectoryError) {
    for part in agent.parts {
      let files =
        Array(zip(part.fileNames, part.networks)) + Array(zip(part.targetNames, part.targets ?? []))
      for (name, file) in files {
        let (expected, actual) = (part.networks[0].network.shape, file.network.shape)
        guard expected == actual else {
          throw .shapeMismatch(
            file: "\(folder)/\(name)", quantity: "layer sizes", expected: describe(expected),
            actual: describe(actual))
        }
        guard let found = file.environment else { continue }
        if let expected = agent.environment, expected != found {
          throw .environments(file: "\(folder)/\(name)", expected: expected, actual: found)
        }
        agent.environment = found
      }
    }
    for part in agent.parts where part.role.isPolicy {
      for (name, file) in zip(part.fileNames, part.networks) {
        if agent.normalizer == nil, part.name == agent.policyPart {
          agent.normalizer = file.normalizer
        }
        guard file.normalizer == agent.normalizer else {
          throw normalizers("\(folder)/\(name)", agent.normalizer, file.normalizer)
        }
      }
    }
    if let normalizer = agent.normalizer, let sizes = agent.sizes,
      normalizer.mean.count != sizes.observationSize
    {
      throw .shapeMismatch(
        file: "\(folder)/\(AgentManifest.fileName)", quantity: "numbers of the normaliser",
        expected: "\(sizes.observationSize)", actual: "\(normalizer.mean.count)")
    }
  }

  /// Networks that see observations differently do not go together.
  static func normalizers(
    _ file: String, _ expected: ObservationNormalizer?, _ actual: ObservationNormalizer?
  ) -> EnsembleDirectoryError {
    func words(_ normalizer: ObservationNormalizer?) -> String {
      normalizer.map { "mean \($0.mean.first ?? 0), …, deviation \($0.std.first ?? 0), …" }
        ?? "none"
    }
    return .shapeMismatch(
      file: file, quantity: "normaliser of observations", expected: words(expected),
      actual: words(actual))
  }

  private static func check(
    _ member: StoredAgent, against first: StoredAgent, folder: String
  ) throws(EnsembleDirectoryError) {
    guard member.parts.map(\.name) == first.parts.map(\.name) else {
      throw .shapeMismatch(
        file: folder, quantity: "parts", expected: first.parts.map(\.name).joined(separator: ", "),
        actual: member.parts.map(\.name).joined(separator: ", "))
    }
    for (part, model) in zip(member.parts, first.parts) {
      guard part.networks.count == model.networks.count, part.role == model.role else {
        throw .shapeMismatch(
          file: folder, quantity: "part '\(part.name)'",
          expected: "\(model.networks.count) × \(model.role.rawValue)",
          actual: "\(part.networks.count) × \(part.role.rawValue)")
      }
      let (expected, actual) = (model.networks[0].network.shape, part.networks[0].network.shape)
      guard expected == actual else {
        throw .shapeMismatch(
          file: "\(folder)/\(part.fileNames[0])", quantity: "layer sizes",
          expected: describe(expected), actual: describe(actual))
      }
    }
    if let expected = first.environment, let actual = member.environment, expected != actual {
      throw .environments(file: folder, expected: expected, actual: actual)
    }
    guard member.normalizer == first.normalizer else {
      throw normalizers(folder, first.normalizer, member.normalizer)
    }
  }

  static func describe(_ shape: NetworkShape) -> String {
    ([shape.inputSize] + shape.hiddenSizes + [shape.outputSize]).map(String.init)
      .joined(separator: " → ") + (shape.normalizesLayers ? " with layer norm" : "")
  }

  /// - Throws: where it cannot be seen: a file that seems not to be there would change what the others mean.
  static func exists(_ path: String) throws(EnsembleDirectoryError) -> Bool {
    do throws(FileError) { return try FileSystem.exists(path) } catch { throw .system(error) }
  }

  static func existsAny(
    of names: [String], in folder: String
  ) throws(EnsembleDirectoryError) -> Bool {
    for name in names where try exists("\(folder)/\(name)") { return true }
    return false
  }

  static func isFolder(_ path: String) throws(EnsembleDirectoryError) -> Bool {
    do throws(FileError) { return try FileSystem.isFolder(path) } catch { throw .system(error) }
  }
}
