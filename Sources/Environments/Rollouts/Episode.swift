internal import RLCore

/// Every step of one episode, in columns.
///
/// A step in which the simulation broke down is not among them; `result.unstable` then tells that
/// the last row's successor was lost, so whoever stores the rows must cut there.
public struct Episode: Sendable, Equatable {
  /// Numbers of an observation.
  public let observationSize: Int
  /// A, numbers of an action.
  public let actionSize: Int
  /// Length of qpos.
  public let positionSize: Int
  /// Length of qvel.
  public let velocitySize: Int

  /// s and s′, `[count, observationSize]`.
  public private(set) var observations: [Float] = []
  /// s′, `[count, observationSize]`.
  public private(set) var nextObservations: [Float] = []
  /// a, `[count, actionSize]`.
  public private(set) var actions: [Float] = []
  /// log π(a∣s), `[count]`; 0 for mean actions.
  public private(set) var logProbs: [Float] = []
  /// r, `[count]`.
  public private(set) var rewards: [Double] = []
  /// qpos and qvel before the step, `[count, positionSize]` and `[count, velocitySize]`.
  public private(set) var positions: [Double] = []
  /// qvel before the step, `[count, velocitySize]`.
  public private(set) var velocities: [Double] = []
  /// Length, return and how it ended.
  public internal(set) var result = EpisodeResult()

  /// Steps, an unstable last one not counted.
  public var count: Int { rewards.count }

  init(specification: EnvironmentSpecification) {
    observationSize = specification.observationSize
    actionSize = specification.actionSize
    positionSize = specification.positionSize
    velocitySize = specification.velocitySize
  }

  mutating func append(
    observation: [Float], chosen: ChosenAction, reward: Double, nextObservation: [Float],
    state: PhysicalState
  ) {
    observations += observation
    actions += chosen.action
    logProbs.append(chosen.logProb)
    rewards.append(reward)
    nextObservations += nextObservation
    positions += state.position
    velocities += state.velocity
  }

  /// `terminated` of a row: only the last can be.
  public func terminated(at row: Int) -> Bool { row == count - 1 && result.terminated }

  /// `truncated` of a row: only the last can be.
  public func truncated(at row: Int) -> Bool { row == count - 1 && result.truncated }
}
