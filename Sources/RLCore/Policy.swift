public import DenseMath

/// How a policy turns its distribution into an action.
public enum ActionSelection: String, Sendable, Codable, CaseIterable {
  /// The mode used for evaluation: tanh of the mean.
  case mean
  /// A draw from the distribution, used for collection.
  case sample
}

/// One chosen action and its log-density (0 when the mean action was asked for).
public struct ChosenAction: Sendable, Equatable {
  /// `[actionSize]`, inside [−1, 1].
  public var action: [Float]
  /// log π of the action, a density; 0 also for policies that have none, such as deterministic
  /// ones.
  public var logProb: Float
  public init(action: [Float], logProb: Float) {
    self.action = action
    self.logProb = logProb
  }
}

/// Something that acts: maps an observation to an action in [−1, 1].
public protocol Policy: Sendable {
  /// Numbers of an observation.
  var observationSize: Int { get }
  /// A, numbers of an action.
  var actionSize: Int { get }

  /// - Parameter observation: `[observationSize]`.
  func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction
}

/// Uniform actions on [−1, 1], with log-density −A·log 2.
public struct UniformPolicy: Policy {
  public let observationSize: Int
  public let actionSize: Int

  public init(observationSize: Int, actionSize: Int) {
    self.observationSize = observationSize
    self.actionSize = actionSize
  }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    let action = (0..<actionSize).map { _ in Float(generator.uniform(-1, 1)) }
    return ChosenAction(action: action, logProb: -Float(actionSize) * 0.693_147_18)
  }
}
