import DenseMath
import Autodiff
import RLCore
import Testing

@testable import Algorithms

/// Leaving out rows whose softmax weight is negligible changes nothing but the time, in either pass.
@Suite struct RowSkippingTests {
  /// A learner whose critics tell actions apart by `scale` times what a fresh one does.
  private static func learner(scale: Float, skips: Bool) throws -> Agent {
    var settings = CQLSettings()
    settings.batchSize = 64
    var setup = AgentSetup(observationSize: 6, actionSize: 2)
    setup.hiddenSizes = [48, 32]
    setup.seed = 3
    let agent = try Agent(
      ConservativeQLearning.self, settings, setup, pool: WorkerPool(threads: 1))
    let critics = agent.networks("critic")!
    for critic in critics { critic.parameters = critic.parameters.map { $0 * scale } }
    try agent.load(critics, into: "critic", targets: agent.networks("critic", targets: true))
    regression(agent).skipsRows = skips
    return agent
  }

  private static func batch() -> Batch {
    var batch = Batch(size: 64, observationSize: 6, actionSize: 2)
    var stream = RandomStream(seed: 9, purpose: "skip")
    for i in batch.observations.elements.indices {
      batch.observations.elements[i] = Float(stream.normal())
      batch.nextObservations.elements[i] = Float(stream.normal())
    }
    for i in batch.actions.elements.indices {
      batch.actions.elements[i] = Float(stream.uniform(-1, 1))
    }
    for i in batch.rewards.indices {
      batch.rewards[i] = Float(stream.normal())
      batch.masks[i] = 1
    }
    return batch
  }

  @Test(arguments: [Float(1), 40, 80], PassKind.allCases.map(Optional.some) + [nil])
  func equalsTheDenseComputation(scale: Float, pass: PassKind?) throws {
    for instructions in BLAS.vectorInstructionSets {
      try BLAS.withVectorInstructionSet(instructions) {
        try expectEqual(scale: scale, pass: pass)
      }
    }
  }

  private static func regression(_ agent: Agent) -> ConservativeRegression {
    (agent.algorithm as! ConservativeQLearning).regression
  }

  private func expectEqual(scale: Float, pass: PassKind?) throws {
    let sparse = try Self.learner(scale: scale, skips: true)
    let dense = try Self.learner(scale: scale, skips: false)
    Self.regression(sparse).forcedPass = pass
    Self.regression(dense).forcedPass = .dense
    let batch = Self.batch()
    let metrics = try sparse.update(on: batch)
    let denseMetrics = try dense.update(on: batch)
    let skipped = try #require(metrics["skipped_rows"])
    #expect(denseMetrics["skipped_rows"] == 0)
    let (used, reference) = (Self.regression(sparse).tally, Self.regression(dense).tally)
    #expect(reference.groupedStates == 0 && reference.denseStates == 2 * 64)
    if pass == .groups { #expect(used.groupedStates == 2 * 64) }
    if scale == 1 { #expect(skipped == 0) } else { #expect(skipped > 0.2) }
    for j in 0..<2 {
      let gradient = ReferenceValues.gradient(sparse, "critic", j).map(Double.init)
      let expected = ReferenceValues.gradient(dense, "critic", j).map(Double.init)
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let distance = zip(gradient, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        .squareRoot()
      #expect(norm > 1e-3)
      #expect(distance < 3e-6 * norm)
    }
  }
}
