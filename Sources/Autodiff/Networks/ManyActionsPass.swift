package import DenseMath

/// Evaluates a critic on states that each have several actions, and differentiates it.
///
/// Use: ``begin(_:observations:)`` and ``clearGradient(states:)``, then for ranges of states
/// ``forward(_:states:repeats:actions:into:)`` and
/// ``backward(_:states:repeats:actions:rowGradient:rows:count:into:)``, and at the end
/// ``finish(_:observations:into:)``.
package protocol ManyActionsPass: AnyObject, Sendable {
  /// Computes what depends on the states alone and takes over the critic's present weights.
  /// - Parameter observations: `[states, observationSize]`.
  func begin(_ critic: NetworkView, observations: MatrixView)

  /// Clears what `backward` gathers for `finish`.
  func clearGradient(states: Int)

  /// Q(s, a) for `repeats` actions of each state in `states`.
  ///
  /// - Parameters:
  ///   - states: positions among the observations given to `begin`.
  ///   - actions: `[states.count · repeats, actionSize]`, the actions of one state together.
  ///   - q: `[states.count · repeats]`.
  func forward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    into q: UnsafeMutablePointer<Float>)

  /// Adds Σ rowGradient·∂Q/∂parameters over the listed rows of the last forward pass to `gradient`,
  /// except for what `finish` adds. One backward pass per forward pass.
  /// - Parameters:
  ///   - rowGradient: ∂loss/∂Q, one per row of the forward pass.
  ///   - rows: ascending rows to include; the others contribute nothing.
  func backward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    rowGradient: UnsafePointer<Float>, rows: UnsafePointer<Int32>, count: Int,
    into gradient: UnsafeMutablePointer<Float>)

  /// Adds what has been gathered since the last `clearGradient`.
  func finish(
    _ critic: NetworkView, observations: MatrixView, into gradient: UnsafeMutablePointer<Float>)
}
