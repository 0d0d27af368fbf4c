public import DenseMath

/// Runs a network forward and backward on whole matrices: what a new learner needs.
///
/// ``forward(_:_:)`` keeps the activations that ``backward(_:_:outputGradient:)`` then reads. The
/// learners of this package work on views of reused memory instead; this is the plain form.
public final class NetworkPass {
  private let pass: DensePass
  private var rows = 0

  /// - Parameter maximumRows: rows of the largest minibatch.
  public init(shape: NetworkShape, maximumRows: Int) {
    precondition(maximumRows > 0, "a pass for \(maximumRows) rows")
    pass = DensePass(shape: shape, maximumRows: maximumRows)
  }

  /// Output of the network, `[inputs.rows, outputSize]`.
  public func forward(_ network: Network, _ inputs: Matrix) -> Matrix {
    precondition(
      inputs.columns == pass.shape.inputSize && inputs.rows <= pass.maximumRows,
      "inputs of \(inputs.rows) × \(inputs.columns) for a pass of at most \(pass.maximumRows) × "
        + "\(pass.shape.inputSize)")
    BLAS.prepare()
    rows = inputs.rows
    inputs.withView { pass.forward(network, $0, rows: 0..<rows) }
    return pass.outputs.rows(0..<rows).matrix
  }

  /// Adds the gradient of a loss to `trainable`, whose next step uses and clears it.
  ///
  /// - Parameters:
  ///   - inputs: those of the last forward pass through `trainable.network`.
  ///   - outputGradient: ∂loss/∂output, `[inputs.rows, outputSize]`.
  public func backward(_ trainable: TrainableNetwork, _ inputs: Matrix, outputGradient: Matrix) {
    precondition(
      inputs.rows == rows && outputGradient.rows == rows
        && outputGradient.columns == pass.shape.outputSize,
      "a gradient of \(outputGradient.rows) × \(outputGradient.columns) for outputs of "
        + "\(rows) × \(pass.shape.outputSize)")
    inputs.withView { inputs in
      outputGradient.withView {
        pass.backward(
          trainable.network, inputs, rows: 0..<rows, outputGradient: $0,
          into: trainable.gradient(part: 0))
      }
    }
  }
}
