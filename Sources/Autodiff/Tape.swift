public import DenseMath

package typealias Floats = UnsafeMutablePointer<Float>

/// What has been computed in one update, in order, so that it can be gone through backwards.
///
/// Values live in one arena, nodes in one array; both keep their size from one update to the next, so
/// a steady-state update allocates nothing. A node's pullback captures nothing: what it needs stands
/// in the node. Operations run on the calling thread; a network call is shared out to the pool.
package final class Tape: @unchecked Sendable {
  package typealias Pullback = (Tape, UnsafePointer<Node>) -> Void

  /// One operation: what it computed and how to go back through it.
  package struct Node {
    package var pullback: Pullback
    package var values: Floats
    package var gradient: Floats
    package var rows: Int
    package var columns: Int
    /// Nodes of the arguments; −1 for a constant.
    package var first = -1
    package var second = -1
    /// Values that the pullback reads.
    package var x: Floats?
    package var y: Floats?
    package var z: Floats?
    /// Extents of the arguments.
    package var xColumns = 0
    package var yColumns = 0
    package var low: Float = 0
    package var high: Float = 0
    package var call = -1
  }

  package let pool: WorkerPool
  /// Number of the update: what random numbers depend on.
  package var step: UInt64 = 0

  package let nodes: UnsafeMutablePointer<Node>
  package private(set) var nodeCount = 0
  package let calls: UnsafeMutablePointer<NetworkCall>
  private var callCount = 0
  private static let capacity = 512

  /// First node of the loss at hand: what was recorded before it is a constant to it.
  package private(set) var lossStart = 0
  /// A network call that nobody has asked for yet, and the squared error that is taken of it.
  package private(set) var pendingNode = -1
  private var pendingError: (node: Int, target: Floats, targetColumns: Int)?
  /// Whether a squared error of the waiting call waits with it; there is room for one.
  package var hasPendingError: Bool { pendingError != nil }
  /// Lets the thread that reads a variable see whether its update is over, even after the tape is gone.
  package let generation: UnsafeMutablePointer<UInt64>

  private var arena = FloatBuffer(count: 1 << 16)
  private var used = 0
  private var spilled: [FloatBuffer] = []
  private var demand = 0

  package init(pool: WorkerPool) {
    self.pool = pool
    nodes = .allocate(capacity: Tape.capacity)
    calls = .allocate(capacity: Tape.capacity)
    generation = UpdateCounters.take()
  }

  deinit {
    clear()
    UpdateCounters.giveBack(generation)
    nodes.deallocate()
    calls.deallocate()
  }

  private func clear() {
    nodes.deinitialize(count: nodeCount)
    calls.deinitialize(count: callCount)
    nodeCount = 0
    callCount = 0
    lossStart = 0
    pendingNode = -1
    pendingError = nil
  }

  /// Starts an update; variables of the last one are no longer valid.
  package func begin(step: UInt64) {
    clear()
    generation.pointee += 1
    self.step = step
    used = 0
    if !spilled.isEmpty {
      spilled.removeAll()
      arena = FloatBuffer(count: demand + demand / 8)
    }
    demand = 0
  }

  /// Memory until the next update, not cleared.
  package func floats(_ count: Int) -> Floats {
    let room = (count + 15) & ~15
    demand += room
    if used + room <= arena.count {
      defer { used += room }
      return arena.base + used
    }
    spilled.append(FloatBuffer(count: room))
    return spilled.last!.base
  }

  /// The same, all zero.
  package func zeros(_ count: Int) -> Floats {
    let result = floats(count)
    result.update(repeating: 0, count: count)
    return result
  }

  /// Whole numbers, likewise.
  package func integers(_ count: Int) -> UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(floats(count)).bindMemory(to: Int32.self, capacity: count)
  }

  /// Numbers in double precision, all zero.
  package func doubles(_ count: Int) -> UnsafeMutablePointer<Double> {
    let result = UnsafeMutableRawPointer(floats(2 * count)).bindMemory(
      to: Double.self, capacity: count)
    result.update(repeating: 0, count: count)
    return result
  }

  /// A variable through which no gradient goes.
  package func constant(_ values: Floats, rows: Int, columns: Int) -> Variable {
    Variable(tape: self, node: -1, rows: rows, columns: columns, storage: values)
  }

  /// Notes that `values` was computed and how its gradient goes on to the arguments.
  @inline(__always)
  package func record(
    _ values: Floats, rows: Int, columns: Int, _ pullback: @escaping Pullback,
    _ fill: (inout Node) -> Void
  ) -> Variable {
    require(
      nodeCount < Tape.capacity, "an update of more than \(Tape.capacity) operations")
    let gradient = zeros(rows * columns)
    var node = Node(
      pullback: pullback, values: values, gradient: gradient, rows: rows, columns: columns)
    fill(&node)
    (nodes + nodeCount).initialize(to: node)
    nodeCount += 1
    return Variable(
      tape: self, node: nodeCount - 1, rows: rows, columns: columns, storage: values)
  }

  /// Keeps a network call for its pullback.
  /// - Returns: its place among ``calls``.
  package func add(_ call: NetworkCall) -> Int {
    require(callCount < Tape.capacity, "more than \(Tape.capacity) network calls in an update")
    (calls + callCount).initialize(to: call)
    callCount += 1
    return callCount - 1
  }

  /// Gradient of a node's argument, nil for a constant.
  @inline(__always)
  package func gradient(_ node: Int) -> Floats? { node < 0 ? nil : nodes[node].gradient }

  // MARK: Calls that wait

  /// Leaves a recorded call unevaluated until somebody reads it.
  package func postpone(_ node: Int) {
    force()
    pendingNode = node
  }

  /// Notes the squared error of the waiting call, itself unevaluated.
  package func postponeError(_ node: Int, target: Floats, targetColumns: Int) {
    pendingError = (node, target, targetColumns)
  }

  /// Evaluates what waits, as separate operations.
  package func force() {
    guard pendingNode >= 0 else { return }
    let node = pendingNode
    pendingNode = -1
    let call = calls[nodes[node].call]
    call.stack.runForward(call)
    guard let error = pendingError else { return }
    pendingError = nil
    let (q, out) = (nodes[node].values, nodes[error.node].values)
    walk(
      nodes[error.node].rows, nodes[error.node].columns, error.targetColumns
    ) { i, j, k in
      let difference = q[j] - error.target[k]
      out[i] = difference * difference
    }
  }

  // MARK: Losses

  /// Starts a loss of its own: everything recorded so far is a constant to it.
  package func beginLoss() {
    force()
    lossStart = nodeCount
  }

  /// The mean over the rows of `loss`, summed over its columns, and its gradient into the networks
  /// that are being trained.
  ///
  /// Where the loss is the squared error of one network call, that call runs forward and backward in
  /// one go, while its activations are in the core's cache.
  package func differentiate(_ loss: Variable) -> Double {
    loss.checkValid()
    require(
      loss.tape === self,
      "the loss of \(loss.rows) × \(loss.columns) belongs to another agent's tape")
    let scale = 1 / Float(loss.rows)
    if let error = pendingError, error.node == loss.node, pendingNode == loss.node - 1,
      pendingNode >= lossStart
    {
      let call = calls[nodes[pendingNode].call]
      pendingNode = -1
      pendingError = nil
      call.stack.runRegression(
        call, to: error.target, targetColumns: error.targetColumns,
        errors: nodes[error.node].values, scale: scale)
      return sum(loss) / Double(loss.rows)
    }
    force()
    if loss.isRecorded {
      nodes[loss.node].gradient.update(repeating: scale, count: loss.rows * loss.columns)
      var index = loss.node
      while index >= lossStart {
        nodes[index].pullback(self, nodes + index)
        index -= 1
      }
    }
    return sum(loss) / Double(loss.rows)
  }

  private func sum(_ loss: Variable) -> Double {
    var sum = 0.0
    for i in 0..<loss.rows * loss.columns { sum += Double(loss.storage[i]) }
    return sum
  }
}

/// A matrix in an update: one row per transition.
///
/// Valid until the update ends; the values of one kept longer must not be read, and reading them
/// stops the program with a message.
public struct Variable {
  package unowned(unsafe) let tape: Tape
  package let node: Int
  /// Transitions, or as many rows as the operation made of them.
  public let rows: Int
  /// Numbers of each row.
  public let columns: Int
  /// Where the values stand; read them through ``values``.
  package let storage: Floats
  private let generation: UInt64
  private let current: UnsafeMutablePointer<UInt64>

  package init(tape: Tape, node: Int, rows: Int, columns: Int, storage: Floats) {
    self.tape = tape
    self.node = node
    self.rows = rows
    self.columns = columns
    self.storage = storage
    generation = tape.generation.pointee
    current = tape.generation
  }

  @inline(__always)
  package func checkValid() {
    require(
      current.pointee == generation,
      "a variable of \(rows) × \(columns) was kept after the update that computed it")
  }

  /// `[rows, columns]`, row-major.
  @inline(__always)
  package var values: Floats {
    checkValid()
    if tape.pendingNode >= 0 && node >= tape.pendingNode { tape.force() }
    return storage
  }

  /// Whether the loss at hand depends on it through something that is being trained.
  @inline(__always)
  package var isRecorded: Bool { node >= 0 && node >= tape.lossStart }
  /// The node for a pullback, −1 for a constant.
  @inline(__always)
  package var source: Int { isRecorded ? node : -1 }

  /// The same values, through which no gradient goes.
  public var detached: Variable { tape.constant(values, rows: rows, columns: columns) }

  package var view: MatrixView {
    MatrixView(base: values, rows: rows, columns: columns, stride: columns)
  }

  /// A copy that outlives the update.
  public var matrix: Matrix { view.matrix }

  /// Two variables of one operation must come from one update of one tape.
  @inline(__always)
  package func checkSameTape(_ other: Variable) {
    // First, since a variable that was kept may be all that is left of its tape.
    checkValid()
    other.checkValid()
    require(
      tape === other.tape,
      "variables of two agents in one operation: \(rows) × \(columns) and "
        + "\(other.rows) × \(other.columns)")
  }
}

/// Calls `body(out, x, y)` for all places of a result. Where the columns differ, each of the fewer
/// stands for a group of neighbours of the more.
@inline(__always)
package func walk(
  _ rows: Int, _ xColumns: Int, _ yColumns: Int, _ body: (Int, Int, Int) -> Void
) {
  if xColumns == yColumns {
    for i in 0..<rows * xColumns { body(i, i, i) }
    return
  }
  let (few, many) = (min(xColumns, yColumns), max(xColumns, yColumns))
  var i = 0
  for j in 0..<rows * few {
    for _ in 0..<many / few {
      body(i, xColumns < yColumns ? j : i, yColumns < xColumns ? j : i)
      i += 1
    }
  }
}
