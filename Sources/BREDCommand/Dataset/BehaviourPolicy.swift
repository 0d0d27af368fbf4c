import Datasets
import Environments
import Experiments
import Networks
import RLCore

/// The policy that makes a dataset, with what the file should say about it.
struct BehaviourPolicy {
  let policy: any Policy
  var metadata = D4RLMetadata()

  /// - Parameter policyFile: safetensors; `nil` for uniform random actions.
  init(policyFile: String?, _ kind: EnvironmentKind) throws {
    let specification = kind.specification
    metadata.strings["producer"] = "bred \(PackageVersion.number)"
    guard let policyFile else {
      policy = UniformPolicy(
        observationSize: specification.observationSize, actionSize: specification.actionSize)
      metadata.strings["algorithm"] = "random"
      return
    }
    let file = try NetworkFile.read(policyFile, as: .policy)
    let network = GaussianPolicy(network: file.network)
    for (field, expected, actual) in [
      ("observations", specification.observationSize, network.observationSize),
      ("actions", specification.actionSize, network.actionSize),
    ] where expected != actual {
      throw DatasetError.mismatch(
        file: policyFile, field: field, expected: "\(expected) (\(specification.name))",
        actual: "\(actual)")
    }
    policy = network
    metadata.policy = file.tensors
    metadata.strings["algorithm"] = file.metadata["algorithm"] ?? "SAC"
  }
}
