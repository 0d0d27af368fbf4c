import DenseMath

/// ∂Q/∂a as a variable that can be differentiated again, as EDAC's diversity term needs it.
extension NetworkStack {
  /// ∂output/∂(second argument) of each member, `[rows, members · columns]`.
  ///
  /// A network of ReLUs is linear wherever its units do not switch, so going backward through this is
  /// going forward once more through the same masks. The arguments themselves get no gradient.
  package func inputGradients(_ x: Variable, _ y: Variable) -> Variable {
    x.checkSameTape(y)
    require(
      outputs == 1 && !shape.normalizesLayers,
      "action gradients of '\(block.name)': one output and no layer norm are needed")
    require(
      !x.isRecorded && !y.isRecorded,
      "action gradients at variables that are themselves being differentiated")
    let tape = x.tape
    let prepared = prepare(x, y, usesTarget: false)
    let width = y.columns
    var call = NetworkCall(
      stack: self, tape: tape, inputs: prepared.inputs,
      outputs: tape.floats(prepared.rows * members * width), rows: prepared.rows, list: nil,
      members: members, usesTarget: false, trains: block.isTrained, first: (-1, x.columns),
      second: (-1, width))
    let stored = members * call.rows * hiddenWidth
    call.hidden = tape.floats(stored)
    call.normal = tape.floats(stored)
    tape.pool.run(call.tasks, with: call) { call, task, worker in
      call.stack.gradientForward(call, call.piece(task))
    }
    guard call.trains else {
      return tape.constant(call.outputs, rows: call.rows, columns: members * width)
    }
    let place = tape.add(call)
    return tape.record(
      call.outputs, rows: call.rows, columns: members * width,
      { tape, node in
        var call = tape.calls[node.pointee.call]
        call.outputGradient = node.pointee.gradient
        call.stack.block.reserve(pieces: call.pieces)
        tape.pool.run(call.tasks, with: call) { call, task, worker in
          call.stack.gradientBackward(call, call.piece(task), call.stack.scratch(worker))
        }
      }
    ) { $0.call = place }
  }

  private func stored(
    _ buffer: Floats, _ call: NetworkCall, _ piece: NetworkCall.Piece, _ index: Int
  ) -> MatrixView {
    matrix(
      buffer + call.start(piece, width: hiddenWidth) + layers[index].place * piece.rows.count,
      piece.rows.count, layers[index].outputs)
  }

  private func actionColumns(_ call: NetworkCall) -> Range<Int> {
    inputs - call.second.columns..<inputs
  }

  /// Leaves activations in `hidden` and ∂Q/∂(sums before the ReLU) in `normal`.
  private func gradientForward(_ call: NetworkCall, _ piece: NetworkCall.Piece) {
    let rows = piece.rows.count
    let network = view(piece.member)
    let head = layers[layers.count - 1]
    var below = matrix(call.inputs + piece.rows.lowerBound * inputs, rows, inputs)
    for index in 0...last {
      let here = stored(call.hidden!, call, piece, index)
      DenseProduct.multiply(
        below, network.weight(index), transposeB: true, into: here,
        finish: .biasReLU(network.bias(index)))
      below = here
    }
    var above = stored(call.normal!, call, piece, last)
    let weight = network.base + head.weight
    for r in 0..<rows {
      for c in 0..<head.inputs {
        let place = r * head.inputs + c
        above.base[place] = below.base[place] > 0 ? weight[c] : 0
      }
    }
    for index in stride(from: last, to: 0, by: -1) {
      let next = stored(call.normal!, call, piece, index - 1)
      DenseProduct.multiply(
        above, network.weight(index), into: next,
        finish: .mask(positive: stored(call.hidden!, call, piece, index - 1), columnSums: nil))
      above = next
    }
    let width = call.second.columns
    DenseProduct.multiply(
      above, network.weight(0).columns(actionColumns(call)),
      into: MatrixView(
        base: call.outputs + (piece.rows.lowerBound * members + piece.place) * width, rows: rows,
        columns: width, stride: members * width))
  }

  private func gradientBackward(
    _ call: NetworkCall, _ piece: NetworkCall.Piece, _ own: Scratch
  ) {
    let rows = piece.rows.count
    let network = view(piece.member)
    let gradient = block.gradient(piece.member, piece: piece.index)
    let width = call.second.columns
    var below = MatrixView(
      base: call.outputGradient! + (piece.rows.lowerBound * members + piece.place) * width,
      rows: rows, columns: width, stride: members * width)
    for index in 0...last {
      let layer = layers[index]
      let columns = index == 0 ? actionColumns(call) : 0..<layer.inputs
      DenseProduct.multiply(
        stored(call.normal!, call, piece, index), below, transposeA: true,
        into: matrix(gradient + layer.weight, layer.outputs, layer.inputs).columns(columns),
        accumulates: true)
      let here = matrix(own.pair[index % 2].base, rows, layer.outputs)
      DenseProduct.multiply(
        below, network.weight(index).columns(columns), transposeB: true, into: here,
        finish: .mask(
          positive: stored(call.hidden!, call, piece, index),
          columnSums: index == last ? gradient + layers[last + 1].weight : nil))
      below = here
    }
  }
}
