import DenseMath
import Environments
import RLCore
import Testing

struct RolloutTests {
  private func uniform(_ kind: EnvironmentKind) -> UniformPolicy {
    UniformPolicy(
      observationSize: kind.specification.observationSize,
      actionSize: kind.specification.actionSize)
  }

  @Test(arguments: EnvironmentKind.allCases)
  func threadsDoNotMatter(kind: EnvironmentKind) throws {
    var evaluations: [Evaluation] = []
    var budgets: [Evaluation] = []
    var episodes: [[Episode]] = []
    for threads in [1, 2, 3, 8] {
      let pool = WorkerPool(threads: threads)
      defer { pool.shutDown() }
      let rollouts = try Rollouts(kind, pool: pool)
      let policy = uniform(kind)
      evaluations.append(
        rollouts.evaluate(policy, budget: .episodes(7), selection: .sample, seed: 5))
      budgets.append(
        rollouts.evaluate(policy, budget: .steps(2_500), selection: .sample, seed: 5))
      var collected: [Episode] = []
      rollouts.collect(policy, seed: 6) { (episode) -> Bool in
        collected.append(episode)
        return collected.count < 5
      }
      episodes.append(collected)
    }
    #expect(evaluations[0].episodes.count == 7)
    #expect(Set(evaluations[0].returns).count == 7)
    #expect(episodes[0].count == 5)
    for index in 1..<4 {
      #expect(evaluations[index] == evaluations[0])
      #expect(budgets[index] == budgets[0])
      #expect(episodes[index] == episodes[0])
    }
    // The same episodes come first whatever the budget is counted in.
    let shorter = min(7, budgets[0].episodes.count)
    #expect(shorter > 0)
    #expect(budgets[0].returns.prefix(shorter) == evaluations[0].returns.prefix(shorter))
    #expect(budgets[0].lengths.reduce(0, +) <= 2_500)
  }

  /// Published scores are those of mean actions.
  @Test func evaluationPlaysTheMeanUnlessAskedToDraw() throws {
    struct TwoFacedPolicy: Policy {
      let observationSize = EnvironmentKind.hopper.specification.observationSize
      let actionSize = EnvironmentKind.hopper.specification.actionSize

      func action(
        for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
      ) -> ChosenAction {
        let value: Float = selection == .mean ? 0.3 : -0.3
        return ChosenAction(action: [Float](repeating: value, count: actionSize), logProb: 0)
      }
    }
    let rollouts = try Rollouts(.hopper, pool: WorkerPool(threads: 1))
    let policy = TwoFacedPolicy()
    let found = rollouts.evaluate(policy, budget: .episodes(2), seed: 3)
    #expect(
      found == rollouts.evaluate(policy, budget: .episodes(2), selection: .mean, seed: 3))
    #expect(
      found != rollouts.evaluate(policy, budget: .episodes(2), selection: .sample, seed: 3))
  }

  /// n in the denominator, as NumPy has it.
  @Test func evaluationsHaveMeanAndDeviation() {
    let evaluation = Evaluation(
      specification: EnvironmentKind.hopper.specification,
      episodes: [12, 16, 20].map { EpisodeResult(returnValue: $0, length: 3) })
    #expect(evaluation.meanReturn == 16)
    #expect(abs(evaluation.returnDeviation - (32.0 / 3).squareRoot()) < 1e-12)
  }

  @Test func randomPoliciesScoreNearZero() throws {
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    for kind in EnvironmentKind.allCases {
      let evaluation = try Rollouts(kind, pool: pool)
        .evaluate(uniform(kind), budget: .episodes(20), selection: .sample, seed: 7)
      #expect(abs(evaluation.normalizedScore) < 1.5, "\(kind): \(evaluation.normalizedScore)")
      #expect(evaluation.unstableCount == 0)
      for episode in evaluation.episodes {
        #expect(episode.terminated == (episode.length < 1_000))
        #expect(episode.truncated == (episode.length == 1_000))
      }
    }
  }

  @Test func evaluatedEpisodesCanBeHadStepByStep() throws {
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    let rollouts = try Rollouts(.walker2d, pool: pool)
    let policy = uniform(.walker2d)
    let evaluation = rollouts.evaluate(
      policy, budget: .episodes(3), selection: .sample, seed: 5, purpose: "p")
    let episodes = rollouts.episodes(
      policy, count: 3, selection: .sample, seed: 5, purpose: "p")
    #expect(episodes.map(\.result) == evaluation.episodes)
    #expect(episodes.allSatisfy { $0.count == $0.result.length })
  }

  @Test func collectedEpisodesHoldEveryStep() throws {
    let pool = WorkerPool(threads: 1)
    let policy = uniform(.hopper)
    let environment = try Hopper()
    try Rollouts(.hopper, pool: pool).collect(policy, seed: 8) { (episode) -> Bool in
      let count = episode.count
      #expect(count == episode.result.length && count > 0)
      #expect(episode.result.returnValue == episode.rewards.reduce(0, +))
      #expect(episode.terminated(at: count - 1) && !episode.truncated(at: count - 1))
      for row in 0..<count {
        // Each row can be repeated from its physical state alone.
        let observation = environment.reset(
          to: PhysicalState(
            position: Array(episode.positions[row * 6..<row * 6 + 6]),
            velocity: Array(episode.velocities[row * 6..<row * 6 + 6])))
        #expect(
          observation.map { Float($0) } == Array(episode.observations[row * 11..<row * 11 + 11]))
        let step = environment.step(episode.actions[row * 3..<row * 3 + 3].map { Double($0) })
        #expect(abs(step.reward - episode.rewards[row]) < 1e-6)
        for index in 0..<11 {
          #expect(
            abs(Float(step.observation[index]) - episode.nextObservations[row * 11 + index]) < 1e-4)
        }
        #expect(step.terminated == episode.terminated(at: row))
        if row > 0 {
          #expect(
            episode.observations[row * 11..<row * 11 + 11]
              == episode.nextObservations[(row - 1) * 11..<row * 11])
        }
      }
      return false
    }
  }

  /// Σ γᵗ·r and Σ γᵗ·log π of the policy's own actions, each repeat with numbers of its own; a fall ends one.
  @Test func rolloutsFromAStateAreDiscounted() throws {
    let rollouts = try Rollouts(.hopper, pool: WorkerPool(threads: 1))
    let policy = uniform(.hopper)
    let state = PhysicalState(position: [0, 1.25, 0, 0, 0, 0], velocity: [0, 0, 0, 0, 0, 0])
    let first: [Float] = [0.1, -0.2, 0.3]
    let found = rollouts.evaluate(
      policy, from: [RolloutStart(state: state, action: first)], repeats: 3, horizon: 5,
      discount: 0.5, seed: 1)[0]
    #expect(Set(found.map(\.discountedReturn)).count == 3)
    let environment = try Hopper()
    for (number, result) in found.enumerated() {
      var stream = RandomStream(seed: 1, purpose: "evaluate/state", step: UInt64(number))
      var observation = environment.reset(to: state).map { Float($0) }
      var (sum, density, weight) = (0.0, 0.0, 1.0)
      for t in 0..<5 {
        let chosen =
          t == 0
          ? ChosenAction(action: first, logProb: 0)
          : policy.action(for: observation, selection: .sample, using: &stream)
        let step = environment.step(chosen.action.map { Double($0) })
        sum += weight * step.reward
        density += weight * Double(chosen.logProb)
        weight *= 0.5
        observation = step.observation.map { Float($0) }
      }
      #expect(abs(result.discountedReturn - sum) < 1e-12 && result.length == 5)
      #expect(abs(result.discountedLogProb - density) < 1e-6 && density < -1)
    }
    let low = PhysicalState(position: [0, 0.6, 0, 0, 0, 0], velocity: [0, 0, 0, 0, 0, 0])
    let fallen = rollouts.evaluate(
      policy, from: [RolloutStart(state: low)], repeats: 1, horizon: 5, discount: 0.5, seed: 1)
    #expect(fallen[0][0].length == 1)
  }

  @Test func unstableEpisodesEndAndAreCounted() {
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    let rollouts = Rollouts(pool: pool) { BreakingEnvironment(after: 3) }
    let policy = UniformPolicy(observationSize: 1, actionSize: 1)
    let evaluation = rollouts.evaluate(policy, budget: .episodes(4), seed: 1)
    #expect(evaluation.unstableCount == 4)
    #expect(evaluation.lengths == [3, 3, 3, 3])
    #expect(evaluation.returns == [3, 3, 3, 3])
    // Four steps each: two whole episodes, and the budget ends.
    #expect(rollouts.evaluate(policy, budget: .steps(9), seed: 1).episodes.count == 2)
    rollouts.collect(policy, seed: 1) { (episode) -> Bool in
      #expect(episode.count == 3 && episode.result.unstable)
      #expect(!episode.terminated(at: 2) && !episode.truncated(at: 2))
      return false
    }
  }
}
