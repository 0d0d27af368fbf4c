import Agents
public import Datasets
public import Environments
import Autodiff
public import RLCore
import Runs

/// The policy that makes a dataset, with what the file should say about it.
public struct BehaviourPolicy {
  public let policy: any Policy
  public var metadata = D4RLMetadata()

  /// - Parameter policyFile: safetensors; `nil` for uniform random actions.
  /// - Throws: where the file cannot be read or does not fit the robot.
  public init(policyFile: String?, _ kind: EnvironmentKind) throws {
    let specification = kind.specification
    metadata.strings["producer"] = "bred \(PackageVersion.number)"
    guard let policyFile else {
      policy = UniformPolicy(
        observationSize: specification.observationSize, actionSize: specification.actionSize)
      metadata.strings["algorithm"] = "random"
      return
    }
    let file = try NetworkFile.read(policyFile, as: .policy)
    let network = try AgentStore.gaussian(file, named: policyFile)
    for (field, expected, actual) in [
      ("observations", specification.observationSize, network.observationSize),
      ("actions", specification.actionSize, network.actionSize),
    ] where expected != actual {
      throw DatasetError.mismatch(
        file: policyFile, field: field, expected: "\(expected) (\(specification.name))",
        actual: "\(actual)")
    }
    try AgentStore.check(environment: file.environment, kind: kind, file: policyFile)
    policy = network
    metadata.policy = file.tensors
    metadata.strings["algorithm"] = file.metadata["algorithm"] ?? "SAC"
  }
}
