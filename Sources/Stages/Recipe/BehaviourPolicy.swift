import Agents
public import Datasets
public import Environments
import Autodiff
public import RLCore
import Runs

/// The policy that makes a dataset, with what the file should say about it.
public struct BehaviourPolicy {
  /// What acts, its normaliser of observations included.
  public let policy: any Policy
  /// Producer and algorithm; of a tanh-Gaussian policy without normaliser its network too.
  public var metadata = D4RLMetadata()

  /// - Parameter policyFile: whatever ``EvaluateStage`` can evaluate; `nil` for uniform random actions.
  /// - Throws: where the file cannot be read or does not fit the robot.
  public init(policyFile: String?, _ kind: EnvironmentKind) throws {
    let specification = kind.specification
    metadata.strings["producer"] = PackageVersion.producer
    guard let policyFile else {
      policy = UniformPolicy(
        observationSize: specification.observationSize, actionSize: specification.actionSize)
      metadata.strings["algorithm"] = "random"
      return
    }
    let stored = try StoredPolicy.read(EvaluateStage.policy(in: policyFile))
    for (field, expected, actual) in [
      ("observations", specification.observationSize, stored.policy.observationSize),
      ("actions", specification.actionSize, stored.policy.actionSize),
    ] where expected != actual {
      throw DatasetError.mismatch(
        file: policyFile, field: field, expected: "\(expected) (\(specification.name))",
        actual: "\(actual)")
    }
    try AgentStore.check(environment: stored.environment, kind: kind, file: policyFile)
    policy = stored.policy
    metadata.strings["algorithm"] = stored.algorithm
    // D4RL's metadata hold networks of tanh-Gaussian policies, and know no normaliser.
    if let gaussian = stored.policy as? GaussianPolicy {
      metadata.strings["algorithm"] = stored.algorithm ?? "SAC"
      metadata.policy = NetworkFile(gaussian.network, role: .policy).tensors
    }
  }
}
