import Agents
import Autodiff
import DenseMath
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

@testable import Exchange

@Suite struct D4RLPolicyTests {
  private let folder = TemporaryDirectory()

  /// D4RL's readers know no normaliser, so it must be in the first layer.
  @Test func theNormalizerIsFoldedIntoTheFirstLayer() throws {
    var bare = TestPolicies.gaussian(seed: 3)
    bare = GaussianPolicy(network: bare.network)
    let policy = NormalizedPolicy(bare, normalizer: TestPolicies.normalizer)
    let path = folder.file("policy.hdf5")
    try PolicyExport(TestPolicies.stored(policy), producer: "bred test").write(.d4rl, to: path)

    let file = try HDF5File(reading: path)
    #expect(try file.dataset("metadata/policy/nonlinearity").readString() == "relu")
    #expect(try file.dataset("metadata/policy/output_distribution").readString() == "tanh_gaussian")
    var parameters: [Double] = []
    for layer in ["fc0", "fc1", "last_fc"] {
      for kind in ["weight", "bias"] {
        let values = try file.dataset("metadata/policy/\(layer)/\(kind)")
          .read(Float.self)
        parameters += values.map(Double.init)
      }
    }
    let observation: [Float] = [0.3, -0.7, 1.2, 0.1, -0.4]
    let expected = PlainNetwork(sizes: [5, 7, 6, 3])
      .outputs(parameters, observation.map(Double.init))
    var stream = RandomStream(seed: 0, purpose: "test/unused")
    let action = policy.action(for: observation, selection: .mean, using: &stream).action
    #expect(normalizedError(action.map { atanhf($0) }, expected) < 1e-4)
  }

  @Test(arguments: ["tanh-gaussian", "mixture", "deterministic", "layer norm"])
  func whatTheLayoutCannotSayIsRefused(name: String) throws {
    let entry = try #require(TestPolicies.all.first { $0.name == name })
    let export = try PolicyExport(TestPolicies.stored(entry.policy), producer: "bred test")
    let path = folder.file("policy.hdf5")
    let error = #expect(throws: ExchangeError.self) { try export.write(.d4rl, to: path) }
    #expect(error?.description.contains("tanh-Gaussian") == true)
    #expect(folder.contents.isEmpty)
  }
}
