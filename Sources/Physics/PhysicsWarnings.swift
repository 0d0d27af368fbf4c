/// What MuJoCo complained of during one call of ``PhysicsState/step(_:)``.
public struct PhysicsWarnings: Sendable, Equatable {
  /// Which number was bad: not finite or beyond ±10¹⁰.
  public enum Instability: Sendable, Equatable, CustomStringConvertible {
    case position(index: Int)
    case velocity(index: Int)
    case acceleration(index: Int)
    case control(index: Int)

    public var description: String {
      switch self {
      case .position(let index): "bad number in qpos[\(index)]"
      case .velocity(let index): "bad number in qvel[\(index)]"
      case .acceleration(let index): "bad number in qacc[\(index)]"
      case .control(let index): "bad number in ctrl[\(index)]"
      }
    }
  }

  /// Not nil when the simulation broke down: MuJoCo then silently starts again from its initial
  /// state (or, for a bad control, goes on without controls), so what follows is not a continuation.
  public var instability: Instability?
  /// Substeps with a nearly singular inertia matrix, and with too little room for contacts or for
  /// constraints. They make a step less exact, not meaningless.
  public var singularInertia = 0
  /// Substeps with too little room for contacts.
  public var contactsFull = 0
  /// Substeps with too little room for constraints.
  public var constraintsFull = 0

  public init() {}
}
