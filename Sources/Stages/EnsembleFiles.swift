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
  let distilled: GaussianPolicy?
  /// Each member's actor file, and the α that its metadata state.
  let temperatures: [(file: String, text: String?)]

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
  static let policyName = "policy.safetensors"
  /// Metadata key of an actor's file: α at the end of its training.
  static let temperatureKey = "temperature"

  /// Agents that fit the robot.
  ///
  /// `ensemble` may also be the run directory of a pretraining, whose `weights` are then meant.
  static func read(_ ensemble: String, task: ControlTask) throws -> LoadedEnsemble {
    let folder = folder(of: ensemble)
    let files = try EnsembleDirectory.read(folder)
    try check(files.observationSize, files.actionSize, task: task, file: folder)
    return LoadedEnsemble(
      actors: files.members.map { GaussianPolicy(network: $0.actor.network) },
      critics: files.members.flatMap { $0.critics.map(\.network) },
      distilled: files.distilled.map { GaussianPolicy(network: $0.network) },
      temperatures: files.members.enumerated().map { index, member in
        ("\(folder)/member-\(index)/actor.safetensors", member.actor.metadata[temperatureKey])
      })
  }

  /// What acts: the policy in a file, or the mixture of the members of an ensemble directory.
  static func actingPolicy(_ path: String, task: ControlTask) throws -> any Policy {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    else { return try policy(path, task: task) }
    let members = try read(path, task: task).actors
    return members.count == 1 ? members[0] : MixturePolicy(members: members)
  }

  /// Where the final policy of a finished run lies: one file, or all of a mixture's.
  static func finalPolicy(in weights: String) -> String {
    let file = "\(weights)/\(policyName)"
    return FileManager.default.fileExists(atPath: file) ? file : weights
  }

  /// One policy that fits the robot.
  static func policy(_ file: String, task: ControlTask) throws -> GaussianPolicy {
    let network = try NetworkFile.read(file, as: .policy).network
    try check(network.shape.inputSize, network.shape.outputSize / 2, task: task, file: file)
    return GaussianPolicy(network: network)
  }

  /// The tensors of a policy that fits the robot, under D4RL's names.
  static func policyTensors(_ file: String, task: ControlTask) throws -> NamedTensors {
    NetworkFile(try policy(file, task: task).network, role: .policy).tensors
  }

  static func folder(of ensemble: String) -> String {
    let weights = "\(ensemble)/weights"
    let manager = FileManager.default
    return !manager.fileExists(atPath: "\(ensemble)/member-0")
      && manager.fileExists(atPath: "\(weights)/member-0") ? weights : ensemble
  }

  private static func check(
    _ observationSize: Int, _ actionSize: Int, task: ControlTask, file: String
  ) throws {
    let expected = task.specification
    guard observationSize == expected.observationSize && actionSize == expected.actionSize else {
      throw RunError.mismatch(
        what: file,
        expected: "\(expected.observationSize) observations and \(expected.actionSize) actions "
          + "of \(expected.name)",
        actual: "\(observationSize) and \(actionSize)")
    }
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
        result["ensemble/\(path)"] = SHA256.hexDigest(ofFile: "\(folder)/\(path)")
      }
      member += 1
    }
    if !actorsOnly && distilled {
      let path = "\(folder)/\(distilledName)"
      result["ensemble/\(distilledName)"] = SHA256.hexDigest(ofFile: path)
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
  ) -> EnsembleMember {
    EnsembleMember(
      actor: NetworkFile(actor, role: .policy, metadata: metadata),
      critics: critics.map { NetworkFile($0, role: .critic, metadata: metadata) },
      targets: targets.map { NetworkFile($0, role: .critic, metadata: metadata) })
  }
}
