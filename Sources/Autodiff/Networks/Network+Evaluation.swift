internal import CVectorKernels
public import DenseMath

/// A network on inputs of its own, outside any update.
extension Network {
  /// Outputs for each row of `inputs`, `[rows, outputSize]`.
  public func outputs(for inputs: Matrix) -> Matrix {
    precondition(
      inputs.columns == shape.inputSize,
      "inputs of \(inputs.rows) × \(inputs.columns), the network takes \(shape.inputSize)")
    var below = inputs
    for (index, layer) in layout.layers.enumerated() {
      var here = Matrix(rows: inputs.rows, columns: layer.outputs)
      let isHead = index == layout.layers.count - 1
      below.withView { below in
        here.elements.withUnsafeMutableBufferPointer { buffer in
          guard let start = buffer.baseAddress, below.rows > 0 else { return }
          let out = MatrixView(
            base: start, rows: below.rows, columns: layer.outputs, stride: layer.outputs)
          DenseProduct.multiply(
            below, weight(index), transposeB: true, into: out,
            finish: isHead || layer.isNormalized ? .bias(bias(index)) : .biasReLU(bias(index)))
          if layer.isNormalized { normalize(out, layer) }
        }
      }
      below = here
    }
    return below
  }

  /// The output for one input, `[outputSize]`.
  public func output(for input: [Float]) -> [Float] {
    outputs(for: Matrix(rows: 1, columns: input.count, elements: input)).elements
  }

  private func normalize(_ z: MatrixView, _ layer: ParameterLayout.Layer) {
    for row in 0..<z.rows {
      let start = z.base + row * z.stride
      withUnsafeTemporaryAllocation(of: Float.self, capacity: z.columns) { result in
        bk_layer_norm_relu(
          start, result.baseAddress!, nil, values.base + layer.scale, values.base + layer.shift,
          nil, nil, 0, nil, 1, z.columns)
        start.update(from: result.baseAddress!, count: z.columns)
      }
    }
  }

  /// The same network with the first `count` of its outputs alone.
  public func firstOutputs(_ count: Int) -> Network {
    precondition(count >= 1 && count <= shape.outputSize, "\(count) of \(shape.outputSize) outputs")
    var narrow = shape
    narrow.outputSize = count
    let result = Network(shape: narrow)
    for (from, to) in zip(layout.layers, result.layout.layers) {
      (result.values.base + to.weight).update(
        from: values.base + from.weight, count: to.inputs * to.outputs)
      (result.values.base + to.bias).update(from: values.base + from.bias, count: to.outputs)
      if to.isNormalized {
        (result.values.base + to.scale).update(from: values.base + from.scale, count: to.outputs)
        (result.values.base + to.shift).update(from: values.base + from.shift, count: to.outputs)
      }
    }
    return result
  }
}
