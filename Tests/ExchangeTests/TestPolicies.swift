import Autodiff
import DenseMath
import RLCore

@testable import Agents

/// Policies of every kind that can be handed over, with weights that leave no term at zero.
enum TestPolicies {
  static let observationSize = 5
  static let actionSize = 3

  static let normalizer = ObservationNormalizer(
    mean: [0.5, -1, 2, 0, 0.25], std: [2, 0.5, 1, 3, 0.1])

  static func network(outputs: Int, seed: UInt64, layerNorm: Bool = false) -> Network {
    let network = Network(
      shape: NetworkShape(
        inputSize: observationSize, hiddenSizes: [7, 6], outputSize: outputs,
        normalizesLayers: layerNorm))
    var stream = RandomStream(seed: seed, purpose: "test/policies")
    network.parameters = network.parameters.map { _ in Float(stream.uniform(-0.9, 0.9)) }
    return network
  }

  static func gaussian(seed: UInt64, layerNorm: Bool = false) -> GaussianPolicy {
    // Narrow, so that some log σ are clipped.
    GaussianPolicy(
      network: network(outputs: 2 * actionSize, seed: seed, layerNorm: layerNorm),
      logStdBounds: LogStdBounds(lower: -0.4, upper: 0.3))
  }

  static func stored(_ policy: any Policy) -> StoredPolicy {
    StoredPolicy(policy: policy, environment: "hopper", algorithm: "cql")
  }

  /// By name: what acts, and whether it is a distribution.
  static let all: [(name: String, policy: any Policy, isDistribution: Bool)] = [
    ("tanh-gaussian", gaussian(seed: 1), true),
    ("layer norm", gaussian(seed: 2, layerNorm: true), true),
    ("normalizer", NormalizedPolicy(gaussian(seed: 3), normalizer: normalizer), true),
    ("mixture", MixturePolicy(members: (4..<7).map { gaussian(seed: $0) }), true),
    (
      "normalized mixture",
      NormalizedPolicy(
        MixturePolicy(members: (7..<9).map { gaussian(seed: $0) }), normalizer: normalizer), true
    ),
    (
      "tanh mean",
      PlainGaussianPolicy(
        network: network(outputs: actionSize, seed: 9), logStds: [-1, 0.5, 0.25],
        squashesMean: true), true
    ),
    (
      "plain mean",
      PlainGaussianPolicy(
        network: network(outputs: actionSize, seed: 10), logStds: [-1, 0.5, 0.25],
        squashesMean: false), true
    ),
    (
      "deterministic",
      NormalizedPolicy(
        DeterministicPolicy(network: network(outputs: actionSize, seed: 11)),
        normalizer: normalizer), false
    ),
  ]
}
