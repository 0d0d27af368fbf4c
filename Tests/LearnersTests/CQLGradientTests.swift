import DenseMath
import Networks
import RLCore
import TestSupport
import Testing

@testable import Learners

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The blocked, state-sharing, row-skipping critic pass of CQL against central differences of the
/// plain loss in double precision, at sizes that need several chunks, blocks and vector tails.
@Suite struct CQLGradientTests {
  @Test(arguments: ConservativeQLearning.Regularizer.allCases, [1, 5, 10])
  func criticGradient(regularizer: ConservativeQLearning.Regularizer, samples: Int) throws {
    let (observationSize, actionSize, batchSize, weight) = (4, 3, 70, 5.0)
    var configuration = ConservativeQLearning.Configuration()
    configuration.hiddenSizes = [17, 20]
    configuration.batchSize = batchSize
    configuration.sampledActions = samples
    configuration.regularizer = regularizer
    configuration.policyLearningRate = 0
    configuration.criticLearningRate = 0
    let learner = ConservativeQLearning(
      configuration: configuration, observationSize: observationSize, actionSize: actionSize,
      seeds: [3], pool: WorkerPool(threads: 2))
    let member = learner.members[0]
    var stream = RandomStream(seed: 9, purpose: "test")
    let critic = member.critics[1]
    // Large enough that the softmax is sharp and rows get skipped.
    critic.network.parameters = critic.network.parameters.map { _ in
      Float(stream.uniform(-1.5, 1.5))
    }
    var batch = Batch(size: batchSize, observationSize: observationSize, actionSize: actionSize)
    for i in batch.observations.elements.indices {
      batch.observations.elements[i] = Float(stream.normal())
      batch.nextObservations.elements[i] = Float(stream.normal())
    }
    for i in batch.actions.elements.indices {
      batch.actions.elements[i] = Float(stream.uniform(-1, 1))
    }
    for i in 0..<batchSize { batch.rewards[i] = Float(stream.normal()) }
    for i in 0..<batchSize { batch.masks[i] = i % 9 == 0 ? 0 : 1 }
    let metrics = try learner.update(on: [batch])
    if samples == 10 { #expect(metrics["member0_skipped_rows"]! > 0.01) }

    let plain = PlainNetwork(sizes: [observationSize + actionSize, 17, 20, 1])
    func loss(_ parameters: [Double]) -> Double {
      (0..<batchSize).reduce(0) { sum, state in
        let s = batch.observations.row(state).map { Double($0) }
        func q(_ action: some Sequence<Float>) -> Double {
          plain.outputs(parameters, s + action.map { Double($0) })[0]
        }
        let data = q(batch.actions.row(state))
        var entries = regularizer == .density ? [data] : []
        let sources = [
          (member.uniformActions, nil),
          (member.currentSamples, member.currentSampleLogProbs),
          (member.nextSamples, member.nextSampleLogProbs),
        ]
        for (actions, logProbs) in sources {
          for i in state * samples..<(state + 1) * samples {
            let value = q(actions.elements[i * actionSize..<(i + 1) * actionSize])
            let density = logProbs.map { Double($0.base[i]) } ?? -Double(actionSize) * log(2)
            entries.append(regularizer == .density ? value : value - density)
          }
        }
        let largest = entries.max()!
        let pushed = largest + log(entries.reduce(0) { $0 + exp($1 - largest) })
        let error = data - Double(member.targets.base[state])
        return sum + (error * error + weight * (pushed - data)) / Double(batchSize)
      }
    }
    let point = critic.network.parameters.map { Double($0) }
    let indices = Array(stride(from: 0, to: point.count, by: 11)) + [point.count - 1]
    let expected = centralDifferences(at: point, indices: indices, loss)
    let gradient = ReferenceValues.gradient(critic)
    let scale = expected.map(abs).max()!
    #expect(scale > 0.1)
    #expect(normalizedError(indices.map { gradient[$0] }, expected, floor: scale) < 1e-5)
  }
}
