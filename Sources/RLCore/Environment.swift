public import DenseMath

/// What one step of an environment returns.
public struct TimeStep: Sendable, Equatable {
  /// s′, `[observationSize]`.
  public var observation: [Double]
  /// r of this step, undiscounted.
  public var reward: Double
  /// A real end of the task: the value of what follows is zero.
  public var terminated: Bool
  /// The time limit was reached; the value of what follows is not zero.
  public var truncated: Bool
  /// The simulation became unstable in this step. The observation is meaningless, the episode is
  /// over, and the transition must not be stored.
  public var unstable: Bool

  public init(
    observation: [Double], reward: Double, terminated: Bool, truncated: Bool, unstable: Bool = false
  ) {
    self.observation = observation
    self.reward = reward
    self.terminated = terminated
    self.truncated = truncated
    self.unstable = unstable
  }

  /// Whether a reset must come before the next step, for any of the three reasons.
  public var episodeEnded: Bool { terminated || truncated || unstable }
}

/// Simulator state in the form D4RL stores and a replay buffer keeps.
public struct PhysicalState: Sendable, Equatable, Codable {
  /// Generalised position qpos, `[positionSize]`.
  public var position: [Double]
  /// Generalised velocity qvel, `[velocitySize]`.
  public var velocity: [Double]
  public init(position: [Double], velocity: [Double]) {
    self.position = position
    self.velocity = velocity
  }
}

/// A task in which an agent acts, one instance per simultaneous episode.
///
/// An instance is used by one thread at a time. Actions lie in [−1, 1].
public protocol Environment: AnyObject {
  /// Sizes, time limit and reference returns, the same for every instance of a task.
  var specification: EnvironmentSpecification { get }

  /// Starts an episode from the task's random initial distribution.
  func reset(using generator: inout RandomStream) -> [Double]

  /// Starts (or continues) from a given physical state; the step count of the time limit becomes 0.
  func reset(to state: PhysicalState) -> [Double]

  /// Applies `action` (`[actionSize]`) for one control interval.
  func step(_ action: [Double]) -> TimeStep

  /// The state before the next step.
  var physicalState: PhysicalState { get }

  /// Everything needed to continue bit for bit: state, solver warm start, time, step count.
  var snapshot: [Double] { get set }
}
