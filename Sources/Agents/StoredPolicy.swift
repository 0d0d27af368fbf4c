public import RLCore

/// A policy from files, with what they say about it.
public struct StoredPolicy: Sendable {
  /// What acts, its normaliser of observations included.
  public let policy: any Policy
  /// The task that it was trained on, where the files say so.
  public let environment: String?
  /// What trained it, where the files say so.
  public let algorithm: String?

  /// The policy in a file, of whatever kind; what acts in an agent's folder; or what the members of an
  /// ensemble directory, or of a run directory's `weights`, do together.
  ///
  /// - Throws: ``EnsembleDirectoryError``.
  public static func read(_ path: String) throws(EnsembleDirectoryError) -> StoredPolicy {
    guard try EnsembleDirectory.isFolder(path) else {
      do throws(NetworkFileError) {
        let file = try NetworkFile.readPolicy(path)
        return StoredPolicy(
          policy: file.policy!, environment: file.environment,
          algorithm: file.metadata["algorithm"])
      } catch {
        throw .network(error)
      }
    }
    let folder = try EnsembleDirectory.weights(of: path)
    let isAgent =
      try EnsembleDirectory.hasMembers(folder)
      ? false
      : EnsembleDirectory.existsAny(
        of: [AgentManifest.fileName, "actor.safetensors"], in: folder)
    let (policy, environment, algorithm): ((any Policy)?, String?, String?)
    let reason: String
    if isAgent {
      let agent = try EnsembleDirectory.readAgent(folder)
      (policy, environment, algorithm) = (agent.policy, agent.environment, agent.algorithm)
      reason = "the agent's policy is more than the networks of one part"
    } else {
      let ensemble = try EnsembleDirectory.read(folder)
      (policy, environment) = (ensemble.policy, ensemble.environment)
      algorithm = ensemble.members[0].algorithm
      reason =
        "policies of kind '\(ensemble.members[0].actors.first?.role.rawValue ?? "unknown")' of "
        + "\(ensemble.members.count) members cannot act together"
    }
    guard let policy else { throw .noPolicy(path: folder, reason: reason) }
    return StoredPolicy(policy: policy, environment: environment, algorithm: algorithm)
  }
}
