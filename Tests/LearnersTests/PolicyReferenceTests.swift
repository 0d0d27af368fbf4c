import Agents
import DenseMath
import Networks
import RLCore
import TestSupport
import Testing

@testable import Learners

/// The tanh-Gaussian policy and the mixture of several against PyTorch, and their gradients against
/// central differences in double precision at widths beyond the vector registers.
@Suite struct PolicyReferenceTests {
  @Test(arguments: ["plain", "threeLayers", "clippedLogStd"]) func policy(name: String) throws {
    let reference = JSON(fixture: "learners/policy.json")[name]
    let inputs = reference["inputs"]
    let network = ReferenceValues.network(inputs["policy"], .policy)
    let actor = TrainableNetwork(network)
    let observations = ReferenceValues.matrix(inputs["observations"])
    let given = ReferenceValues.matrix(inputs["givenActions"])
    let draws = ActorDraws(policy: network.shape, batchSize: 4, bounds: .standard)
    draws.noise.elements = inputs["noise"].floats
    observations.withView { observations in
      draws.forward([actor], observations: observations, rows: 0..<4)
      draws.draw(rows: 0..<4)
    }
    #expect(normalizedError(draws.actions.elements, reference["actions"].doubles) < 2e-6)
    #expect(normalizedError(draws.logProbs.elements, reference["logProb"].doubles) < 2e-6)
    let policy = GaussianPolicy(network: network)
    let heads = policy.heads(for: observations)
    let means = (0..<4).flatMap { heads.row($0).prefix(2) }
    #expect(normalizedError(means, reference["mean"].doubles) < 2e-6)
    let logStds = (0..<4).flatMap { heads.row($0).suffix(2).map { min(max($0, -20), 2) } }
    #expect(normalizedError(logStds, reference["logStd"].doubles) < 2e-6)
    #expect(
      normalizedError(
        policy.logProb(of: given, given: observations), reference["givenLogProb"].doubles) < 2e-6)

    // Without a pull and with α = 1, the policy's loss is the mean log-density.
    let none = FloatBuffer(count: 8)
    observations.withView { observations in
      draws.backward(
        .value(actionGradient: none.base), policy: [actor], observations: observations,
        rows: 0..<4, temperature: 1, part: 0)
    }
    ReferenceValues.expect(
      actor.gradient, equal: reference["meanLogProbGradient"], .policy, tolerance: 5e-6,
      "gradient of the mean log-density")
    actor.clearGradient()
    // With α = 0, cloning leaves the mean log-density of the given actions, negated.
    observations.withView { observations in
      given.withView { given in
        draws.backward(
          .cloning(actions: given), policy: [actor], observations: observations, rows: 0..<4,
          temperature: 0, part: 0)
      }
    }
    ReferenceValues.expect(
      actor.gradient.map { -$0 }, equal: reference["meanGivenLogProbGradient"], .policy,
      tolerance: 5e-6, "gradient of the mean log-density of given actions")
  }

  @Test(arguments: ["one", "three", "five"]) func mixture(name: String) {
    let reference = JSON(fixture: "learners/distillation.json")[name]
    let inputs = reference["inputs"]
    let members = ReferenceValues.items(inputs["members"]).map {
      TrainableNetwork(ReferenceValues.network($0, .policy))
    }
    let observations = ReferenceValues.matrix(inputs["observations"])
    let mixture = MixturePolicy(members: members.map { GaussianPolicy(network: $0.network) })
    let heads = mixture.heads(for: observations)
    #expect(
      normalizedError(
        (0..<4).flatMap { heads.row($0).prefix(2) }, reference["mixtureMean"].doubles) < 2e-6)
    #expect(
      normalizedError(
        (0..<4).flatMap { heads.row($0).suffix(2) }, reference["mixtureLogStd"].doubles) < 2e-6)
    let draws = ActorDraws(
      policy: members[0].network.shape, members: members.count, batchSize: 4, bounds: .standard)
    draws.noise.elements = inputs["noise"].floats
    observations.withView { observations in
      draws.forward(members, observations: observations, rows: 0..<4)
      draws.draw(rows: 0..<4)
    }
    #expect(normalizedError(draws.actions.elements, reference["mixtureActions"].doubles) < 2e-6)
    #expect(normalizedError(draws.logProbs.elements, reference["mixtureLogProb"].doubles) < 2e-6)
  }

  /// α·log π(ã∣s) − c·ã with random c, or α·log π(ã∣s) − log π(a∣s): one, or three as a mixture.
  @Test(arguments: [1, 3], [false, true]) func gradients(members count: Int, clones: Bool) {
    let (rows, inputs, actionSize, alpha) = (7, 4, 3, 0.3)
    let shape = GaussianPolicy.shape(
      observationSize: inputs, actionSize: actionSize, hiddenSizes: [17, 33])
    let plain = PlainNetwork(sizes: [inputs, 17, 33, 2 * actionSize])
    var stream = RandomStream(seed: 3, purpose: "test")
    func random(_ count: Int, _ scale: Double) -> [Float] {
      (0..<count).map { _ in Float(stream.uniform(-scale, scale)) }
    }
    let members = (0..<count).map { _ in
      let member = TrainableNetwork(Network(shape: shape))
      member.network.parameters = random(shape.parameterCount, 0.4)
      return member
    }
    let observations = Matrix(rows: rows, columns: inputs, elements: random(rows * inputs, 2))
    let noise = random(rows * actionSize, 2)
    let pull = random(rows * actionSize, 1)
    let given = Matrix(rows: rows, columns: actionSize, elements: random(rows * actionSize, 0.95))
    let draws = ActorDraws(policy: shape, members: count, batchSize: rows, bounds: .standard)
    draws.noise.elements = noise
    let pullBuffer = FloatBuffer(count: pull.count)
    // ActorDraws takes ∂Q/∂ã: the loss contains −Q.
    pullBuffer.elements = pull
    observations.withView { observations in
      given.withView { given in
        draws.forward(members, observations: observations, rows: 0..<rows)
        draws.draw(rows: 0..<rows)
        for range in [0..<3, 3..<rows] {
          draws.backward(
            clones ? .cloning(actions: given) : .value(actionGradient: pullBuffer.base),
            policy: members, observations: observations, rows: range, temperature: Float(alpha),
            part: 0)
        }
      }
    }
    func loss(_ parameters: [Double]) -> Double {
      (0..<rows).reduce(0) { sum, row in
        let s = observations.row(row).map { Double($0) }
        let heads = (0..<count).map { member in
          let start = member * shape.parameterCount
          return PlainTanhGaussian(
            head: plain.outputs(Array(parameters[start..<start + shape.parameterCount]), s))
        }
        let policy = count == 1 ? heads[0] : PlainTanhGaussian(mixture: heads)
        let slice = row * actionSize..<(row + 1) * actionSize
        let (action, logProb) = policy.draw(noise[slice].map { Double($0) })
        let value =
          clones
          ? policy.logProb(of: given.row(row).map { Double($0) })
          : zip(action, pull[slice]).reduce(0) { $0 + $1.0 * Double($1.1) }
        return sum + (alpha * logProb - value) / Double(rows)
      }
    }
    let point = members.flatMap { $0.network.parameters.map { Double($0) } }
    let indices = Array(stride(from: 0, to: point.count, by: 7)) + [point.count - 1]
    let expected = centralDifferences(at: point, indices: indices, loss)
    let gradient = members.flatMap(\.gradient)
    let scale = expected.map(abs).max()!
    #expect(scale > 0.05)
    #expect(normalizedError(indices.map { gradient[$0] }, expected, floor: scale) < 2e-5)
  }
}
