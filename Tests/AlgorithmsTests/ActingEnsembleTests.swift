import Autodiff
import DenseMath
import Foundation
import RLCore
import Testing

import Algorithms

/// How several policies act as one.
@Suite struct ActingEnsembleTests {
  private func constant(_ outputs: [Float]) -> Network {
    let network = Network(
      shape: NetworkShape(inputSize: 1, hiddenSizes: [2], outputSize: outputs.count))
    let count = network.parameters.count
    network.parameters.replaceSubrange(count - outputs.count..<count, with: outputs)
    return network
  }

  @Test func gaussiansActAsTheirMixture() {
    let members = [[0.5, -1], [-0.1, -1]].map { GaussianPolicy(network: constant($0)) }
    #expect(ActingEnsemble.policy(of: members) is MixturePolicy)
    let normalizer = ObservationNormalizer(mean: [0], std: [2])
    let normalized = ActingEnsemble.policy(
      of: members.map { NormalizedPolicy($0, normalizer: normalizer) })
    #expect((normalized as? NormalizedPolicy)?.policy is MixturePolicy)
  }

  @Test func othersActByTheMeanOfTheirActions() {
    let policy = ActingEnsemble.policy(
      of: [0.5, -0.1].map { DeterministicPolicy(network: constant([$0])) })
    var stream = RandomStream(seed: 1, purpose: "acting")
    let action = policy.action(for: [1], selection: .mean, using: &stream).action
    #expect(abs(action[0] - (tanhf(0.5) + tanhf(-0.1)) / 2) < 1e-6)
  }
}
