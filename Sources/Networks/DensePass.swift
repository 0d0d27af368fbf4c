internal import CVectorKernels
package import DenseMath

/// Memory for running a network forward and backward on up to `maximumRows` inputs.
///
/// Holds the activations of the last forward pass, which the backward pass reads. Disjoint ranges
/// of rows may be worked on by different threads.
package final class DensePass: @unchecked Sendable {
  package let shape: NetworkShape
  package let maximumRows: Int
  private let hidden: [FloatBuffer]
  private let output: FloatBuffer
  private let delta: [FloatBuffer]

  package init(shape: NetworkShape, maximumRows: Int, backward: Bool = true) {
    self.shape = shape
    self.maximumRows = maximumRows
    hidden = shape.hiddenSizes.map { FloatBuffer(count: $0 * maximumRows) }
    output = FloatBuffer(count: shape.outputSize * maximumRows)
    delta = backward ? shape.hiddenSizes.map { FloatBuffer(count: $0 * maximumRows) } : []
  }

  /// Output of the last forward pass, `[maximumRows, outputSize]`.
  package var outputs: MatrixView {
    output.matrix(rows: maximumRows, columns: shape.outputSize)
  }

  private func activations(_ layer: Int, _ rows: Range<Int>) -> MatrixView {
    hidden[layer].matrix(rows: maximumRows, columns: shape.hiddenSizes[layer]).rows(rows)
  }

  /// Computes ``outputs`` for `rows`.
  /// - Parameter inputs: `[≥ rows.upperBound, inputSize]`; row r of it belongs to row r here.
  package func forward(_ network: Network, _ inputs: MatrixView, rows: Range<Int>) {
    var below = inputs.rows(rows)
    for layer in shape.hiddenSizes.indices {
      let here = activations(layer, rows)
      DenseProduct.multiply(
        below, network.weight(layer), transposeB: true, into: here,
        finish: .biasReLU(network.bias(layer)))
      below = here
    }
    let head = shape.hiddenSizes.count
    let out = outputs.rows(rows)
    DenseProduct.multiply(
      below, network.weight(head), transposeB: true, into: out, finish: .bias(network.bias(head)))
  }

  /// Adds the gradient of a loss to `gradient`, given ∂loss/∂output for `rows`.
  ///
  /// - Parameters:
  ///   - outputGradient: `[≥ rows.upperBound, outputSize]`.
  ///   - gradient: a flat array laid out like the network's parameters.
  package func backward(
    _ network: Network, _ inputs: MatrixView, rows: Range<Int>, outputGradient: MatrixView,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    var above = outputGradient.rows(rows)
    bk_column_sums(
      above.base, above.stride, gradient + network.layout.head.bias, above.rows, above.columns)
    for layer in stride(from: shape.hiddenSizes.count, through: 0, by: -1) {
      let place = network.layout.layers[layer]
      let below = layer == 0 ? inputs.rows(rows) : activations(layer - 1, rows)
      let weightGradient = MatrixView(
        base: gradient + place.weight, rows: place.outputs, columns: place.inputs,
        stride: place.inputs)
      DenseProduct.multiply(
        above, below, transposeA: true, into: weightGradient, accumulates: true)
      if layer == 0 { break }
      let next = delta[layer - 1].matrix(rows: maximumRows, columns: place.inputs).rows(rows)
      DenseProduct.multiply(
        above, network.weight(layer), into: next,
        finish: .mask(
          positive: below, columnSums: gradient + network.layout.layers[layer - 1].bias))
      above = next
    }
  }
}
