import DenseMath
import Autodiff
import RLCore
import TestSupport
import Testing

import Algorithms

/// What conservatism is for: actions that the data do not show must not look good.
///
/// One step, r = a, but the data's actions lie in [−0.5, 0] only. A plain fit extrapolates that more
/// is better still; the conservative one must not.
@Suite struct CQLLearningTests {
  private struct Outcome {
    /// Mean over states of minⱼ Qⱼ(s, 0.8) − minⱼ Qⱼ(s, −0.25).
    var promiseOfUnseenActions: Double
    /// Range over states of the policy's mean action.
    var meanActions: ClosedRange<Float>
    var conservativeGap: Double
  }

  private func train(
    weight: Double, regularizer: CQLSettings.Regularizer
  ) throws -> Outcome {
    var settings = CQLSettings()
    settings.batchSize = 64
    settings.sampledActions = 4
    settings.policyLearningRate = 1e-3
    settings.criticLearningRate = 1e-3
    settings.initialTemperature = 0.05
    settings.conservativeWeight = weight
    settings.regularizer = regularizer
    var setup = AgentSetup(observationSize: 1, actionSize: 1)
    setup.hiddenSizes = [32, 32]
    setup.seed = 2
    let agent = try Agent(
      ConservativeQLearning.self, settings, setup, pool: WorkerPool(threads: 1))
    var gap = 0.0
    for step in 0..<1200 {
      var generator = RandomStream(seed: 4, purpose: "test/mediocre", step: UInt64(step))
      var batch = Batch(size: 64, observationSize: 1, actionSize: 1)
      for row in 0..<64 {
        batch.observations[row, 0] = Float(generator.uniform(-1, 1))
        batch.actions[row, 0] = Float(generator.uniform(-0.5, 0))
        batch.rewards[row] = batch.actions[row, 0]
      }
      gap = try agent.update(on: batch)["conservative_gap"]!
    }
    let network = PlainNetwork(sizes: [2, 32, 32, 1])
    let critics = agent.networks("critic")!.map { $0.parameters.map(Double.init) }
    func value(_ state: Double, _ action: Double) -> Double {
      critics.map { network.outputs($0, [state, action])[0] }.min()!
    }
    let states = stride(from: -0.8, through: 0.8, by: 0.4)
    let promises = states.map { value($0, 0.8) - value($0, -0.25) }
    var generator = RandomStream(seed: 0, purpose: "not used by mean actions")
    let actions = states.map {
      agent.policy.action(for: [Float($0)], selection: .mean, using: &generator).action[0]
    }
    return Outcome(
      promiseOfUnseenActions: promises.reduce(0, +) / Double(promises.count),
      meanActions: actions.min()!...actions.max()!, conservativeGap: gap)
  }

  @Test(arguments: CQLSettings.Regularizer.allCases)
  func unseenActionsLookWorse(regularizer: CQLSettings.Regularizer) throws {
    let plain = try train(weight: 0, regularizer: regularizer)
    #expect(plain.promiseOfUnseenActions > 0.1, "\(plain)")
    #expect(plain.meanActions.lowerBound > 0.5, "\(plain)")
    let conservative = try train(weight: 5, regularizer: regularizer)
    #expect(conservative.promiseOfUnseenActions < -0.5, "\(conservative)")
    #expect(
      conservative.meanActions.lowerBound > -0.6 && conservative.meanActions.upperBound < 0.2,
      "\(conservative)")
    #expect(conservative.conservativeGap < plain.conservativeGap - 0.2)
  }
}
