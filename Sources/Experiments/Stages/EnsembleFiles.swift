import Foundation
import Learners
import Networks
import RLCore

/// Agents as a stage begins with them.
struct LoadedEnsemble {
  let actors: [GaussianPolicy]
  /// Twins of member i at 2·i and 2·i + 1.
  let critics: [Network]
  let distilled: GaussianPolicy?
}

/// Weight files between stages, checked against the robot.
enum EnsembleFiles {
  static let distilledName = EnsembleDirectory.distilledName
  static let policyName = "policy.safetensors"

  /// Agents that fit the robot.
  ///
  /// `ensemble` may also be the run directory of a pretraining, whose `weights` are then meant.
  static func read(_ ensemble: String, task: ControlTask) throws -> LoadedEnsemble {
    let files = try EnsembleDirectory.read(folder(of: ensemble))
    try check(
      files.observationSize, files.actionSize, task: task, file: folder(of: ensemble))
    return LoadedEnsemble(
      actors: files.members.map { GaussianPolicy(network: $0.actor.network) },
      critics: files.members.flatMap { $0.critics.map(\.network) },
      distilled: files.distilled.map { GaussianPolicy(network: $0.network) })
  }

  /// One policy that fits the robot.
  static func policy(_ file: String, task: ControlTask) throws -> GaussianPolicy {
    let network = try NetworkFile.read(file, as: .policy).network
    try check(network.shape.inputSize, network.shape.outputSize / 2, task: task, file: file)
    return GaussianPolicy(network: network)
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
  static func digests(in ensemble: String, actorsOnly: Bool = false) -> [String: String] {
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
    if !actorsOnly {
      let path = "\(folder)/\(distilledName)"
      result["ensemble/\(distilledName)"] = SHA256.hexDigest(ofFile: path)
    }
    return result
  }

  // MARK: Writing

  private static func metadata(_ environment: String) -> [String: String] {
    ["environment": environment, "producer": "bred \(PackageVersion.number)"]
  }

  static func write(_ policy: GaussianPolicy, environment: String, to file: String) throws {
    try NetworkFile(policy.network, role: .policy, metadata: metadata(environment)).write(to: file)
  }

  /// Pretrained agents as an ensemble directory.
  static func write(
    _ learner: ConservativeQLearning, environment: String, to directory: String
  ) throws {
    let metadata = metadata(environment)
    let members = (0..<learner.batchesPerUpdate).map { index in
      member(
        learner.policy(ofMember: index).network, learner.critics(ofMember: index),
        learner.targetCritics(ofMember: index), metadata)
    }
    try EnsembleDirectory(members: members).write(to: directory)
  }

  /// The fine-tuned policy, and its critics in the layout of an ensemble whose members all carry it.
  static func write(
    _ learner: SoftActorCritic, environment: String, to directory: String
  ) throws {
    let metadata = metadata(environment)
    let actor = learner.actors[0].network
    let members = (0..<learner.configuration.criticPairs).map { index in
      let twins = learner.critics[2 * index...2 * index + 1]
      return member(actor, twins.map(\.network), twins.map { $0.target! }, metadata)
    }
    try EnsembleDirectory(members: members).write(to: directory)
    try write(
      GaussianPolicy(network: actor), environment: environment, to: "\(directory)/\(policyName)")
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
