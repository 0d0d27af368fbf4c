public import RLCore

/// Where a rollout begins.
public struct RolloutStart: Sendable, Equatable {
  /// State of the simulator before the first step.
  public var state: PhysicalState
  /// The first action, `[actionSize]`; `nil`: the policy's.
  public var action: [Float]?

  public init(state: PhysicalState, action: [Float]? = nil) {
    self.state = state
    self.action = action
  }
}

/// What a rollout from a given state yielded.
public struct RolloutResult: Sendable, Equatable {
  /// Σ γᵗ·r_t.
  public var discountedReturn = 0.0
  /// Σ γᵗ·log π(a_t∣s_t) over the policy's own actions: the soft return is discountedReturn − α times this.
  public var discountedLogProb = 0.0
  /// Steps, an unstable last one not counted.
  public var length = 0
  /// The simulation broke down; the sums are those of the steps before.
  public var unstable = false

  public init() {}
}
