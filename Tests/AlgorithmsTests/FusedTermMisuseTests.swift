import Autodiff
import DenseMath
import RLCore
import Testing

@testable import Algorithms

/// A term with a derivative of its own stops where nothing trains its critics, and says so in optimised builds.
@Suite struct FusedTermMisuseTests {
  final class Misplaced: Algorithm {
    static let name = "misplaced"
    static let summary = "evaluates CQL's term outside of any loss"

    struct Settings: AlgorithmSettings {
      @Setting(1...64, "Transitions in a minibatch.") var batchSize = 4
    }

    private let actor: Actor
    private let uniform: Noise
    private let regression: ConservativeRegression

    init(_ settings: Settings, _ parts: AgentParts) {
      actor = parts.actor(optimizer: .adam(learningRate: 1e-3))
      uniform = parts.noise("uniform")
      regression = ConservativeRegression(
        parts.critics(count: 2, tau: 0.005, optimizer: .adam(learningRate: 1e-3)),
        actionSize: parts.actionSize, samples: 2, temperature: 1, candidates: .corrected)
    }

    func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
      let draw = step.uniformActions(uniform, rows: batch.count, count: 2)
      _ = regression(
        batch.observations, batch.actions, to: batch.rewards, weight: 1,
        against: (draw, draw, draw))
    }

    var policy: any Policy { actor.policy }
  }

  @Test func theConservativeTermOutsideItsTraining() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var setup = AgentSetup(observationSize: 3, actionSize: 2)
      setup.hiddenSizes = [8, 8]
      let agent = try Agent(
        Misplaced.self, Misplaced.Settings(), setup, pool: WorkerPool(threads: 1))
      _ = try agent.update(on: Batch(size: 4, observationSize: 3, actionSize: 2))
    }
    let message = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(message.contains("CQL's loss of 'critic' outside its training"), "\(message)")
  }
}
