public import DenseMath
public import Physics
public import RLCore

/// Runs episodes of a policy on all threads of a pool, with results that do not depend on how many
/// threads there are.
///
/// Episode k draws all its numbers from the stream (seed, purpose, k) and starts from a clean
/// simulation, so it is the same on whichever thread and after whichever other episode it runs.
public final class Rollouts {
  private let environments: [any Environment]
  private let pool: WorkerPool
  /// The task of all environments.
  public let specification: EnvironmentSpecification

  /// - Parameters:
  ///   - pool: its threads share out the episodes.
  ///   - makeEnvironment: called once for each thread.
  public init<Failure: Error>(
    pool: WorkerPool, makeEnvironment: () throws(Failure) -> any Environment
  ) throws(Failure) {
    var environments: [any Environment] = []
    for _ in 0..<pool.threads { environments.append(try makeEnvironment()) }
    self.environments = environments
    self.pool = pool
    specification = environments[0].specification
  }

  /// - Throws: `PhysicsError` where the task's model cannot be compiled or simulated.
  public convenience init(_ kind: EnvironmentKind, pool: WorkerPool) throws(PhysicsError) {
    try self.init(pool: pool) { () throws(PhysicsError) in try kind.makeEnvironment() }
  }

  /// Evaluates a policy: returns, lengths and how each episode ended.
  ///
  /// - Parameters:
  ///   - budget: how many episodes, or how many steps.
  ///   - selection: `mean` is what published scores use.
  ///   - purpose: names the randomness; give each evaluation of a run its own.
  public func evaluate(
    _ policy: any Policy, budget: EvaluationBudget, selection: ActionSelection = .mean,
    seed: UInt64, purpose: String = "evaluate/episode"
  ) -> Evaluation {
    check(policy)
    let key = RandomStream.Key(seed: seed, purpose: purpose)
    var results: [EpisodeResult] = []
    switch budget {
    case .episodes(let count):
      results = map(0..<count) { episode, environment in
        Rollouts.run(policy, selection, key.stream(step: UInt64(episode)), in: environment)
      }
    case .steps(let count):
      var left = count
      wave: while true {
        let first = results.count
        let wave = map(first..<first + pool.threads) { episode, environment in
          Rollouts.run(policy, selection, key.stream(step: UInt64(episode)), in: environment)
        }
        for result in wave {
          // An unstable step has no row but was taken: without it a run could go on for ever.
          left -= result.length + (result.unstable ? 1 : 0)
          // rlkit throws an episode away that the budget cuts.
          if left < 0 { break wave }
          results.append(result)
          if left == 0 { break wave }
        }
      }
    }
    return Evaluation(specification: specification, episodes: results)
  }

  /// Runs episodes 0, 1, 2, … and hands over all their steps, in that order, until `consume`
  /// returns false.
  ///
  /// - Parameters:
  ///   - count: how many at most.
  ///   - consume: called on the calling thread; episodes already run beyond the one it stops at are
  ///     dropped.
  public func collect<Failure: Error>(
    _ policy: any Policy, selection: ActionSelection = .sample, seed: UInt64,
    purpose: String = "collect/episode", count: Int = .max,
    consume: (Episode) throws(Failure) -> Bool
  ) throws(Failure) {
    check(policy)
    let key = RandomStream.Key(seed: seed, purpose: purpose)
    var first = 0
    while first < count {
      let wave = episodes(
        policy, selection, key, first..<min(first + 4 * pool.threads, count))
      for episode in wave where try !consume(episode) { return }
      first += wave.count
    }
  }

  /// The episodes of an evaluation with all their steps: the same arguments give the same episodes as
  /// ``evaluate(_:budget:selection:seed:purpose:)``.
  public func episodes(
    _ policy: any Policy, count: Int, selection: ActionSelection = .mean, seed: UInt64,
    purpose: String = "evaluate/episode"
  ) -> [Episode] {
    check(policy)
    return episodes(
      policy, selection, RandomStream.Key(seed: seed, purpose: purpose), 0..<count)
  }

  private func episodes(
    _ policy: any Policy, _ selection: ActionSelection, _ key: RandomStream.Key,
    _ numbers: Range<Int>
  ) -> [Episode] {
    map(numbers) { number, environment in
      var episode: Episode? = Episode(specification: specification)
      _ = Rollouts.run(
        policy, selection, key.stream(step: UInt64(number)), in: environment, into: &episode)
      return episode!
    }
  }

  private static func run(
    _ policy: any Policy, _ selection: ActionSelection, _ stream: RandomStream,
    in environment: any Environment
  ) -> EpisodeResult {
    var none: Episode?
    return run(policy, selection, stream, in: environment, into: &none)
  }

  /// - Parameter episode: gets every step and the result, if there is one.
  private static func run(
    _ policy: any Policy, _ selection: ActionSelection, _ stream: RandomStream,
    in environment: any Environment, into episode: inout Episode?
  ) -> EpisodeResult {
    var generator = stream
    var observation = environment.reset(using: &generator).map { Float($0) }
    var result = EpisodeResult()
    while true {
      let chosen = policy.action(for: observation, selection: selection, using: &generator)
      let state = episode == nil ? nil : environment.physicalState
      let step = environment.step(chosen.action.map { Double($0) })
      if step.unstable {
        result.unstable = true
        episode?.result = result
        return result
      }
      let next = step.observation.map { Float($0) }
      if let state {
        episode?.append(
          observation: observation, chosen: chosen, reward: step.reward, nextObservation: next,
          state: state)
      }
      result.returnValue += step.reward
      result.length += 1
      result.terminated = step.terminated
      result.truncated = step.truncated
      if step.episodeEnded {
        episode?.result = result
        return result
      }
      observation = next
    }
  }

  /// Plays from given states: `repeats` times from each, with the first action given or chosen, and
  /// the policy's own afterwards.
  ///
  /// - Parameters:
  ///   - horizon: steps after which a rollout is cut; it also ends where the task does.
  ///   - purpose: names the randomness; rollout k of start i uses the stream i·repeats + k.
  /// - Returns: for each start its rollouts, in order.
  public func evaluate(
    _ policy: any Policy, from starts: [RolloutStart], repeats: Int, horizon: Int,
    discount: Double, selection: ActionSelection = .sample, seed: UInt64,
    purpose: String = "evaluate/state"
  ) -> [[RolloutResult]] {
    check(policy)
    precondition(repeats >= 1 && horizon >= 1, "\(repeats) rollouts of \(horizon) steps")
    let key = RandomStream.Key(seed: seed, purpose: purpose)
    let all = map(0..<starts.count * repeats) { number, environment in
      Rollouts.run(
        policy, selection, key.stream(step: UInt64(number)), from: starts[number / repeats],
        horizon: horizon, discount: discount, in: environment)
    }
    return starts.indices.map { Array(all[$0 * repeats..<($0 + 1) * repeats]) }
  }

  private static func run(
    _ policy: any Policy, _ selection: ActionSelection, _ stream: RandomStream,
    from start: RolloutStart, horizon: Int, discount: Double, in environment: any Environment
  ) -> RolloutResult {
    var generator = stream
    var observation = environment.reset(to: start.state).map { Float($0) }
    var result = RolloutResult()
    var weight = 1.0
    for index in 0..<horizon {
      let chosen: ChosenAction
      if index == 0, let action = start.action {
        chosen = ChosenAction(action: action, logProb: 0)
      } else {
        chosen = policy.action(for: observation, selection: selection, using: &generator)
        result.discountedLogProb += weight * Double(chosen.logProb)
      }
      let step = environment.step(chosen.action.map { Double($0) })
      if step.unstable {
        result.unstable = true
        break
      }
      result.discountedReturn += weight * step.reward
      result.length += 1
      weight *= discount
      if step.terminated { break }
      observation = step.observation.map { Float($0) }
    }
    return result
  }

  /// Results of `body` for each number, in order, computed on all threads.
  private func map<Result>(
    _ numbers: Range<Int>, _ body: (Int, any Environment) -> Result
  ) -> [Result] {
    var results = [Result?](repeating: nil, count: numbers.count)
    results.withUnsafeMutableBufferPointer { results in
      // Each call writes its own element only.
      nonisolated(unsafe) let results = results
      pool.run(numbers.count) { index, worker in
        results[index] = body(numbers.lowerBound + index, environments[worker])
      }
    }
    return results.map { $0! }
  }

  private func check(_ policy: any Policy) {
    precondition(
      policy.observationSize == specification.observationSize
        && policy.actionSize == specification.actionSize,
      "a policy of \(policy.observationSize) observations and \(policy.actionSize) actions cannot "
        + "act in \(specification.name), which has \(specification.observationSize) and "
        + "\(specification.actionSize)")
  }
}
