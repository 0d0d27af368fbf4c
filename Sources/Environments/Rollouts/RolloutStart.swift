public import RLCore

/// Where a rollout begins.
public struct RolloutStart: Sendable, Equatable {
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
  public var length = 0
  public var unstable = false

  public init() {}
}
