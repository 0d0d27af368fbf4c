import Autodiff
import DenseMath
import RLCore
import TestSupport
import Testing

@testable import Algorithms

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The blocked, state-sharing, row-skipping critic pass of CQL against central differences of the
/// plain loss in double precision, at sizes that need several pieces, blocks and vector tails.
@Suite struct CQLGradientTests {
  @Test(arguments: CQLSettings.Regularizer.allCases, [1, 5, 10])
  func criticGradient(regularizer: CQLSettings.Regularizer, samples: Int) throws {
    let (observationSize, actionSize, batchSize, weight) = (4, 3, 70, 5.0)
    var settings = CQLSettings()
    settings.batchSize = batchSize
    settings.sampledActions = samples
    settings.regularizer = regularizer
    settings.policyLearningRate = 1e-30
    settings.criticLearningRate = 1e-30
    var setup = AgentSetup(observationSize: observationSize, actionSize: actionSize)
    setup.hiddenSizes = [17, 20]
    setup.seed = 3
    let agent = try Agent(
      ConservativeQLearning.self, settings, setup, pool: WorkerPool(threads: 2))
    var stream = RandomStream(seed: 9, purpose: "test")
    let critics = agent.networks("critic")!
    // Large enough that the softmax is sharp and rows get skipped.
    critics[1].parameters = critics[1].parameters.map { _ in Float(stream.uniform(-1.5, 1.5)) }
    try agent.load(critics, into: "critic", targets: agent.networks("critic", targets: true))
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
    let draws = try Self.draws(agent, batch, samples: samples)
    let metrics = try agent.update(on: batch)
    if samples == 10 { #expect(metrics["skipped_rows"]! > 0.01) }

    let plain = PlainNetwork(sizes: [observationSize + actionSize, 17, 20, 1])
    func loss(_ parameters: [Double]) -> Double {
      (0..<batchSize).reduce(0) { sum, state in
        let s = batch.observations.row(state).map { Double($0) }
        func q(_ action: some Sequence<Float>) -> Double {
          plain.outputs(parameters, s + action.map { Double($0) })[0]
        }
        let data = q(batch.actions.row(state))
        var entries = regularizer == .plain ? [data] : []
        for (actions, logProbs) in draws.candidates {
          for i in state * samples..<(state + 1) * samples {
            let value = q(actions.elements[i * actionSize..<(i + 1) * actionSize])
            entries.append(
              regularizer == .plain ? value : value - Double(logProbs.elements[i]))
          }
        }
        let largest = entries.max()!
        let pushed = largest + log(entries.reduce(0) { $0 + exp($1 - largest) })
        let error = data - Double(draws.targets[state])
        return sum + (error * error + weight * (pushed - data)) / Double(batchSize)
      }
    }
    let point = critics[1].parameters.map { Double($0) }
    let indices = Array(stride(from: 0, to: point.count, by: 11)) + [point.count - 1]
    let expected = centralDifferences(at: point, indices: indices, loss)
    let gradient = ReferenceValues.gradient(agent, "critic", 1)
    let scale = expected.map(abs).max()!
    #expect(scale > 0.1)
    #expect(normalizedError(indices.map { gradient[$0] }, expected, floor: scale) < 1e-5)
  }

  private struct Draws {
    var candidates: [(actions: Matrix, logProbs: Matrix)]
    var targets: [Float]
  }

  /// What the agent's next update will draw, and its target, from the same noises.
  private static func draws(_ agent: Agent, _ batch: Batch, samples: Int) throws -> Draws {
    let algorithm = agent.algorithm as! ConservativeQLearning
    let tape = agent.parts.tape
    func noise(_ name: String) -> Noise { agent.parts.noises.first { $0.name == name }!.noise }
    tape.begin(step: 0)
    let rows = try Rows(batch, on: tape)
    let step = Step(agent.parts)
    let policies = (algorithm.actor(rows.observations), algorithm.actor(rows.nextObservations))
    let all = [
      step.uniformActions(noise("uniform"), rows: batch.size, count: samples),
      policies.0.samples(samples, noise("current-samples")),
      policies.1.samples(samples, noise("next-samples")),
    ]
    let next = policies.1.sample(noise("next"))
    let value = algorithm.critics.target(rows.nextObservations, next.actions).minimum()
    let y = rows.rewards + 0.99 * rows.masks * value
    return Draws(
      candidates: all.map { ($0.actions.matrix, $0.logProbs.matrix) }, targets: y.matrix.elements)
  }
}
