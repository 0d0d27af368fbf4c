import Agents
import Environments
import Foundation
import Learners
import Networks
import RLCore
import Runs

/// Agents as a stage begins with them.
struct LoadedEnsemble {
  let actors: [GaussianPolicy]
  /// Twins of member i at 2·i and 2·i + 1.
  let critics: [Network]
  /// Each member's actor file, and the α that it or `agent.json` states.
  let temperatures: [(file: String, text: String?)]
  let files: EnsembleDirectory
  let folder: String

  /// The distilled policy beside the members, `nil` where there is none.
  ///
  /// - Throws: where it came from other members.
  func distilled(noting note: (String) -> Void) throws -> GaussianPolicy? {
    guard let found = try files.readDistilled(in: folder) else { return nil }
    if let text = found.note { note(text) }
    return try EnsembleFiles.gaussian(
      found.file, named: "\(folder)/\(EnsembleFiles.distilledName)")
  }

  /// Mean of the members' last α.
  ///
  /// - Throws: where an actor's file does not say, as with agents made elsewhere.
  func meanTemperature() throws(RunError) -> Double {
    var sum = 0.0
    for (file, text) in temperatures {
      guard let value = text.flatMap(Double.init), value > 0, value.isFinite else {
        throw .mismatch(
          what: "\(file): metadata '\(EnsembleFiles.temperatureKey)', which "
            + "'finetune.startTemperature: members' needs",
          expected: "a number above 0", actual: text.map { "'\($0)'" } ?? "none")
      }
      sum += value
    }
    return sum / Double(temperatures.count)
  }
}

/// Weight files between stages, checked against the robot.
enum EnsembleFiles {
  static let distilledName = EnsembleDirectory.distilledName
  static let policyName = AgentFiles.policyName
  private static let digestPrefix = "ensemble/"
  /// Metadata key of an actor's file: α at the end of its training.
  static let temperatureKey = "temperature"

  /// Agents that fit the robot.
  ///
  /// `ensemble` may also be the run directory of a pretraining, whose `weights` are then meant.
  static func read(_ ensemble: String, task: ControlTask) throws -> LoadedEnsemble {
    let folder = folder(of: ensemble)
    let files = try EnsembleDirectory.read(folder)
    try check(environment: files.environment, kind: task.kind, file: folder)
    var actors: [GaussianPolicy] = []
    var critics: [Network] = []
    var temperatures: [(file: String, text: String?)] = []
    for (index, member) in files.members.enumerated() {
      let place = "\(folder)/member-\(index)"
      _ = try member.networks("actor", 1, .policy, in: place)
      let file = member.part("actor")!.networks[0]
      actors.append(try gaussian(file, named: "\(place)/actor.safetensors"))
      critics += try member.networks("critic", 2, .critic, in: place)
      temperatures.append(
        (
          "\(place)/actor.safetensors",
          member.numbers[temperatureKey].map { "\($0)" } ?? file.metadata[temperatureKey]
        ))
    }
    try check(actors[0], task: task, file: folder)
    return LoadedEnsemble(
      actors: actors, critics: critics, temperatures: temperatures, files: files, folder: folder)
  }

  /// What acts: the policy in a file, or what the members of an ensemble directory do together.
  static func actingPolicy(_ stored: StoredPolicy, of path: String, task: ControlTask) throws
    -> any Policy
  {
    try check(environment: stored.environment, kind: task.kind, file: path)
    try check(stored.policy, task: task, file: path)
    return stored.policy
  }

  /// Where the final policy of a finished run lies: one file, or all of a mixture's.
  static func finalPolicy(in weights: String) -> String {
    let file = "\(weights)/\(policyName)"
    return FileManager.default.fileExists(atPath: file) ? file : weights
  }

  /// One tanh-Gaussian policy that fits the robot.
  static func policy(_ file: String, task: ControlTask) throws -> GaussianPolicy {
    let found = try NetworkFile.read(file, as: .policy)
    try check(environment: found.environment, kind: task.kind, file: file)
    let policy = try gaussian(found, named: file)
    try check(policy, task: task, file: file)
    return policy
  }

  /// The policy of a file, which these stages want plain.
  static func gaussian(_ file: NetworkFile, named path: String) throws(RunError) -> GaussianPolicy {
    guard let policy = file.policy as? GaussianPolicy else {
      throw .mismatch(
        what: path, expected: "a tanh-Gaussian policy of raw observations",
        actual: file.normalizer == nil ? file.role.rawValue : "one that normalises them")
    }
    return policy
  }

  /// The tensors of a policy that fits the robot, under D4RL's names.
  static func policyTensors(_ file: String, task: ControlTask) throws -> NamedTensors {
    NetworkFile(try policy(file, task: task).network, role: .policy).tensors
  }

  static func folder(of ensemble: String) -> String { EnsembleDirectory.weights(of: ensemble) }

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

  /// SHA-256 of every weight file, by path inside the ensemble.
  ///
  /// - Parameter distilled: whether the distilled policy counts.
  static func digests(
    in ensemble: String, actorsOnly: Bool = false, distilled: Bool = true
  ) -> [String: String] {
    let folder = folder(of: ensemble)
    var result: [String: String] = [:]
    var member = 0
    while FileManager.default.fileExists(atPath: "\(folder)/member-\(member)") {
      for name in actorsOnly ? ["actor"] : ["actor", "critic1", "critic2"] {
        let path = "member-\(member)/\(name).safetensors"
        result[digestPrefix + path] = SHA256.hexDigest(ofFile: "\(folder)/\(path)")
      }
      member += 1
    }
    if !actorsOnly && distilled {
      let path = "\(folder)/\(distilledName)"
      result[digestPrefix + distilledName] = SHA256.hexDigest(ofFile: path)
    }
    return result
  }

  // MARK: Writing

  private static func metadata(
    _ environment: String, temperature: Float? = nil
  ) -> [String: String] {
    var result = ["environment": environment, "producer": "bred \(PackageVersion.number)"]
    if let temperature { result[temperatureKey] = "\(temperature)" }
    return result
  }

  /// A policy with the digests of the actors that it was distilled from.
  ///
  /// - Parameter sources: as ``digests(in:actorsOnly:distilled:)`` gives them.
  static func write(
    distilled policy: GaussianPolicy, from sources: [String: String], environment: String,
    to file: String
  ) throws {
    let paths = sources.filter { $0.key.hasPrefix(digestPrefix) }
      .map { (String($0.key.dropFirst(digestPrefix.count)), $0.value) }
    let network = NetworkFile(policy.network, role: .policy, metadata: metadata(environment))
    try EnsembleDirectory.distilled(network, from: Dictionary(uniqueKeysWithValues: paths))
      .write(to: file)
  }

  static func write(_ policy: GaussianPolicy, environment: String, to file: String) throws {
    try NetworkFile(policy.network, role: .policy, metadata: metadata(environment)).write(to: file)
  }

  /// Pretrained agents as an ensemble directory.
  static func write(
    _ learner: ConservativeQLearning, environment: String, to directory: String
  ) throws {
    let members = (0..<learner.batchesPerUpdate).map { index in
      member(
        learner.policy(ofMember: index).network, learner.critics(ofMember: index),
        learner.targetCritics(ofMember: index),
        metadata(environment, temperature: learner.members[index].temperature.value))
    }
    try EnsembleDirectory(members: members).write(to: directory)
  }

  /// A fine-tuned agent in the layout of an ensemble: each pair of critics with the member of the
  /// mixture that has its number, or all with the one policy, which then also gets a file of its own.
  static func write(
    _ learner: SoftActorCritic, environment: String, to directory: String
  ) throws {
    let metadata = metadata(environment, temperature: learner.temperature.value)
    let actors = learner.actors.map(\.network)
    let members = (0..<learner.configuration.criticPairs).map { index in
      let twins = learner.critics[2 * index...2 * index + 1]
      return member(
        actors.count == 1 ? actors[0] : actors[index], twins.map(\.network),
        twins.map { $0.target! }, metadata)
    }
    try EnsembleDirectory(members: members).write(to: directory)
    guard actors.count == 1 else { return }
    try write(
      GaussianPolicy(network: actors[0]), environment: environment,
      to: "\(directory)/\(policyName)")
  }

  private static func member(
    _ actor: Network, _ critics: [Network], _ targets: [Network], _ metadata: [String: String]
  ) -> StoredAgent {
    StoredAgent(
      actor: NetworkFile(actor, role: .policy, metadata: metadata),
      critics: critics.map { NetworkFile($0, role: .critic, metadata: metadata) },
      targets: targets.map { NetworkFile($0, role: .critic, metadata: metadata) })
  }
}
