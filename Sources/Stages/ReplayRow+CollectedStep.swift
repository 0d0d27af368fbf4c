public import Environments
public import Replay

extension ReplayRow {
  /// What an environment gave, as a replay buffer keeps it; the state of the simulator included.
  public init(_ step: CollectedStep) {
    self.init(
      observation: step.observation, action: step.action, reward: Float(step.reward),
      terminated: step.terminated, nextObservation: step.nextObservation,
      truncated: step.truncated, logProb: step.logProb, physicalState: step.state)
  }
}
