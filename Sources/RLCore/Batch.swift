public import DenseMath

/// A minibatch of transitions (s, a, r, s′, mask), columns side by side.
public struct Batch: Sendable, Equatable {
  /// s, `[size, observationSize]`.
  public var observations: Matrix
  /// a, `[size, actionSize]`.
  public var actions: Matrix
  /// r, `[size]`.
  public var rewards: [Float]
  /// May the target bootstrap from s′? 0 where the episode really ended, else 1, `[size]`.
  public var masks: [Float]
  /// s′, `[size, observationSize]`.
  public var nextObservations: Matrix
  /// Further columns by name, `[size]` each, such as ``ExtraColumn/returnToGo``; empty where nobody asked.
  public var extras: [String: [Float]] = [:]

  /// B, transitions in the minibatch.
  public var size: Int { rewards.count }

  /// A batch of zeros, to be filled in place by a sampler at every step.
  public init(
    size: Int, observationSize: Int, actionSize: Int, extraColumns: [ExtraColumn] = []
  ) {
    observations = Matrix(rows: size, columns: observationSize)
    actions = Matrix(rows: size, columns: actionSize)
    rewards = [Float](repeating: 0, count: size)
    masks = [Float](repeating: 0, count: size)
    nextObservations = Matrix(rows: size, columns: observationSize)
    for column in extraColumns { extras[column.rawValue] = [Float](repeating: 0, count: size) }
  }

  /// Transitions made up, for measurements of time: half of the rows are the agent's own.
  package init(
    random stream: inout RandomStream, size: Int, observationSize: Int, actionSize: Int,
    extraColumns: [ExtraColumn] = []
  ) {
    self.init(
      size: size, observationSize: observationSize, actionSize: actionSize,
      extraColumns: extraColumns)
    for i in observations.elements.indices {
      observations.elements[i] = Float(stream.normal())
      nextObservations.elements[i] = Float(stream.normal())
    }
    for i in actions.elements.indices { actions.elements[i] = Float(stream.uniform(-1, 1)) }
    for row in 0..<size {
      rewards[row] = Float(stream.normal())
      masks[row] = 1
      for column in extraColumns {
        extras[column.rawValue]![row] =
          column == .online ? Float(row % 2) : Float(stream.normal())
      }
    }
  }
}

/// Columns of a minibatch that only some algorithms ask for.
public enum ExtraColumn: String, Sendable, CaseIterable {
  /// Discounted return of the episode from this transition on.
  case returnToGo
  /// 1 for a transition of the agent's own, 0 for one of the dataset.
  case online
  /// Weight of the row in a loss.
  case weight
  /// Place in the replay buffer, to say what becomes of the row's priority.
  case index
}

/// Transitions in columns: what a dataset yields and an offline buffer holds.
public struct Transitions: Sendable, Equatable {
  /// s, `[count, observationSize]`.
  public var observations: Matrix
  /// a, `[count, actionSize]`.
  public var actions: Matrix
  /// r, `[count]`, undiscounted.
  public var rewards: [Float]
  /// Real ends of the task, never time limits.
  public var terminated: [Bool]
  /// s′, `[count, observationSize]`.
  public var nextObservations: Matrix
  /// Discounted return of the episode from each row on, where somebody asked for it.
  public var returnsToGo: [Float]?

  /// Rows: one for each transition.
  public var count: Int { rewards.count }

  /// - Precondition: all columns have as many rows as there are rewards, and s and s′ one width.
  public init(
    observations: Matrix, actions: Matrix, rewards: [Float], terminated: [Bool],
    nextObservations: Matrix
  ) {
    let count = rewards.count
    precondition(
      observations.rows == count && actions.rows == count && terminated.count == count
        && nextObservations.rows == count && nextObservations.columns == observations.columns,
      "the columns of transitions must have one length")
    self.observations = observations
    self.actions = actions
    self.rewards = rewards
    self.terminated = terminated
    self.nextObservations = nextObservations
  }
}
