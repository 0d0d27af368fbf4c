internal import CVectorKernels
import DenseMath

/// Forward and backward through one member on one piece of the rows.
extension NetworkStack {
  /// - Parameter fused: activations stay in the worker's memory, for a backward pass at once.
  func forward(
    _ call: NetworkCall, _ piece: NetworkCall.Piece, _ own: Scratch, fused: Bool
  ) {
    let rows = piece.rows.count
    let network = view(piece.member, target: call.usesTarget)
    let kept =
      fused ? own.hidden.base : call.hidden.map { $0 + call.start(piece, width: hiddenWidth) }
    let normal =
      fused ? own.normal.base : call.normal.map { $0 + call.start(piece, width: hiddenWidth) }
    let inverse =
      fused ? own.inverse.base : call.inverse.map { $0 + call.start(piece, width: layers.count) }
    let head = layers[layers.count - 1]
    let width = call.members * outputs
    var below = matrix(call.inputs + piece.rows.lowerBound * inputs, rows, inputs)
    for (index, layer) in layers.dropLast().enumerated() {
      let here = matrix(
        kept.map { $0 + layer.place * rows } ?? own.pair[index % 2].base, rows, layer.outputs)
      // Dropout stands between the last ReLU and the head.
      let endsInOne = index == last && outputs == 1 && call.dropout == nil
      if layer.isNormalized {
        let z = matrix(
          normal.map { $0 + layer.place * rows } ?? own.deltas[0].base, rows, layer.outputs)
        DenseProduct.multiply(below, network.weight(index), transposeB: true, into: z)
        bk_layer_norm_relu(
          z.base, here.base, network.bias(index), network.base + layer.scale,
          network.base + layer.shift, inverse.map { $0 + index * rows },
          endsInOne ? network.base + head.weight : nil, network.base[head.bias], own.column.base,
          rows, layer.outputs)
      } else if endsInOne {
        DenseProduct.multiply(
          below, network.weight(index), transposeB: true, into: here,
          finish: .biasReLUDot(
            bias: network.bias(index), weights: network.base + head.weight,
            start: network.base[head.bias], out: own.column.base))
      } else {
        DenseProduct.multiply(
          below, network.weight(index), transposeB: true, into: here,
          finish: .biasReLU(network.bias(index)))
      }
      if endsInOne {
        for r in 0..<rows {
          call.outputs[(piece.rows.lowerBound + r) * width + piece.place] = own.column.base[r]
        }
        return
      }
      call.dropout?.apply(to: here, row: piece.rows.lowerBound, place: layer.place)
      below = here
    }
    DenseProduct.multiply(
      below, network.weight(last + 1), transposeB: true,
      into: MatrixView(
        base: call.outputs + piece.rows.lowerBound * width + piece.place * outputs, rows: rows,
        columns: outputs, stride: width),
      finish: .bias(network.bias(last + 1)))
  }

  /// Adds the gradient of the parameters, where these are trained, and writes that of the inputs.
  /// Overwrites the activations.
  func backward(
    _ call: NetworkCall, _ piece: NetworkCall.Piece, _ own: Scratch, fused: Bool
  ) {
    let rows = piece.rows.count
    let network = view(piece.member, target: call.usesTarget)
    let gradient = call.trains ? block.gradient(piece.member, piece: piece.index) : nil
    let hidden = fused ? own.hidden.base : call.hidden! + call.start(piece, width: hiddenWidth)
    guard
      let (top, kept) = backwardHead(
        call, piece, own, network: network, hidden: hidden, gradient: gradient)
    else { return }
    var above = top
    for index in stride(from: last, through: 0, by: -1) {
      let layer = layers[index]
      let compacts = kept < rows
      if layer.isNormalized {
        let z =
          (fused ? own.normal.base : call.normal! + call.start(piece, width: hiddenWidth))
          + layer.place * rows
        let inverse =
          (fused ? own.inverse.base : call.inverse! + call.start(piece, width: layers.count))
          + index * rows
        if compacts {
          bk_compact_rows(z, layer.outputs, own.index, kept, layer.outputs)
          for i in 0..<kept { inverse[i] = inverse[Int(own.index[i])] }
        }
        bk_layer_norm_backward(
          above.base, z, network.base + layer.scale, inverse, gradient.map { $0 + layer.scale },
          gradient.map { $0 + layer.bias }, kept, layer.outputs)
      }
      if index == 0 { break }
      let below = matrix(hidden + layers[index - 1].place * rows, kept, layer.inputs)
      if compacts {
        bk_compact_rows(below.base, layer.inputs, own.index, kept, layer.inputs)
      }
      if let gradient {
        DenseProduct.multiply(
          above, below, transposeA: true,
          into: matrix(gradient + layer.weight, layer.outputs, layer.inputs), accumulates: true)
      }
      call.dropout?.scale(above)
      let next = matrix(own.deltas[(last - index + 1) % 2].base, kept, layer.inputs)
      DenseProduct.multiply(
        above, network.weight(index), into: next,
        finish: .mask(
          positive: below, columnSums: gradient.map { $0 + layers[index - 1].shiftOrBias }))
      above = next
    }
    backwardInputs(call, piece, own, network: network, above: above, gradient: gradient)
  }

  /// From the outputs to the sums before the last ReLU.
  /// - Returns: their gradient for the rows that have one, and how many these are; `nil` for none.
  private func backwardHead(
    _ call: NetworkCall, _ piece: NetworkCall.Piece, _ own: Scratch, network: NetworkView,
    hidden: Floats, gradient: Floats?
  ) -> (MatrixView, kept: Int)? {
    let rows = piece.rows.count
    let head = layers[layers.count - 1]
    let width = call.members * outputs
    let outputGradient =
      call.outputGradient! + piece.rows.lowerBound * width + piece.place * outputs
    let activations = hidden + layers[last].place * rows
    let bias = gradient.map { $0 + layers[last].shiftOrBias }
    if outputs == 1 && call.dropout == nil {
      // Rows without gradient, such as those of the greater twin, go no further.
      let kept = bk_nonzero_rows(outputGradient, width, rows, own.column.base, own.index)
      if kept == 0 { return nil }
      bk_dot_backward(
        activations, head.inputs, own.column.base, own.index, kept, network.base + head.weight,
        own.deltas[0].base, gradient.map { $0 + head.weight }, bias, head.inputs)
      if let gradient {
        var sum: Float = 0
        for i in 0..<kept { sum += own.column.base[Int(own.index[i])] }
        gradient[head.bias] += sum
      }
      return (matrix(own.deltas[0].base, kept, head.inputs), kept)
    }
    let d = MatrixView(base: outputGradient, rows: rows, columns: outputs, stride: width)
    let below = matrix(activations, rows, head.inputs)
    if let gradient {
      bk_column_sums(d.base, d.stride, gradient + head.bias, d.rows, d.columns)
      DenseProduct.multiply(
        d, below, transposeA: true,
        into: matrix(gradient + head.weight, head.outputs, head.inputs), accumulates: true)
    }
    call.dropout?.scale(d)
    let above = matrix(own.deltas[0].base, rows, head.inputs)
    DenseProduct.multiply(
      d, network.weight(last + 1), into: above, finish: .mask(positive: below, columnSums: bias))
    return (above, rows)
  }

  /// The first layer's weights, and the columns of the inputs that want a gradient.
  private func backwardInputs(
    _ call: NetworkCall, _ piece: NetworkCall.Piece, _ own: Scratch, network: NetworkView,
    above: MatrixView, gradient: Floats?
  ) {
    let (rows, kept) = (piece.rows.count, above.rows)
    if let gradient {
      var x = matrix(call.inputs + piece.rows.lowerBound * inputs, rows, inputs)
      if kept < rows {
        for i in 0..<kept {
          (own.gathered.base + i * inputs).update(
            from: x.base + Int(own.index[i]) * inputs, count: inputs)
        }
        x = matrix(own.gathered.base, kept, inputs)
      }
      DenseProduct.multiply(
        above, x, transposeA: true,
        into: matrix(gradient + layers[0].weight, layers[0].outputs, inputs), accumulates: true)
    }
    guard let inputGradient = call.inputGradient else { return }
    let columns = call.inputColumns
    let weight = network.weight(0).columns(columns)
    let out = inputGradient + call.start(piece, width: columns.count)
    if kept == rows {
      DenseProduct.multiply(above, weight, into: matrix(out, kept, columns.count))
      return
    }
    let product = matrix(own.gathered.base, kept, columns.count)
    DenseProduct.multiply(above, weight, into: product)
    for i in 0..<kept {
      (out + Int(own.index[i]) * columns.count).update(
        from: product.base + i * columns.count, count: columns.count)
    }
  }
}
