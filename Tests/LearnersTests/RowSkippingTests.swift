import DenseMath
import Learners
import Networks
import RLCore
import Testing

/// Leaving out rows whose softmax weight is negligible changes nothing but the time, in either pass.
@Suite struct RowSkippingTests {
  /// A learner whose critics tell actions apart by `scale` times what a fresh one does.
  private static func learner(scale: Float, skips: Bool) -> ConservativeQLearning {
    var configuration = ConservativeQLearning.Configuration()
    configuration.hiddenSizes = [48, 32]
    configuration.batchSize = 64
    let learner = ConservativeQLearning(
      configuration: configuration, observationSize: 6, actionSize: 2, seeds: [3],
      pool: WorkerPool(threads: 1))
    for critic in learner.critics(ofMember: 0) {
      critic.parameters = critic.parameters.map { $0 * scale }
    }
    learner.skipsRows = skips
    return learner
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

  private func expectEqual(scale: Float, pass: PassKind?) throws {
    let (sparse, dense) = (
      Self.learner(scale: scale, skips: true), Self.learner(scale: scale, skips: false)
    )
    sparse.forcedPass = pass
    dense.forcedPass = .dense
    let batch = Self.batch()
    let metrics = try sparse.update(on: [batch])
    let denseMetrics = try dense.update(on: [batch])
    let skipped = try #require(metrics["member0_skipped_rows"])
    #expect(denseMetrics["member0_skipped_rows"] == 0)
    #expect(dense.passTally.groupedStates == 0 && dense.passTally.denseStates == 2 * 64)
    if pass == .groups { #expect(sparse.passTally.groupedStates == 2 * 64) }
    if scale == 1 { #expect(skipped == 0) } else { #expect(skipped > 0.2) }
    // Adam's first moment is a tenth of the gradient.
    for j in 0..<2 {
      let gradient = sparse.members[0].critics[j].moment1.elements.map(Double.init)
      let expected = dense.members[0].critics[j].moment1.elements.map(Double.init)
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let distance = zip(gradient, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        .squareRoot()
      #expect(norm > 1e-3)
      #expect(distance < 3e-6 * norm)
    }
  }
}
