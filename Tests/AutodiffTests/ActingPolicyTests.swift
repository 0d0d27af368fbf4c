import DenseMath
import Foundation
import RLCore
import Testing

import Autodiff

/// What policies do, number by number.
@Suite struct ActingPolicyTests {
  /// A network that says the same whatever it is asked.
  private func constant(_ outputs: [Float], inputs: Int = 1) -> Network {
    let network = Network(
      shape: NetworkShape(inputSize: inputs, hiddenSizes: [2], outputSize: outputs.count))
    let count = network.parameters.count
    network.parameters.replaceSubrange(count - outputs.count..<count, with: outputs)
    return network
  }

  private func stream() -> RandomStream { RandomStream(seed: 4, purpose: "test/acting") }

  private func clipped(_ value: Float) -> Float { min(max(value, -1), 1) }

  private func agree(_ one: [Float], _ other: [Float]) -> Bool {
    one.count == other.count && zip(one, other).allSatisfy { abs($0 - $1) < 1e-5 }
  }

  /// log N(μ + σ·ε; μ, σ²), summed.
  private func density(of epsilon: [Float], _ logStds: [Float]) -> Float {
    var sum: Float = 0
    for (e, logStd) in zip(epsilon, logStds) { sum -= 0.5 * e * e + logStd + 0.918_938_5 }
    return sum
  }

  @Test(arguments: [0.1, 10] as [Float]) func deterministic(noise: Float) {
    let policy = DeterministicPolicy(network: constant([0.3, -2]), explorationNoise: noise)
    var (own, same) = (stream(), stream())
    let mean = policy.action(for: [1], selection: .mean, using: &own).action
    #expect(agree(mean, [tanhf(0.3), tanhf(-2)]))
    let drawn = policy.action(for: [1], selection: .sample, using: &own).action
    let expected = mean.map { clipped($0 + noise * Float(same.normal())) }
    #expect(agree(drawn, expected) && !agree(drawn, mean))
    #expect(noise < 1 || drawn.contains { abs($0) == 1 })
  }

  @Test func plainGaussian() {
    let (means, logStds) = ([0.3, -2] as [Float], [-1, 0.5] as [Float])
    let policy = PlainGaussianPolicy(
      network: constant(means), logStds: logStds, squashesMean: false)
    var (own, same) = (stream(), stream())
    #expect(agree(policy.action(for: [1], selection: .mean, using: &own).action, [0.3, -1]))
    for _ in 0..<4 {
      let drawn = policy.action(for: [1], selection: .sample, using: &own)
      let epsilon = means.map { _ in Float(same.normal()) }
      let expected = (0..<2).map { clipped(means[$0] + expf(logStds[$0]) * epsilon[$0]) }
      #expect(agree(drawn.action, expected))
      #expect(abs(drawn.logProb - density(of: epsilon, logStds)) < 1e-4)
    }
  }

  @Test func tanhGaussian() {
    let (means, logStds) = ([0.3, -0.2] as [Float], [-1, 0.2] as [Float])
    let policy = GaussianPolicy(network: constant(means + logStds))
    var (own, same) = (stream(), stream())
    #expect(
      agree(policy.action(for: [1], selection: .mean, using: &own).action, means.map(tanhf)))
    for _ in 0..<4 {
      let drawn = policy.action(for: [1], selection: .sample, using: &own)
      let epsilon = means.map { _ in Float(same.normal()) }
      let expected = (0..<2).map { tanhf(means[$0] + expf(logStds[$0]) * epsilon[$0]) }
      #expect(agree(drawn.action, expected))
      let squashing = expected.reduce(Float(0)) { $0 + log(1 - $1 * $1) }
      #expect(abs(drawn.logProb - density(of: epsilon, logStds) + squashing) < 1e-3)
    }
  }

  /// The best of many decoded actions, z clipped to ±0.5, each moved by Φ·tanh of the perturbation.
  @Test(arguments: [0, 50] as [Float]) func batchConstrained(push: Float) {
    // z₀ of (s, z₀, z₁), by way of max(0, z₀ + 1), and a of (s, a) alike.
    let decoder = Network(shape: NetworkShape(inputSize: 3, hiddenSizes: [1], outputSize: 1))
    decoder.parameters = [0, 1, 0, 1, 1, -1]
    let critic = Network(shape: NetworkShape(inputSize: 2, hiddenSizes: [1], outputSize: 1))
    critic.parameters = [0, 1, 1, 1, -1]
    let policy = BatchConstrainedPolicy(
      decoder: decoder, perturbation: constant([push], inputs: 2), critic: critic, range: 0.25,
      candidates: 6)
    var (own, same) = (stream(), stream())
    var hasClipped = false
    for selection in [ActionSelection.mean, .sample, .mean] {
      let drawn = policy.action(for: [2], selection: selection, using: &own).action
      let latents = (0..<12).map { _ in Float(same.normal()) }
      let decoded = (0..<6).map { tanhf(min(max(latents[2 * $0], -0.5), 0.5)) }
      #expect(agree(drawn, [clipped(decoded.max()! + 0.25 * tanhf(push))]))
      hasClipped = hasClipped || decoded.max()! == tanhf(0.5)
    }
    #expect(hasClipped)
  }

  /// Q(s, a) = slope·a.
  private func linearCritic(_ slope: Float) -> Network {
    let critic = Network(shape: NetworkShape(inputSize: 2, hiddenSizes: [1], outputSize: 1))
    critic.parameters = [0, slope, 3, 1, -3]
    return critic
  }

  /// In evaluation the proposal with the greater least value is played.
  @Test(arguments: [(-1.5, 0.3), (0.3, -1.5)] as [(Float, Float)])
  func expandedPolicyPlaysTheBetter(old: Float, new: Float) {
    for (slopes, chosen) in [
      ([1], max(old, new)), ([-1], min(old, new)),
      // The least of a and −a is −|a|.
      ([1, -1], abs(old) < abs(new) ? old : new),
    ] as [([Float], Float)] {
      let policy = ExpandedPolicy(
        offline: DeterministicPolicy(network: constant([old]), explorationNoise: 1),
        online: DeterministicPolicy(network: constant([new]), explorationNoise: 1),
        critics: slopes.map(linearCritic), inverseTemperature: 3, evaluationExploration: 0)
      var own = stream()
      #expect(
        agree(policy.action(for: [1], selection: .mean, using: &own).action, [tanhf(chosen)]))
    }
  }

  /// Both choices are drawn: always where actions are sampled, with their own chance in evaluation.
  @Test(arguments: [(.sample, 0), (.mean, 0.6), (.mean, 1)] as [(ActionSelection, Double)])
  func expandedPolicyDraws(selection: ActionSelection, exploration: Double) {
    let policy = ExpandedPolicy(
      offline: DeterministicPolicy(network: constant([0.4]), explorationNoise: 5),
      online: DeterministicPolicy(network: constant([-0.4]), explorationNoise: 0.1),
      critics: [linearCritic(1)], inverseTemperature: 1, evaluationExploration: exploration)
    var (own, same) = (stream(), stream())
    func draws() -> Bool { selection == .sample || same.uniform() < exploration }
    let old = tanhf(0.4)
    var (isOld, isNew) = (0, 0)
    for _ in 0..<40 {
      let action = policy.action(for: [1], selection: selection, using: &own).action
      let new = tanhf(-0.4) + (draws() ? 0.1 * Float(same.normal()) : 0)
      let chance = 1 / (1 + expf(old - new))
      let expected = draws() ? Float(same.uniform()) < chance ? new : old : max(old, new)
      #expect(agree(action, [expected]))
      if expected == old { isOld += 1 } else { isNew += 1 }
    }
    // The worse one is played too, and less often.
    #expect(isNew > 2 && isOld > isNew)
  }
}
