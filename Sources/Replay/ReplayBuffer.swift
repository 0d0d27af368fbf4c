public import DenseMath
public import RLCore

/// Transitions in columns, from which minibatches are drawn.
///
/// Either a dataset, held as it was read and not copied, or a ring to which transitions are appended
/// and which forgets the oldest when it is full. A value: copies share their memory until one of
/// them is appended to.
public struct ReplayBuffer: Sendable {
  /// Rows of the ring; of a dataset, the rows that it has.
  public let capacity: Int
  /// Numbers of an observation.
  public let observationSize: Int
  /// A, numbers of an action.
  public let actionSize: Int
  /// Transitions held now.
  public private(set) var count: Int
  /// Transitions ever appended.
  public private(set) var appendedCount: Int

  /// `capacity` rows; those from `count` on mean nothing.
  private var columns: Transitions
  /// What a ring keeps of each row besides the transition; a dataset keeps nothing.
  private var records: RecordColumns?

  /// An empty ring.
  /// - Parameters:
  ///   - positionSize: length of qpos to keep with each row, 0 for none.
  ///   - velocitySize: length of qvel to keep with each row, 0 for none.
  ///   - keepsReturns: whether each row comes with its return-to-go.
  public init(
    capacity: Int, observationSize: Int, actionSize: Int, positionSize: Int = 0,
    velocitySize: Int = 0, keepsReturns: Bool = false
  ) {
    precondition(capacity > 0, "a replay buffer needs a capacity above 0, not \(capacity)")
    self.capacity = capacity
    self.observationSize = observationSize
    self.actionSize = actionSize
    count = 0
    appendedCount = 0
    columns = Transitions(
      observations: Matrix(rows: capacity, columns: observationSize),
      actions: Matrix(rows: capacity, columns: actionSize),
      rewards: [Float](repeating: 0, count: capacity),
      terminated: [Bool](repeating: false, count: capacity),
      nextObservations: Matrix(rows: capacity, columns: observationSize))
    if keepsReturns { columns.returnsToGo = [Float](repeating: 0, count: capacity) }
    records = RecordColumns(
      capacity: capacity, positionSize: positionSize, velocitySize: velocitySize)
  }

  /// A dataset; nothing can be appended.
  public init(_ transitions: Transitions) {
    capacity = transitions.count
    observationSize = transitions.observations.columns
    actionSize = transitions.actions.columns
    count = transitions.count
    appendedCount = 0
    columns = transitions
    records = nil
  }

  /// Whether there is nothing to draw.
  public var isEmpty: Bool { count == 0 }
  /// Whether the next row would take the place of the oldest; a dataset is always full.
  public var isFull: Bool { count == capacity }

  // MARK: Rows

  /// Stores one transition, in place of the oldest if the ring is full.
  public mutating func append(_ row: ReplayRow) {
    precondition(records != nil, "a replay buffer made of a dataset cannot be appended to")
    precondition(
      row.observation.count == observationSize && row.nextObservation.count == observationSize
        && row.action.count == actionSize,
      "a transition of sizes \(row.observation.count), \(row.action.count) does not fit a buffer "
        + "of \(observationSize), \(actionSize)")
    let index = appendedCount % capacity
    columns.observations.setRow(index, row.observation)
    columns.actions.setRow(index, row.action)
    columns.rewards[index] = row.reward
    columns.terminated[index] = row.terminated
    columns.nextObservations.setRow(index, row.nextObservation)
    columns.returnsToGo?[index] = row.returnToGo
    records!.store(row, at: index)
    appendedCount += 1
    count = min(count + 1, capacity)
  }

  /// A row by age: 0 is the oldest.
  public subscript(age: Int) -> ReplayRow {
    precondition(age >= 0 && age < count, "row \(age) of \(count)")
    let index = isFull && records != nil ? (appendedCount + age) % capacity : age
    var row = ReplayRow(
      observation: Array(columns.observations.row(index)),
      action: Array(columns.actions.row(index)),
      reward: columns.rewards[index], terminated: columns.terminated[index],
      nextObservation: Array(columns.nextObservations.row(index)))
    if let returns = columns.returnsToGo { row.returnToGo = returns[index] }
    records?.fill(&row, from: index)
    return row
  }

  // MARK: Sampling

  /// Fills `rows` of a minibatch, uniformly and with replacement. Allocates nothing.
  ///
  /// - Throws: ``ReplayError/empty(buffer:)`` where there is nothing to draw.
  public func sample(
    _ rows: Range<Int>, of batch: inout Batch, using generator: inout RandomStream
  ) throws(ReplayError) {
    if rows.isEmpty { return }
    guard count > 0 else { throw .empty(buffer: records == nil ? "offline" : "online") }
    fill(rows, of: &batch) { _ in generator.index(below: count) }
  }

  /// Fills `rows` of a minibatch with the rows whose storage positions `choose` names.
  func fill(_ rows: Range<Int>, of batch: inout Batch, _ choose: (Int) -> Int) {
    precondition(
      batch.observations.columns == observationSize && batch.actions.columns == actionSize,
      "a batch of sizes \(batch.observations.columns), \(batch.actions.columns) does not fit a "
        + "buffer of \(observationSize), \(actionSize)")
    precondition(rows.upperBound <= batch.size, "rows \(rows) of a batch of \(batch.size)")
    for row in rows {
      let index = choose(row)
      columns.observations.copyRow(index, to: row, of: &batch.observations)
      columns.actions.copyRow(index, to: row, of: &batch.actions)
      batch.rewards[row] = columns.rewards[index]
      batch.masks[row] = columns.terminated[index] ? 0 : 1
      columns.nextObservations.copyRow(index, to: row, of: &batch.nextObservations)
      if !batch.extras.isEmpty { fillExtras(of: row, from: index, in: &batch) }
    }
  }

  /// What is asked for beside the transition and known here; `weight` is the sampler's.
  private func fillExtras(of row: Int, from index: Int, in batch: inout Batch) {
    batch.extras[ExtraColumn.online.rawValue]?[row] = isRing ? 1 : 0
    batch.extras[ExtraColumn.index.rawValue]?[row] = Float(index)
    batch.extras[ExtraColumn.weight.rawValue]?[row] = 1
    if batch.extras[ExtraColumn.returnToGo.rawValue] != nil {
      guard let returnsToGo = columns.returnsToGo else {
        preconditionFailure("a minibatch asks for returns-to-go, which this buffer does not keep")
      }
      batch.extras[ExtraColumn.returnToGo.rawValue]![row] = returnsToGo[index]
    }
  }

  /// Whether transitions are appended, as to the online buffer.
  public var isRing: Bool { records != nil }

  // MARK: State

  /// Everything in a ring. A dataset is not part of a state: it is read again.
  public var state: NamedTensors {
    precondition(records != nil, "a dataset is not part of a checkpoint")
    var state = NamedTensors()
    state["observations"] = columns.observations.tensor(rows: count)
    state["actions"] = columns.actions.tensor(rows: count)
    state["rewards"] = Tensor(.float32(Array(columns.rewards.prefix(count))))
    state["terminated"] = Tensor(.uint8(columns.terminated.prefix(count).map { $0 ? 1 : 0 }))
    state["nextObservations"] = columns.nextObservations.tensor(rows: count)
    state["appendedCount"] = Tensor(.int64([Int64(appendedCount)]))
    if let returns = columns.returnsToGo {
      state["returnsToGo"] = Tensor(.float32(Array(returns.prefix(count))))
    }
    state.add(records!.state(count: count), under: "records")
    return state
  }

  /// Takes over the state of a ring of the same capacity and sizes.
  public mutating func restore(_ state: NamedTensors) throws(StateError) {
    precondition(records != nil, "a dataset is not part of a checkpoint")
    let appended = Int(try state.integers("appendedCount", count: 1)[0])
    guard appended >= 0 else {
      throw .mismatch(name: "appendedCount", expected: "0 or more", actual: "\(appended)")
    }
    let count = min(appended, capacity)
    let observations = try state.floats("observations", count: count * observationSize)
    let actions = try state.floats("actions", count: count * actionSize)
    let rewards = try state.floats("rewards", count: count)
    let terminated = try state.flags("terminated", count: count)
    let nextObservations = try state.floats("nextObservations", count: count * observationSize)
    let returns =
      columns.returnsToGo == nil ? nil : try state.floats("returnsToGo", count: count)
    try records!.restore(state.part("records"), count: count)
    if let returns { columns.returnsToGo!.replaceSubrange(0..<count, with: returns) }
    columns.observations.elements.replaceSubrange(0..<observations.count, with: observations)
    columns.actions.elements.replaceSubrange(0..<actions.count, with: actions)
    columns.rewards.replaceSubrange(0..<count, with: rewards)
    columns.terminated.replaceSubrange(0..<count, with: terminated)
    columns.nextObservations.elements.replaceSubrange(
      0..<nextObservations.count, with: nextObservations)
    self.count = count
    appendedCount = appended
  }
}

extension Matrix {
  fileprivate mutating func setRow(_ index: Int, _ values: [Float]) {
    let start = index * columns
    for k in 0..<columns { elements[start + k] = values[k] }
  }

  @inline(__always)
  fileprivate func copyRow(_ source: Int, to row: Int, of target: inout Matrix) {
    let width = columns
    elements.withUnsafeBufferPointer { from in
      target.elements.withUnsafeMutableBufferPointer { to in
        (to.baseAddress! + row * width).update(
          from: from.baseAddress! + source * width, count: width)
      }
    }
  }

  fileprivate func tensor(rows count: Int) -> Tensor {
    Tensor(.float32(Array(elements.prefix(count * columns))), shape: [count, columns])
  }
}
