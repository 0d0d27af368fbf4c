public import Environments
public import RLCore

/// One episode as a film shows it.
public struct Footage: Sendable {
  /// Where the robot was before each step.
  public var states: [PhysicalState]
  /// r of each step.
  public var rewards: [Double]
  /// How it ended, in a few words; empty where it did not end.
  public var ending: String

  /// - Precondition: as many rewards as states, at least one.
  public init(states: [PhysicalState], rewards: [Double], ending: String) {
    precondition(
      states.count == rewards.count && !states.isEmpty,
      "\(states.count) states and \(rewards.count) rewards")
    (self.states, self.rewards, self.ending) = (states, rewards, ending)
  }

  /// An episode that was played here; `nil` where the simulation broke down in its first step.
  public init?(_ episode: Episode) {
    guard episode.count > 0 else { return nil }
    let (q, v) = (episode.positionSize, episode.velocitySize)
    let states = (0..<episode.count).map { row in
      PhysicalState(
        position: Array(episode.positions[row * q..<(row + 1) * q]),
        velocity: Array(episode.velocities[row * v..<(row + 1) * v]))
    }
    let result = episode.result
    self.init(
      states: states, rewards: episode.rewards,
      ending: Footage.ending(
        terminated: result.terminated, truncated: result.truncated, unstable: result.unstable))
  }

  /// How an episode ended, in a few words.
  public static func ending(terminated: Bool, truncated: Bool, unstable: Bool = false) -> String {
    terminated ? "fell" : truncated ? "time limit" : unstable ? "simulation broke down" : ""
  }

  /// Undiscounted sum of the rewards.
  public var returnValue: Double { rewards.reduce(0, +) }

  /// The first steps alone.
  public func prefix(_ count: Int) -> Footage {
    guard count < states.count else { return self }
    return Footage(
      states: Array(states.prefix(count)), rewards: Array(rewards.prefix(count)), ending: "")
  }
}
