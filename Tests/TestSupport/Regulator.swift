public import DenseMath
public import RLCore

/// A task whose best policy is known: bring a point to rest at 0, with little effort.
///
///     x′ = x + 0.3·a,   r = −(x² + 0.1·a²),   γ = 0.9,   without end
///
/// Effort is paid now and rewarded later, so an agent that does not look ahead does nothing. The
/// optimum is the linear regulator a = −K·x, of value −P·x², as long as |K·x| ≤ 1; x is kept in
/// [−1, 1], which it does not touch.
public struct Regulator: Sendable {
  public static let observationSize = 1
  public static let actionSize = 1
  public static let discount: Float = 0.9
  private static let step = 0.3
  private static let effort = 0.1

  /// P, the root of Riccati's equation P = 1 + γ·P − (γ·0.3·P)²/(0.1 + γ·0.09·P).
  private static let valueFactor: Double = {
    var value = 1.0
    for _ in 0..<200 {
      let pull = 0.9 * step * value
      value = 1 + 0.9 * value - pull * pull / (effort + step * pull)
    }
    return value
  }()

  /// Starts from which the best actions stay inside [−1, 1].
  public static let starts = [-0.5, -0.3, 0.3, 0.5]

  /// Discounted return of the best policy, mean over ``starts``.
  public static var optimalReturn: Double { mean { -valueFactor * $0 * $0 } }

  /// Discounted return of doing nothing, mean over ``starts``.
  public static var idleReturn: Double { mean { -$0 * $0 / 0.1 } }

  /// Discounted return of the policy's mean action, mean over ``starts``.
  public static func discountedReturn(of policy: any Policy) -> Double {
    mean { start in
      var (x, total, weight) = (start, 0.0, 1.0)
      var generator = RandomStream(seed: 0, purpose: "not used by mean actions")
      for _ in 0..<80 {
        let chosen = policy.action(for: [Float(x)], selection: .mean, using: &generator)
        let (reward, next) = transition(x, Double(chosen.action[0]))
        total += weight * reward
        weight *= 0.9
        x = next
      }
      return total
    }
  }

  /// One step: reward and x′.
  public static func transition(_ x: Double, _ action: Double) -> (reward: Double, next: Double) {
    (-(x * x + effort * action * action), min(max(x + step * action, -1), 1))
  }

  /// Transitions from everywhere, with uniform actions in ±`reach`.
  public static func transitions(
    _ count: Int, reach: Double = 1, using generator: inout RandomStream
  ) -> Transitions {
    var result = Transitions(
      observations: Matrix(rows: count, columns: 1), actions: Matrix(rows: count, columns: 1),
      rewards: [Float](repeating: 0, count: count),
      terminated: [Bool](repeating: false, count: count),
      nextObservations: Matrix(rows: count, columns: 1))
    for row in 0..<count {
      let x = generator.uniform(-1, 1)
      let action = generator.uniform(-reach, reach)
      let (reward, next) = transition(x, action)
      result.observations[row, 0] = Float(x)
      result.actions[row, 0] = Float(action)
      result.rewards[row] = Float(reward)
      result.nextObservations[row, 0] = Float(next)
    }
    return result
  }

  private static func mean(_ value: (Double) -> Double) -> Double {
    starts.reduce(0) { $0 + value($1) } / Double(starts.count)
  }
}

extension Batch {
  /// Transitions as one minibatch.
  public init(_ transitions: Transitions) {
    self.init(
      size: transitions.count, observationSize: transitions.observations.columns,
      actionSize: transitions.actions.columns)
    observations = transitions.observations
    actions = transitions.actions
    rewards = transitions.rewards
    masks = transitions.terminated.map { $0 ? 0 : 1 }
    nextObservations = transitions.nextObservations
  }
}
