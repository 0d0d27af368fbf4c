package import DenseMath

/// Q(s, a) of many actions of each state and its gradients, by whichever pass takes less time on the data.
///
/// After each `begin` the first states go through ``ActionGroupPass``, which counts what it cannot leave out; from
/// that ``PassChoice`` takes the pass for the others. The choice depends on the states, actions and weights
/// between `begin` and `finish` alone: not on threads, and on nothing that a checkpoint would have to keep.
/// Where the actions do not fill a group's lanes, ``CriticPass`` does everything. Use as any
/// ``ManyActionsPass``, with at most ``blockStates`` states in the next `forward`. One thread at a time.
package final class AdaptivePass: ManyActionsPass, @unchecked Sendable {
  /// For whole rows; free for other uses between `finish` and `begin`.
  package let dense: CriticPass
  private let groups: ActionGroupPass?
  private let shape: NetworkShape
  private let repeats: Int
  /// The pass for the states to come, once chosen.
  private var chosen: PassKind?
  /// What the last `forward` used.
  private var current = PassKind.dense
  private var observations: MatrixView?
  private var denseBegan = false
  private var clearedStates = 0
  /// What was done since the pass was made.
  package private(set) var tally = PassTally()

  /// Tests and benchmarks set it to take one pass throughout.
  package var forced: PassKind?

  private static let groupedStates = 2
  private let denseStates: Int

  /// - Parameters:
  ///   - shape: input `observationSize + actionSize`, output 1.
  ///   - maximumStates: states between `begin` and `finish`.
  ///   - repeats: actions of each state.
  ///   - maximumRows: rows of one forward pass of `dense`, at least `repeats`.
  package init(
    shape: NetworkShape, actionSize: Int, maximumStates: Int, repeats: Int, maximumRows: Int
  ) {
    precondition(maximumRows >= repeats, "\(repeats) actions in a pass for \(maximumRows) rows")
    self.shape = shape
    self.repeats = repeats
    denseStates = maximumRows / repeats
    dense = CriticPass(
      shape: shape, actionSize: actionSize, maximumStates: maximumStates, maximumRows: maximumRows)
    groups =
      ActionGroupPass.suits(repeats: repeats)
      ? ActionGroupPass(
        shape: shape, actionSize: actionSize, maximumStates: maximumStates,
        blockStates: Self.groupedStates, repeats: repeats)
      : nil
  }

  /// How many states the next `forward` may have.
  package var blockStates: Int { next == .groups ? Self.groupedStates : denseStates }

  /// Rows of the longest block, for the caller's own memory.
  package var maximumRows: Int { max(Self.groupedStates, denseStates) * repeats }

  private var next: PassKind { groups == nil ? .dense : forced ?? chosen ?? .groups }

  package func begin(_ critic: NetworkView, observations: MatrixView) {
    self.observations = observations
    chosen = nil
    denseBegan = false
    if next == .groups { groups!.begin(critic, observations: observations) }
  }

  package func clearGradient(states: Int) {
    clearedStates = states
    if next == .groups { groups!.clearGradient(states: states) }
  }

  package func forward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    into q: UnsafeMutablePointer<Float>
  ) {
    precondition(repeats == self.repeats, "\(repeats) actions in a pass for \(self.repeats)")
    current = next
    switch current {
    case .groups:
      groups!.forward(critic, states: states, repeats: repeats, actions: actions, into: q)
    case .dense:
      if !denseBegan {
        dense.begin(critic, observations: observations!)
        dense.clearGradient(states: clearedStates)
        denseBegan = true
      }
      dense.forward(critic, states: states, repeats: repeats, actions: actions, into: q)
      tally.denseStates += states.count
      tally.rows += states.count * repeats
    }
  }

  package func backward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    rowGradient: UnsafePointer<Float>, rows: UnsafePointer<Int32>, count: Int,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    switch current {
    case .groups:
      groups!.backward(
        critic, states: states, repeats: repeats, actions: actions, rowGradient: rowGradient,
        rows: rows, count: count, into: gradient)
      if chosen == nil { chosen = PassChoice.kind(groups!.tally, shape: shape) }
    case .dense:
      dense.backward(
        critic, states: states, repeats: repeats, actions: actions, rowGradient: rowGradient,
        rows: rows, count: count, into: gradient)
      tally.keptRows += count
    }
  }

  package func finish(
    _ critic: NetworkView, observations: MatrixView, into gradient: UnsafeMutablePointer<Float>
  ) {
    if let groups, groups.tally.groupedStates > 0 {
      groups.finish(critic, observations: observations, into: gradient)
      tally += groups.tally
      groups.clearTally()
    }
    if denseBegan { dense.finish(critic, observations: observations, into: gradient) }
    self.observations = nil
  }
}
