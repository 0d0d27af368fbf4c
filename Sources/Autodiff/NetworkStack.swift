import DenseMath

/// K networks of one shape that are evaluated on the same inputs: twin critics, an ensemble, or one.
public final class NetworkStack: @unchecked Sendable {
  package let shape: NetworkShape
  package let layout: ParameterLayout
  package let block: ParameterBlock
  package let members: Int
  let layers: [ParameterLayout.Layer]
  let hiddenWidth: Int
  private let scratch: [Scratch]

  package init(
    _ shape: NetworkShape, block: ParameterBlock, scratch: [Scratch]
  ) {
    self.shape = shape
    self.block = block
    self.scratch = scratch
    layout = ParameterLayout(shape)
    layers = layout.layers
    members = block.members
    hiddenWidth = shape.hiddenSizes.reduce(0, +)
    for worker in scratch {
      worker.reserve(
        widest: shape.hiddenSizes.max()!, hiddenWidth: hiddenWidth, inputs: shape.inputSize,
        layers: layers.count)
    }
  }

  var inputs: Int { shape.inputSize }
  var outputs: Int { shape.outputSize }
  var last: Int { layers.count - 2 }

  /// Threads that may work on a call.
  package var workers: Int { scratch.count }
  func scratch(_ worker: Int) -> Scratch { scratch[worker] }

  /// One member's parameters, or its target's, as kernels read them.
  package func view(_ member: Int, target: Bool = false) -> NetworkView {
    NetworkView(
      layout: layout,
      base: (target ? block.targets! : block.values).base + member * block.count)
  }

  // MARK: Parameters in and out

  /// Takes over the parameters of `members` networks; targets become copies.
  package func load(_ networks: [Network]) {
    require(
      networks.count == members && networks.allSatisfy { $0.shape == shape },
      "\(networks.count) networks of \(networks.map(\.shape)) for \(members) of \(shape)")
    for (member, network) in networks.enumerated() {
      (block.values.base + member * block.count).update(
        from: network.values.base, count: block.count)
    }
    block.copyToTargets()
  }

  package func loadTargets(_ networks: [Network]) {
    require(
      networks.count == members && networks.allSatisfy { $0.shape == shape },
      "\(networks.count) targets of \(networks.map(\.shape)) for \(members) of \(shape)")
    guard let targets = block.targets else { return }
    for (member, network) in networks.enumerated() {
      (targets.base + member * block.count).update(from: network.values.base, count: block.count)
    }
  }

  /// A copy of one member as it stands now.
  package func snapshot(_ member: Int, target: Bool = false) -> Network {
    let network = Network(shape: shape)
    network.values.base.update(from: view(member, target: target).base, count: block.count)
    return network
  }

  // MARK: Calls

  /// Outputs for each row of (x, y), `[rows, members · outputs]`.
  ///
  /// - Parameters:
  ///   - list: which members take part; `nil`: all.
  ///   - usesTarget: the targets' parameters instead; these get no gradient.
  ///   - dropout: share of the hidden units that is left out, and which.
  package func call(
    _ x: Variable, _ y: Variable? = nil, usesTarget: Bool = false, only list: MemberList? = nil,
    dropout: (rate: Double, noise: Noise)? = nil
  ) -> Variable {
    let tape = x.tape
    var call = prepare(x, y, usesTarget: usesTarget, list: list)
    if let dropout, dropout.rate > 0 {
      require(
        members == 1 && !shape.normalizesLayers && dropout.rate < 1,
        "dropout of \(dropout.rate) in '\(block.name)': one network without layer norm, below 1")
      let uniform = dropout.noise.uniform(
        tape, rows: call.rows, columns: hiddenWidth, low: 0, high: 1)
      call.dropout = NetworkCall.Dropout(
        uniform: uniform.values, columns: hiddenWidth, rate: Float(dropout.rate))
    }
    let columns = call.members * outputs
    guard call.trains || call.first.node >= 0 || call.second.node >= 0 else {
      runForward(call)
      return tape.constant(call.outputs, rows: call.rows, columns: columns)
    }
    keepActivations(&call)
    let place = tape.add(call)
    let waits = call.trains && outputs == 1 && call.first.node < 0 && call.second.node < 0
    if !waits { runForward(call) }
    let result = tape.record(
      call.outputs, rows: call.rows, columns: columns, NetworkStack.pullback
    ) { $0.call = place }
    if waits { tape.postpone(result.node) }
    return result
  }

  /// Checks the arguments and puts them side by side.
  func prepare(
    _ x: Variable, _ y: Variable?, usesTarget: Bool, list: MemberList? = nil
  ) -> NetworkCall {
    x.checkValid()
    if let y { x.checkSameTape(y) }
    let (tape, rows) = (x.tape, x.rows)
    require(
      x.columns + (y?.columns ?? 0) == inputs && (y == nil || y!.rows == rows),
      "'\(block.name)' takes \(inputs) columns, given \(x.rows) × \(x.columns)"
        + (y.map { " and \($0.rows) × \($0.columns)" } ?? ""))
    require(!usesTarget || block.targets != nil, "'\(block.name)' has no targets")
    require(
      tape.pool.threads <= workers,
      "'\(block.name)' has memory for \(workers) threads, the variable's tape \(tape.pool.threads)")
    if let list { list.check(members: members, of: block.name) }
    var joined = x.values
    if let y, y.columns > 0 {
      let (a, b) = (joined, y.values)
      joined = tape.floats(rows * inputs)
      for r in 0..<rows {
        (joined + r * inputs).update(from: a + r * x.columns, count: x.columns)
        (joined + r * inputs + x.columns).update(from: b + r * y.columns, count: y.columns)
      }
    }
    let count = list?.count ?? members
    return NetworkCall(
      stack: self, tape: tape, inputs: joined, outputs: tape.floats(rows * count * outputs),
      rows: rows, list: list?.indices, members: count, usesTarget: usesTarget,
      trains: block.isTrained && !usesTarget, first: (x.source, x.columns),
      second: (y?.source ?? -1, y?.columns ?? 0))
  }

  func keepActivations(_ call: inout NetworkCall) {
    let stored = call.members * call.rows * hiddenWidth
    call.hidden = call.tape.floats(stored)
    if shape.normalizesLayers {
      call.normal = call.tape.floats(stored)
      call.inverse = call.tape.floats(call.members * call.rows * layers.count)
    }
  }

  package func runForward(_ call: NetworkCall) {
    call.tape.pool.run(call.tasks, with: call) { call, task, worker in
      call.stack.forward(call, call.piece(task), call.stack.scratch(worker), fused: false)
    }
  }

  /// (Q − y)² of each member and its gradient in one go.
  package func runRegression(
    _ call: NetworkCall, to target: Floats, targetColumns: Int, errors: Floats, scale: Float
  ) {
    var call = call
    block.reserve(pieces: call.pieces)
    call.outputGradient = call.tape.floats(call.rows * call.members)
    let context = (call, target, targetColumns, errors, scale)
    call.tape.pool.run(call.tasks, with: context) { context, task, worker in
      let (call, target, targetColumns, errors, scale) = context
      let (piece, members) = (call.piece(task), call.members)
      let own = call.stack.scratch(worker)
      call.stack.forward(call, piece, own, fused: true)
      let group = members / targetColumns
      for r in piece.rows {
        let i = r * members + piece.place
        let error = call.outputs[i] - target[r * targetColumns + piece.place / group]
        call.outputGradient![i] = scale * (2 * error)
        errors[i] = error * error
      }
      call.stack.backward(call, piece, own, fused: true)
    }
  }

  private static func pullback(_ tape: Tape, _ node: UnsafePointer<Tape.Node>) {
    let n = node.pointee
    var call = tape.calls[n.call]
    let stack = call.stack
    call.outputGradient = n.gradient
    if call.trains { stack.block.reserve(pieces: call.pieces) }
    // Only columns of arguments that themselves have a gradient.
    let low = call.first.node >= 0 ? 0 : call.first.columns
    let high = call.second.node >= 0 ? stack.inputs : call.first.columns
    call.inputColumns = low..<max(low, high)
    let width = call.inputColumns.count
    if width > 0 { call.inputGradient = tape.zeros(call.members * call.rows * width) }
    tape.pool.run(call.tasks, with: call) { call, task, worker in
      call.stack.backward(call, call.piece(task), call.stack.scratch(worker), fused: false)
    }
    guard let gradient = call.inputGradient else { return }
    for member in 0..<call.members {
      for r in 0..<call.rows {
        let row = gradient + (member * call.rows + r) * width
        if let d = tape.gradient(call.first.node) {
          for c in 0..<call.first.columns { d[r * call.first.columns + c] += row[c - low] }
        }
        if let d = tape.gradient(call.second.node) {
          for c in 0..<call.second.columns {
            d[r * call.second.columns + c] += row[call.first.columns + c - low]
          }
        }
      }
    }
  }
}

/// Some members of a stack, chosen for one update.
public struct MemberList {
  package let indices: UnsafePointer<Int32>
  package let count: Int

  package init(indices: UnsafePointer<Int32>, count: Int) {
    self.indices = indices
    self.count = count
  }

  /// Each is a member, and none stands there twice: they get their gradients at the same time.
  func check(members: Int, of name: String) {
    for i in 0..<count {
      require(
        indices[i] >= 0 && indices[i] < members,
        "member \(indices[i]) of '\(name)', which has \(members)")
      for j in 0..<i {
        require(indices[i] != indices[j], "member \(indices[i]) of '\(name)' twice")
      }
    }
  }
}

@inline(__always)
func matrix(_ base: Floats, _ rows: Int, _ columns: Int) -> MatrixView {
  MatrixView(base: base, rows: rows, columns: columns, stride: columns)
}
