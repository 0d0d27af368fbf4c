/// How one episode went.
public struct EpisodeResult: Sendable, Equatable {
  /// Undiscounted sum of rewards.
  public var returnValue: Double
  /// Steps, an unstable last one not counted.
  public var length: Int
  /// The task really ended in the last step: the robot fell.
  public var terminated: Bool
  /// The time limit was reached (also true when the robot fell in that very step).
  public var truncated: Bool
  /// The simulation broke down; the return is that of the steps before.
  public var unstable: Bool

  public init(
    returnValue: Double = 0, length: Int = 0, terminated: Bool = false, truncated: Bool = false,
    unstable: Bool = false
  ) {
    self.returnValue = returnValue
    self.length = length
    self.terminated = terminated
    self.truncated = truncated
    self.unstable = unstable
  }
}

extension Sequence<EpisodeResult> {
  /// Undiscounted returns of the episodes in which the simulation held.
  package var stableReturns: [Double] { filter { !$0.unstable }.map(\.returnValue) }
}
