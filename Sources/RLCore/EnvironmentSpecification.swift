/// What a policy and a dataset need to know about a task.
public struct EnvironmentSpecification: Sendable, Equatable {
  /// Lower-case D4RL name: `halfcheetah`, `hopper`, `walker2d`; `-v5` behind it for Gymnasium's version 5.
  public let name: String
  /// Numbers of an observation.
  public let observationSize: Int
  /// A, numbers of an action.
  public let actionSize: Int
  /// Lengths of MuJoCo's generalised position and velocity.
  public let positionSize: Int
  /// Length of qvel.
  public let velocitySize: Int
  /// Steps after which an episode is truncated (a time limit, never a termination).
  public let maximumEpisodeSteps: Int
  /// Whether the robot can fall, that is, whether an episode can terminate at all.
  public let canTerminate: Bool
  /// Undiscounted returns of a random and of an expert policy, from D4RL.
  public let randomReturn: Double
  /// Of the expert: what scores 100.
  public let expertReturn: Double

  public init(
    name: String, observationSize: Int, actionSize: Int, positionSize: Int, velocitySize: Int,
    maximumEpisodeSteps: Int, canTerminate: Bool, randomReturn: Double, expertReturn: Double
  ) {
    self.name = name
    self.observationSize = observationSize
    self.actionSize = actionSize
    self.positionSize = positionSize
    self.velocitySize = velocitySize
    self.maximumEpisodeSteps = maximumEpisodeSteps
    self.canTerminate = canTerminate
    self.randomReturn = randomReturn
    self.expertReturn = expertReturn
  }

  /// D4RL's score: 100·(R − R_random)/(R_expert − R_random), with R the undiscounted return.
  public func normalizedScore(ofReturn value: Double) -> Double {
    100 * (value - randomReturn) / (expertReturn - randomReturn)
  }

  /// A standard deviation of returns on the scale of the score: divided by the range, not shifted.
  public func normalizedDeviation(_ deviation: Double) -> Double {
    100 * deviation / (expertReturn - randomReturn)
  }
}
