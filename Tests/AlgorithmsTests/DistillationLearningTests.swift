import DenseMath
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Algorithms
@testable import Autodiff

/// One network learns what three different ones do together.
@Suite struct DistillationLearningTests {
  private static let hidden = 32
  private static let actionSize = 2

  /// A policy with means of order 1 and standard deviations about 1, different for each seed.
  private func member(_ seed: UInt64) -> GaussianPolicy {
    let shape = GaussianPolicy.shape(
      observationSize: 3, actionSize: Self.actionSize, hiddenSizes: [Self.hidden, Self.hidden])
    let network = Network(shape: shape)
    var generator = RandomStream(seed: seed, purpose: "test/member")
    var rule = Initialization(head: .uniform(2))
    rule.hiddenBias = 0.1
    rule.randomHeadBiases = 2 * Self.actionSize
    network.initialize(rule, using: &generator)
    // Log-stds are the later half of the head's rows, and of its biases.
    var parameters = network.parameters
    let biases = parameters.count - 2 * Self.actionSize
    let weights = biases - 2 * Self.actionSize * Self.hidden
    for i in weights + Self.actionSize * Self.hidden..<biases { parameters[i] *= 0.2 }
    for i in biases + Self.actionSize..<parameters.count { parameters[i] *= 0.2 }
    network.parameters = parameters
    return GaussianPolicy(network: network)
  }

  private func states(_ count: Int, seed: UInt64) -> Matrix {
    var generator = RandomStream(seed: seed, purpose: "test/states")
    return Matrix(
      rows: count, columns: 3,
      elements: (0..<3 * count).map { _ in Float(generator.uniform(-3, 3)) })
  }

  /// Mean over states of ‖μ − μ̄‖² + ‖σ − σ̄‖², with (μ̄, σ̄) by the literal formula.
  private func loss(
    of policy: GaussianPolicy, against members: [GaussianPolicy], on states: Matrix
  ) -> Double {
    func moments(_ policy: GaussianPolicy) -> [PlainTanhGaussian] {
      let heads = policy.heads(for: states)
      return (0..<states.rows).map { PlainTanhGaussian(head: heads.row($0).map(Double.init)) }
    }
    let student = moments(policy)
    let teachers = members.map(moments)
    var sum = 0.0
    for state in 0..<states.rows {
      let mixture = PlainTanhGaussian(mixture: teachers.map { $0[state] })
      for k in 0..<Self.actionSize {
        let away = student[state].mean[k] - mixture.mean[k]
        let wider = exp(student[state].logStd[k]) - exp(mixture.logStd[k])
        sum += away * away + wider * wider
      }
    }
    return sum / Double(states.rows)
  }

  @Test func studentHasTheMomentsOfTheMixture() throws {
    let members = [member(1), member(2), member(3)]
    var configuration = PolicyDistillation.Configuration()
    configuration.epochs = 12
    configuration.stepsPerEpoch = 250
    configuration.batchSize = 64
    configuration.learningRate = 2e-3
    let distillation = PolicyDistillation(
      configuration: configuration, members: members, observations: states(4000, seed: 1), seed: 9,
      pool: WorkerPool(threads: 1))
    var reports: [PolicyDistillation.Report] = []
    while !distillation.isFinished { reports.append(try distillation.runEpoch()) }
    #expect(distillation.bestLoss == reports.map(\.validationLoss).min())

    // States that were neither trained on nor used to choose the best epoch.
    let unseen = states(400, seed: 2)
    let before = loss(of: members[0], against: members, on: unseen)
    let after = loss(of: distillation.policy, against: members, on: unseen)
    #expect(before > 0.5, "the members hardly differ: \(before)")
    #expect(after < 0.05 * before, "\(before) became \(after)")
    #expect(normalizedError(distillation.bestLoss, after, floor: after) < 0.5)
    for other in members.dropFirst() {
      #expect(loss(of: other, against: members, on: unseen) > 10 * after)
    }
  }

  /// A student that never moves is best after its first epoch, and is given up after as many more as
  /// patience allows.
  @Test(arguments: [1, 3]) func patienceCountsEpochsWithoutImprovement(patience: Int) throws {
    var configuration = PolicyDistillation.Configuration()
    (configuration.stepsPerEpoch, configuration.batchSize) = (2, 4)
    (configuration.patience, configuration.learningRate) = (patience, 1e-30)
    let distillation = PolicyDistillation(
      configuration: configuration, members: [member(1), member(2)],
      observations: states(40, seed: 1),
      seed: 9, pool: WorkerPool(threads: 1))
    var improved: [Bool] = []
    while !distillation.isFinished { improved.append(try distillation.runEpoch().isBest) }
    #expect(improved == [true] + [Bool](repeating: false, count: patience))
    #expect(distillation.bestEpoch == 1)
    // It began as the first member.
    #expect(distillation.policy.network.parameters == member(1).network.parameters)
  }

  /// A fixed share of the states is never trained on, and the validation loss is that on these alone.
  @Test func heldOutStatesAreForValidation() throws {
    let pool = WorkerPool(threads: 1)
    let members = [member(1), member(2)]
    // Beyond the bound of log σ, where it is clipped.
    let wide = member(1)
    let count = wide.network.parameters.count
    for i in count - Self.actionSize..<count { wide.network.parameters[i] += 3 }
    let observations = states(10, seed: 3)
    let parts = AgentParts(
      algorithm: "test", observationSize: 3, actionSize: Self.actionSize,
      hiddenSizes: [Self.hidden, Self.hidden], ensembleSize: 1, actorMembers: 1, seed: 1, pool: pool
    )
    let student = parts.actor(optimizer: .adam(learningRate: 1e-3))
    student.stack.load([wide.network])
    let data = DistillationData(
      members, observations: observations, validationFraction: 0.3, seed: 9, pool: pool)
    var seen: Set<[Float]> = []
    parts.tape.begin(step: 0)
    var stream = RandomStream(seed: 2, purpose: "test/minibatch")
    let drawn = data.minibatch(200, on: parts.tape, using: &stream).states.values
    for row in 0..<200 { seen.insert((0..<3).map { drawn[3 * row + $0] }) }
    #expect(seen.count == 7)
    let held = (0..<10).map { Array(observations.row($0)) }.filter { !seen.contains($0) }
    let expected = loss(
      of: wide, against: members, on: Matrix(rows: 3, columns: 3, elements: held.flatMap { $0 }))
    #expect(abs(data.validationLoss(of: student) / expected - 1) < 1e-4)
  }

  /// What a checkpoint holds is enough to go on with the same minibatches, judgements and end.
  @Test func stateGoesOnLikeTheOriginal() throws {
    var configuration = PolicyDistillation.Configuration()
    (configuration.stepsPerEpoch, configuration.batchSize) = (3, 4)
    (configuration.patience, configuration.learningRate) = (2, 0.05)
    func make() -> PolicyDistillation {
      PolicyDistillation(
        configuration: configuration, members: [member(1), member(2)],
        observations: states(40, seed: 1), seed: 9, pool: WorkerPool(threads: 1))
    }
    let original = make()
    while !original.isFinished {
      let copy = make()
      try copy.restore(original.state)
      #expect(
        [copy.epoch, copy.bestEpoch] == [original.epoch, original.bestEpoch]
          && copy.bestLoss == original.bestLoss && copy.isFinished == original.isFinished)
      #expect(try copy.runEpoch() == original.runEpoch())
      #expect(copy.policy.network.parameters == original.policy.network.parameters)
    }
    #expect(original.epoch > original.bestEpoch && original.bestEpoch >= 1)
  }
}
