internal import DenseMath
public import RLCore

/// One transition of online training.
public struct CollectedStep: Sendable, Equatable {
  /// s, `[observationSize]`.
  public let observation: [Float]
  /// a, `[actionSize]`.
  public let action: [Float]
  /// log π(a∣s).
  public let logProb: Float
  /// r of this step, undiscounted.
  public let reward: Double
  /// s′, `[observationSize]`.
  public let nextObservation: [Float]
  /// A real end: do not bootstrap.
  public let terminated: Bool
  /// The time limit or the end of a block cut the episode here: bootstrap.
  public let truncated: Bool
  /// qpos and qvel before the step.
  public let state: PhysicalState
}

/// Counters of a ``Collector`` since it was made.
public struct CollectorCounts: Sendable, Equatable {
  /// Steps taken, unstable ones included.
  public var steps = 0
  /// Episodes begun.
  public var episodes = 0
  /// Steps in which the simulation broke down; their transitions were dropped.
  public var unstableSteps = 0
}

/// Steps one environment for online training.
///
/// The numbers of episode e's reset and of step t's action come from streams keyed by e and t, so
/// the whole state is counters, the environment's snapshot and the observation: ``state``.
public final class Collector {
  private let environment: any Environment
  private let resetKey: RandomStream.Key
  private let actionKey: RandomStream.Key
  private var observation: [Float]
  /// Whether the next step begins with a reset.
  private var needsReset = true
  /// The running episode's return and length so far.
  private var running = EpisodeResult()
  /// What was counted so far; ``restore(_:)`` goes on counting from the stored state.
  public private(set) var counts = CollectorCounts()

  /// - Parameters:
  ///   - environment: used by this collector alone.
  ///   - purpose: names the randomness under `seed`.
  public init(_ environment: any Environment, seed: UInt64, purpose: String = "collect") {
    self.environment = environment
    resetKey = RandomStream.Key(seed: seed, purpose: purpose + "/reset")
    actionKey = RandomStream.Key(seed: seed, purpose: purpose + "/action")
    observation = [Float](repeating: 0, count: environment.specification.observationSize)
  }

  /// Sizes, time limit and reference returns of the environment.
  public var specification: EnvironmentSpecification { environment.specification }

  /// What one ``step(_:selection:cut:)`` gave.
  public struct Outcome: Sendable, Equatable {
    /// The transition; nil when the simulation broke down in this step.
    public let transition: CollectedStep?
    /// The episode which this step ended, if it did.
    public let finished: EpisodeResult?
  }

  /// Takes one step, after a reset where the last episode is over.
  ///
  /// - Parameter cut: ends the episode after this step, as a time limit would.
  public func step(
    _ policy: any Policy, selection: ActionSelection = .sample, cut: Bool = false
  ) -> Outcome {
    if needsReset {
      var generator = resetKey.stream(step: UInt64(counts.episodes))
      observation = environment.reset(using: &generator).map { Float($0) }
      counts.episodes += 1
      running = EpisodeResult()
      needsReset = false
    }
    var generator = actionKey.stream(step: UInt64(counts.steps))
    let chosen = policy.action(for: observation, selection: selection, using: &generator)
    let state = environment.physicalState
    let step = environment.step(chosen.action.map { Double($0) })
    counts.steps += 1
    if step.unstable {
      counts.unstableSteps += 1
      needsReset = true
      running.unstable = true
      return Outcome(transition: nil, finished: running)
    }
    let next = step.observation.map { Float($0) }
    running.returnValue += step.reward
    running.length += 1
    running.terminated = step.terminated
    running.truncated = step.truncated || (cut && !step.terminated)
    needsReset = running.terminated || running.truncated
    defer { observation = next }
    return Outcome(
      transition: CollectedStep(
        observation: observation, action: chosen.action, logProb: chosen.logProb,
        reward: step.reward, nextObservation: next, terminated: running.terminated,
        truncated: running.truncated, state: state),
      finished: needsReset ? running : nil)
  }

  /// rlkit's block: begins with a reset, and cuts the last episode where the block ends.
  ///
  /// - Parameters:
  ///   - stepCount: environment steps of the block; unstable ones count, but yield no transition.
  ///   - store: gets each transition.
  ///   - ended: gets each episode once its last transition is stored; one that broke down too.
  /// - Returns: the block's episodes in order, the cut one included.
  @discardableResult
  public func collectBlock(
    of stepCount: Int, _ policy: any Policy, selection: ActionSelection = .sample,
    store: (CollectedStep) -> Void, ended: (EpisodeResult) -> Void = { _ in }
  ) -> [EpisodeResult] {
    needsReset = true
    var finished: [EpisodeResult] = []
    for index in 0..<stepCount {
      let outcome = step(policy, selection: selection, cut: index == stepCount - 1)
      if let transition = outcome.transition { store(transition) }
      if let episode = outcome.finished {
        finished.append(episode)
        ended(episode)
      }
    }
    return finished
  }

  // MARK: Checkpoints

  /// Everything needed to go on with the same bytes.
  public var state: NamedTensors {
    NamedTensors(tensors: [
      "counts": Tensor(
        .int64([
          Int64(counts.steps), Int64(counts.episodes), Int64(counts.unstableSteps),
          needsReset ? 1 : 0, Int64(running.length),
        ])),
      "return": Tensor(.float64([running.returnValue])),
      "observation": Tensor(.float32(observation)),
      "environment": Tensor(.float64(environment.snapshot)),
    ])
  }

  /// Goes on from ``state``; on an error nothing has changed.
  public func restore(_ state: NamedTensors) throws(StateError) {
    let numbers = try state.integers("counts", count: 5)
    let returnValue = try state.doubles("return", count: 1)[0]
    let observation = try state.floats("observation", count: observation.count)
    let snapshot = try state.doubles("environment", count: environment.snapshot.count)
    guard numbers.allSatisfy({ $0 >= 0 }) else {
      throw .mismatch(
        name: "counts", expected: "no negative number", actual: "\(numbers)")
    }
    guard snapshot.allSatisfy(\.isFinite) else {
      throw .mismatch(name: "environment", expected: "finite numbers", actual: "\(snapshot)")
    }
    environment.snapshot = snapshot
    self.observation = observation
    counts = CollectorCounts(
      steps: Int(numbers[0]), episodes: Int(numbers[1]), unstableSteps: Int(numbers[2]))
    needsReset = numbers[3] != 0
    running = EpisodeResult(returnValue: returnValue, length: Int(numbers[4]))
  }
}
