import DenseMath
import Foundation
import Autodiff
import RLCore
import TestSupport
import Testing

import Algorithms

/// Soft actor-critic on tasks small enough to know the best policy.
@Suite struct SoftActorCriticLearningTests {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case single, ensemble, mixture
    var testDescription: String { rawValue }
  }

  private func learner(_ kind: Kind, discount: Double) throws -> Agent {
    var settings = SoftActorCritic.Settings()
    settings.batchSize = 64
    settings.discount = discount
    settings.tau = 0.02
    settings.policyLearningRate = 3e-3
    settings.criticLearningRate = 3e-3
    settings.initialTemperature = 0.05
    var setup = AgentSetup(observationSize: 1, actionSize: 1)
    setup.hiddenSizes = [32, 32]
    setup.ensembleSize = kind == .single ? 1 : 3
    setup.actorMembers = kind == .mixture ? 3 : 1
    setup.seed = 3
    return try Agent(SoftActorCritic.self, settings, setup, pool: WorkerPool(threads: 1))
  }

  private func trainOnRegulator(_ learner: Agent) throws {
    for step in 0..<1500 {
      var generator = RandomStream(seed: 5, purpose: "test/regulator", step: UInt64(step))
      let transitions = Regulator.transitions(64, using: &generator)
      _ = try learner.update(on: Batch(transitions))
    }
  }

  @Test(arguments: Kind.allCases)
  func returnReachesTheRegulators(kind: Kind) throws {
    let learner = try learner(kind, discount: Double(Regulator.discount))
    #expect(Regulator.discountedReturn(of: learner.policy) < 0.8 * Regulator.idleReturn)
    try trainOnRegulator(learner)
    let reached = Regulator.discountedReturn(of: learner.policy)
    #expect(reached <= Regulator.optimalReturn + 1e-6)
    #expect(
      reached > 1.2 * Regulator.optimalReturn, "\(reached) of \(Regulator.optimalReturn)")
  }

  /// The control: without the value of what follows, effort never pays.
  @Test func withoutLookingAheadNothingIsDone() throws {
    let learner = try learner(.single, discount: 0)
    try trainOnRegulator(learner)
    let reached = Regulator.discountedReturn(of: learner.policy)
    #expect(reached < 2 * Regulator.optimalReturn, "\(reached) of \(Regulator.optimalReturn)")
  }

  /// One step, r = −(a − 0.6·s)². At temperature α the best policy is Gaussian about 0.6·s with
  /// variance α/2; its entropy is the target, −1, at variance e⁻²/2πe ≈ 0.0079, so α ≈ 0.016.
  @Test(arguments: Kind.allCases)
  func banditsOptimumIsAGaussianOfTheTargetEntropy(kind: Kind) throws {
    let learner = try learner(kind, discount: 0.99)
    var (entropy, temperature) = (0.0, 0.0)
    for step in 0..<2000 {
      var generator = RandomStream(seed: 6, purpose: "test/bandit", step: UInt64(step))
      var batch = Batch(size: 64, observationSize: 1, actionSize: 1)
      for row in 0..<64 {
        let (state, action) = (generator.uniform(-1, 1), generator.uniform(-1, 1))
        batch.observations[row, 0] = Float(state)
        batch.actions[row, 0] = Float(action)
        batch.rewards[row] = Float(-(action - 0.6 * state) * (action - 0.6 * state))
        // Masks stay 0: every step is the last, so what follows must not count.
        batch.nextObservations[row, 0] = Float(generator.uniform(-1, 1))
      }
      let metrics = try learner.update(on: batch)
      if step >= 1500 {
        entropy += metrics["entropy"]! / 500
        temperature += metrics["temperature"]! / 500
      }
    }
    var generator = RandomStream(seed: 7, purpose: "test/acting")
    var (error, reward) = (0.0, 0.0)
    for step in 0..<200 {
      let state = Float(step) / 100 - 1
      func act(_ selection: ActionSelection) -> Double {
        let chosen = learner.policy.action(for: [state], selection: selection, using: &generator)
        return Double(chosen.action[0] - 0.6 * state)
      }
      error = max(error, abs(act(.mean)))
      reward -= pow(act(.sample), 2) / 200
    }
    #expect(error < 0.2)
    #expect(abs(entropy + 1) < 0.15, "entropy \(entropy)")
    #expect(temperature > 0.008 && temperature < 0.032, "temperature \(temperature)")
    #expect(reward < -0.004 && reward > -0.016, "reward \(reward)")
  }
}
