import Agents
import Algorithms
import Configuration
import Environments
import Foundation
import Autodiff
import RLCore
import Runs

/// Agents as a stage begins with them.
struct LoadedAgents {
  /// The folder with the members.
  let path: String
  let members: [StoredAgent]
  let files: EnsembleDirectory

  /// Widths of the first member's critics, or of its policy where it has none: what an algorithm takes where it
  /// has no widths of its own.
  var hiddenSizes: [Int] {
    let network = members[0].part("critic")?.networks.first ?? members[0].actors.first
    return network?.network.shape.hiddenSizes ?? []
  }

  /// Refuses other widths than these agents have: nothing would use them. What settings cannot express is
  /// an algorithm's own.
  func check(_ networks: NetworkSettings) throws(RunError) {
    let widths = hiddenSizes
    guard Set(widths).count == 1, widths != networks.hiddenWidths else { return }
    throw .mismatch(
      what: "\(path): hidden layers by networks.hiddenLayers and networks.hiddenUnits",
      expected: "\(networks.hiddenWidths)",
      actual: "\(widths); --set networks.hiddenLayers=\(widths.count) --set "
        + "networks.hiddenUnits=\(widths[0]) says so")
  }

  /// What all agents' observations go through first.
  var normalizer: ObservationNormalizer? { members[0].normalizer }

  /// Tanh-Gaussian policies of all members, for distillation; they see normalised observations.
  ///
  /// - Throws: where one is of another kind.
  func gaussianPolicies() throws -> [GaussianPolicy] {
    try members.enumerated().map { index, member in
      let place = "\(path)/member-\(index)"
      _ = try member.networks("actor", 1, .policy, in: place)
      return try AgentStore.gaussian(member.actors[0], named: "\(place)/actor.safetensors")
    }
  }

  /// The distilled policy beside the members, `nil` where there is none.
  ///
  /// - Throws: where it came from other members.
  func distilled(noting note: (String) -> Void) throws -> GaussianPolicy? {
    guard let found = try files.readDistilled(in: path) else { return nil }
    if let text = found.note { note(text) }
    return try AgentStore.gaussian(found.file, named: "\(path)/\(AgentStore.distilledName)")
  }

  /// Mean over some members of a number that they learned, such as `temperature`.
  ///
  /// - Throws: where a member's files do not say, as with agents made elsewhere.
  func meanNumber(_ name: String, of sources: [StoredAgent]) throws(RunError) -> Double {
    var sum = 0.0
    for (index, member) in sources.enumerated() {
      let text = member.actors.first?.metadata[name]
      guard let value = member.numbers[name] ?? text.flatMap(Double.init), value > 0,
        value.isFinite
      else {
        throw .mismatch(
          what:
            "\(path)/member-\(index): '\(name)', which 'online.startTemperature: members' needs",
          expected: "a number above 0", actual: text.map { "'\($0)'" } ?? "none")
      }
      sum += value
    }
    return sum / Double(sources.count)
  }
}

/// Weight files between stages, checked against the task.
enum AgentStore {
  static let distilledName = EnsembleDirectory.distilledName
  static let policyName = AgentFiles.policyName

  // MARK: Reading

  /// Agents that fit the task; `ensemble` may also be the run directory that made them.
  static func read(_ ensemble: String, task: ControlTask) throws -> LoadedAgents {
    let folder = try EnsembleDirectory.weights(of: ensemble)
    let files = try EnsembleDirectory.read(folder)
    try check(environment: files.environment, kind: task.kind, file: folder)
    if let policy = files.members[0].policy { try check(policy, task: task, file: folder) }
    return LoadedAgents(path: folder, members: files.members, files: files)
  }

  /// What acts: the policy in a file, or what the members of a directory do together.
  static func actingPolicy(
    _ stored: StoredPolicy, of path: String, task: ControlTask
  ) throws -> any Policy {
    try check(environment: stored.environment, kind: task.kind, file: path)
    try check(stored.policy, task: task, file: path)
    return stored.policy
  }

  /// Where the final policy of a finished run lies: one file, or all of a mixture's.
  static func finalPolicy(in weights: String) -> String {
    let file = "\(weights)/\(policyName)"
    return FileManager.default.fileExists(atPath: file) ? file : weights
  }

  /// One tanh-Gaussian policy that fits the task.
  static func gaussianPolicy(_ file: String, task: ControlTask) throws -> GaussianPolicy {
    let found = try NetworkFile.read(file, as: .policy)
    try check(environment: found.environment, kind: task.kind, file: file)
    let policy = try gaussian(found, named: file)
    try check(policy, task: task, file: file)
    return policy
  }

  /// The policy of a file that must be tanh-Gaussian, without its normaliser.
  static func gaussian(_ file: NetworkFile, named path: String) throws(RunError) -> GaussianPolicy {
    guard let policy = file.barePolicy as? GaussianPolicy else {
      throw .mismatch(
        what: path, expected: "a tanh-Gaussian policy", actual: file.role.rawValue)
    }
    return policy
  }

  /// The tensors of a policy that fits the task, under D4RL's names.
  static func policyTensors(_ file: String, task: ControlTask) throws -> NamedTensors {
    NetworkFile(try gaussianPolicy(file, task: task).network, role: .policy).tensors
  }

  private static func check(_ policy: any Policy, task: ControlTask, file: String) throws {
    let expected = task.specification
    guard policy.observationSize == expected.observationSize,
      policy.actionSize == expected.actionSize
    else {
      throw RunError.mismatch(
        what: file,
        expected: "\(expected.observationSize) observations and \(expected.actionSize) actions "
          + "of \(expected.name)",
        actual: "\(policy.observationSize) and \(policy.actionSize)")
    }
  }

  /// Weights of another task are refused, whatever their sizes; where nothing is said, all is well.
  static func check(
    environment: String?, kind: EnvironmentKind, file: String
  ) throws(RunError) {
    guard let environment, (try? EnvironmentKind(named: environment)) != kind else { return }
    throw .mismatch(
      what: "\(file): the task of these weights", expected: kind.rawValue, actual: environment)
  }

  // MARK: Digests

  /// SHA-256 of the files that `loaded` was read from, by path inside the ensemble.
  ///
  /// - Parameters:
  ///   - count: members that take part.
  ///   - policiesOnly: leaves the other parts out.
  ///   - distilled: whether the distilled policy counts.
  /// - Throws: ``RunError/cannotRead(path:reason:)``: without a digest a changed file would not be noticed.
  static func digests(
    of loaded: LoadedAgents, members count: Int? = nil, policiesOnly: Bool = false,
    distilled: Bool = false
  ) throws(RunError) -> [String: String] {
    var result: [String: String] = [:]
    func add(_ name: String) throws(RunError) {
      let path = "\(loaded.path)/\(name)"
      guard let digest = SHA256.hexDigest(ofFile: path) else {
        throw .cannotRead(path: path, reason: RunError.lastSystemMessage)
      }
      result[RunInput.agents + name] = digest
    }
    for (index, member) in loaded.members.prefix(count ?? loaded.members.count).enumerated() {
      let names = policiesOnly ? member.policyFiles : member.parts.flatMap(\.fileNames)
      for name in names { try add("member-\(index)/\(name)") }
    }
    if distilled, try RunDirectory.exists("\(loaded.path)/\(distilledName)") {
      try add(distilledName)
    }
    return result
  }

  // MARK: Writing

  private static func metadata(_ task: ControlTask) -> [String: String] {
    ["environment": task.name, "producer": PackageVersion.producer]
  }

  /// Agents after training: one that took an ensemble over in the layout of that ensemble, several as its
  /// members.
  static func write(
    _ agents: [Agent], _ settings: any SettingGroup, task: ControlTask, to directory: String
  ) throws {
    let origin = AgentFiles.Origin(
      environment: task.name, producer: PackageVersion.producer, settings: settings)
    if agents.count == 1 {
      try AgentFiles.write(online: agents[0], to: directory, origin: origin)
    } else {
      try AgentFiles.write(agents: agents, to: directory, origin: origin)
    }
  }

  /// A policy with the digests of the members that it was distilled from.
  ///
  /// - Parameter sources: as ``digests(of:members:policiesOnly:distilled:)`` gives them.
  static func write(
    distilled policy: GaussianPolicy, from sources: [String: String],
    normalizer: ObservationNormalizer?, task: ControlTask, to file: String
  ) throws {
    let paths = sources.filter { $0.key.hasPrefix(RunInput.agents) }
      .map { (String($0.key.dropFirst(RunInput.agents.count)), $0.value) }
    var network = NetworkFile(policy.network, role: .policy, metadata: metadata(task))
    network.normalizer = normalizer
    try EnsembleDirectory.distilled(network, from: Dictionary(uniqueKeysWithValues: paths))
      .write(to: file)
  }

  /// One policy that acts by a network alone.
  ///
  /// - Throws: ``RunError`` for other kinds, which need a directory.
  static func write(_ policy: any Policy, task: ControlTask, to file: String) throws {
    guard let network = NetworkFile(policy, metadata: metadata(task)) else {
      throw RunError.mismatch(
        what: file, expected: "a policy of one network", actual: "\(type(of: policy))")
    }
    try network.write(to: file)
  }
}
