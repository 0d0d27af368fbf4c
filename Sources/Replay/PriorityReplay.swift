public import DenseMath
public import RLCore

/// Minibatches from dataset and interaction together, each row as often as its priority says: the
/// density-ratio replay of Off2On (arXiv:2107.00591, section 4.2; its code).
///
/// A minibatch is drawn in strata: the sum of all priorities is cut into as many equal pieces as it has
/// rows, and each gets one draw. The dataset's rows begin with priority 1; an online row enters with
/// ``entryPriority`` and keeps it until it was drawn and judged. The learner's loss is not corrected for how
/// often a row comes.
public struct PriorityReplay: Sendable {
  private let offlineCount: Int
  private var tree: SumTree
  /// M·f/((1 − f)·m): the first m online rows together are drawn with probability f.
  public let entryPriority: Float
  /// Leaves of the last minibatch, row by row.
  private var drawn: [Int] = []
  /// Online rows that have a priority: appended ones, counted from the start.
  private var entered = 0
  private let onlineCapacity: Int

  /// - Parameters:
  ///   - offlineCount: M, rows of the dataset.
  ///   - onlineCapacity: rows of the ring beside it.
  ///   - initialFraction: f, in (0, 1).
  ///   - firstRows: m, online rows before the first update.
  /// - Throws: ``ReplayError/fractionOutOfRange(name:value:)``.
  public init(
    offlineCount: Int, onlineCapacity: Int, initialFraction: Double, firstRows: Int
  ) throws(ReplayError) {
    guard initialFraction > 0 && initialFraction < 1 else {
      throw .fractionOutOfRange(name: "the initial online fraction", value: initialFraction)
    }
    guard offlineCount > 0 else { throw .empty(buffer: "offline") }
    self.offlineCount = offlineCount
    self.onlineCapacity = onlineCapacity
    entryPriority = Float(
      Double(offlineCount) * initialFraction / ((1 - initialFraction) * Double(max(1, firstRows))))
    tree = SumTree(count: offlineCount + onlineCapacity)
    tree.replace(repeatElement(1, count: offlineCount))
  }

  /// Share of minibatches that online rows have as priorities stand now.
  public var onlineFraction: Double {
    tree.total == 0 ? 0 : 1 - tree.sum(before: offlineCount) / tree.total
  }

  /// Fills `batch`; rows that were appended to `online` since the last one enter first.
  public mutating func sample(
    into batch: inout Batch, offline: ReplayBuffer, online: ReplayBuffer,
    using generator: inout RandomStream
  ) throws(ReplayError) {
    precondition(
      offline.count == offlineCount && online.capacity == onlineCapacity,
      "priorities of \(offlineCount) and \(onlineCapacity) rows for other buffers")
    enter(upTo: online.appendedCount)
    let piece = tree.total / Double(batch.size)
    if drawn.count != batch.size { drawn = [Int](repeating: 0, count: batch.size) }
    for row in drawn.indices {
      let leaf = tree.leaf(at: (Double(row) + generator.uniform()) * piece)
      drawn[row] = leaf
      let isOnline = leaf >= offlineCount
      (isOnline ? online : offline).fill(row..<row + 1, of: &batch) { _ in
        isOnline ? leaf - offlineCount : leaf
      }
    }
  }

  /// How often the rows of the last minibatch are to come from now on; of two for one row the later counts.
  public mutating func setPriorities(_ priorities: [Float]) {
    precondition(
      priorities.count == drawn.count, "\(priorities.count) priorities for \(drawn.count) rows")
    for (row, leaf) in drawn.enumerated() { tree[leaf] = priorities[row] }
  }

  /// Gives rows their first priority, up to the one appended last. Without updates between, rows that the
  /// ring has overwritten already need none.
  private mutating func enter(upTo appended: Int) {
    for index in max(entered, appended - onlineCapacity)..<max(entered, appended) {
      tree[offlineCount + index % onlineCapacity] = entryPriority
    }
    entered = max(entered, appended)
  }

  // MARK: State

  /// Priorities of the dataset's rows and of the online rows that have entered, and the number of
  /// these. The last minibatch is no part of it: save between ``setPriorities(_:)`` and the next
  /// draw.
  public var state: NamedTensors {
    let leaves = offlineCount + min(entered, onlineCapacity)
    var state = NamedTensors()
    state["priorities"] = Tensor(.float32((0..<leaves).map { tree[$0] }))
    state["entered"] = Tensor(.int64([Int64(entered)]))
    return state
  }

  /// Goes on from ``state``; on an error nothing has changed.
  ///
  /// - Throws: `StateError` where the number of rows differs or a priority is not finite and above
  ///   0.
  public mutating func restore(_ state: NamedTensors) throws(StateError) {
    let entered = Int(try state.integers("entered", count: 1)[0])
    guard entered >= 0 else {
      throw .mismatch(name: "entered", expected: "0 or more", actual: "\(entered)")
    }
    let leaves = offlineCount + min(entered, onlineCapacity)
    let priorities = try state.floats("priorities", count: leaves)
    guard priorities.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw .mismatch(name: "priorities", expected: "numbers above 0", actual: "others")
    }
    tree.replace(priorities)
    self.entered = entered
  }
}
