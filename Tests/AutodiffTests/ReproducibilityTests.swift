import DenseMath
@testable import Autodiff
import RLCore
import Testing

/// Same bytes for any number of threads, and random numbers that depend on nothing but their name.
@Suite struct ReproducibilityTests {
  /// One loss that has every kind of network call in it.
  private static let everything = OperationCase(
    "everything", [Numbers(3)], constants: [Numbers(2), Numbers(1)],
    stacks: [
      StackSpec(3, [40, 33], 4, members: 3),
      StackSpec(5, [40, 33], 1, members: 4, targets: true),
      StackSpec(5, [24, 17], 1, members: 7, norm: true),
      StackSpec(3, [24, 17], 2, norm: true, trained: false),
    ]
  ) { trial in
    let (states, constants) = (trial.x(0), trial.x(0).detached)
    let actor = Actor(stack: trial.stacks[0], head: .tanhGaussian())
    let (critics, others) = (Critics(stack: trial.stacks[1]), Critics(stack: trial.stacks[2]))
    let draw = actor(states).sample(trial.noise)
    let frozen = trial.stacks[3].call(states).tanh()
    return [
      draw.logProbs,
      critics(states, draw.actions).minimum(of: 2),
      critics.target(states, draw.actions, only: trial.members([3, 1])),
      critics.stack.call(constants, trial.c(0), only: trial.members([2, 0])),
      critics.actionGradients(constants, trial.c(0)),
      others(states, frozen).minimum(),
      others(constants, trial.c(0)).squaredError(to: trial.c(1)),
    ]
  }

  @Test(arguments: [5, 300, 1100]) func sameBytesForAnyNumberOfThreads(rows: Int) {
    let reference = Trial(Self.everything, rows: rows)
    reference.drawWeights()
    let expected = reference.differentiate()
    for gradient in expected.gradients.arguments + expected.gradients.stacks.dropLast() {
      #expect(gradient.contains { $0 != 0 })
    }
    for threads in [2, 3, 8] {
      let trial = Trial(Self.everything, rows: rows, threads: threads)
      trial.weights = reference.weights
      for _ in 0..<3 {
        let found = trial.differentiate()
        #expect(found.outputs == expected.outputs)
        #expect(found.loss == expected.loss)
        #expect(found.gradients == expected.gradients)
      }
    }
  }

  /// Memory of the last update is used again, uncleared; a smaller update must not see it.
  @Test func anUpdateDoesNotDependOnTheOneBefore() {
    let trial = Trial(Self.everything, rows: 300)
    trial.drawWeights()
    let first = trial.differentiate()
    let floats = trial.tape.floats(1 << 20)
    floats.update(repeating: .nan, count: 1 << 20)
    trial.tape.begin(step: 3)
    let all = trial.tape.floats(1 << 20)
    all.update(repeating: .nan, count: 1 << 20)
    let second = trial.differentiate()
    #expect(first.outputs == second.outputs)
    #expect(first.loss == second.loss)
    #expect(first.gradients == second.gradients)
  }

  // MARK: Noise

  private let tape = Tape(pool: WorkerPool(threads: 1))

  private func normal(_ noise: Noise, step: UInt64, rows: Int = 7) -> [Float] {
    tape.begin(step: step)
    return noise.normal(tape, rows: rows, columns: 3).matrix.elements
  }

  @Test func noiseDependsOnSeedPurposeAndStepAlone() {
    let noise = Noise(seed: 1, purpose: "current")
    let first = normal(noise, step: 5)
    #expect(Set(first).count == first.count)
    _ = normal(noise, step: 6)
    #expect(normal(noise, step: 5) == first, "not on what was drawn before")
    #expect(normal(Noise(seed: 1, purpose: "current"), step: 5) == first)
    for other in [
      normal(noise, step: 6), normal(noise, step: 5 + 1 << 32),
      normal(Noise(seed: 2, purpose: "current"), step: 5),
      normal(Noise(seed: 1, purpose: "next"), step: 5),
    ] { #expect(zip(other, first).allSatisfy { $0 != $1 }) }
  }

  @Test func fewerRowsGetTheSameNumbers() {
    let noise = Noise(seed: 1, purpose: "current")
    #expect(Array(normal(noise, step: 0, rows: 300).prefix(21)) == normal(noise, step: 0))
  }

  @Test func noiseHasItsDistribution() {
    let noise = Noise(seed: 3, purpose: "moments")
    tape.begin(step: 0)
    let count = 100_000
    let x = noise.normal(tape, rows: count, columns: 1)
    #expect(abs(x.batchMean) < 0.015)
    #expect(abs(x.squared().batchMean - 1) < 0.03)
    let u = noise.uniform(tape, rows: count, columns: 1, low: -1, high: 3)
    #expect(abs(u.batchMean - 1) < 0.02)
    #expect(u.matrix.elements.min()! >= -1 && u.matrix.elements.max()! < 3)
    #expect(abs((u - 1).squared().batchMean - 16.0 / 12) < 0.03)
  }

  @Test func choicesFollowTheSoftmax() {
    let noise = Noise(seed: 4, purpose: "choice")
    tape.begin(step: 0)
    let rows = 20_000
    let memory = tape.floats(3 * rows)
    let logits: [Float] = [0, 1, -1]
    for i in 0..<3 * rows { memory[i] = logits[i % 3] }
    let choice = tape.constant(memory, rows: rows, columns: 3)
      .categorical(noise.uniform(tape, rows: rows, columns: 1, low: 0, high: 1))
    #expect(choice.sum().matrix.elements.allSatisfy { $0 == 1 })
    for (column, share) in [0.244_73, 0.665_24, 0.090_03].enumerated() {
      #expect(abs(choice.column(column).batchMean - share) < 0.012)
    }
  }

  /// The policy that acts is the one that the losses see.
  @Test(arguments: ["tanhGaussian", "policyMixture", "gaussian", "squashedMean", "gaussianSigmoid"])
  func policiesActAsTheyAreTrained(name: String) throws {
    let operation = try #require(OperationCase.all.first { $0.name == "\(name).mode" })
    let trial = Trial(operation, rows: 4)
    // Beyond the bounds of the deviations: those that are clipped must act clipped.
    trial.vectors.first?.values.elements = [-2, 1.2]
    let modes = trial.outputs()[0]
    let head: PolicyHead =
      switch name {
      case "gaussian": .gaussian(mean: .none, logStd: .clamped(-0.9, 0.3))
      case "squashedMean": .gaussian(mean: .tanh, logStd: .clamped(-0.9, 0.3))
      case "gaussianSigmoid": .gaussian(mean: .none, logStd: .sigmoid(-0.9, 0.3))
      default: .tanhGaussian(LogStdBounds(lower: -0.9, upper: 0.3))
      }
    let actor = Actor(
      stack: trial.stacks[0], head: head,
      freeLogStd: trial.vectors.first.map { ParameterVector(block: $0) })
    let policy = actor.policy
    var stream = RandomStream(seed: 0, purpose: "act")
    for row in 0..<4 {
      let observation = Array(trial.arguments[0].row(row))
      let chosen = policy.action(for: observation, selection: .mean, using: &stream)
      for k in 0..<2 {
        let mode = min(max(modes[row, k], -1), 1)
        #expect(abs(chosen.action[k] - mode) < 1e-6)
      }
      // Log-densities of drawn actions, away from where actions are clipped.
      let drawn = policy.action(for: observation, selection: .sample, using: &stream)
      guard drawn.action.allSatisfy({ abs($0) < 0.99 }) else { continue }
      trial.tape.begin(step: 0)
      let s = trial.constant(Matrix(rows: 1, columns: 3, elements: observation))
      let a = trial.constant(Matrix(rows: 1, columns: 2, elements: drawn.action))
      let density = actor(s).logProb(of: a).matrix.elements[0]
      #expect(abs(density - drawn.logProb) < 2e-3)
    }
  }
}
