internal import CVectorKernels
import DenseMath

/// The part of a critic's first layer that depends on the state, W₁ˢ·s + b₁, computed once for all
/// actions of a state, and its gradient.
final class FirstLayerStates {
  private let observationSize: Int
  private let outputs: Int
  private let maximumStates: Int
  /// W₁ˢ·s + b₁, `[states, outputs]`.
  let values: FloatBuffer
  /// Σ over the actions of a state of the gradient with respect to these, same shape.
  let gradient: FloatBuffer

  init(shape: NetworkShape, observationSize: Int, maximumStates: Int) {
    self.observationSize = observationSize
    self.maximumStates = maximumStates
    outputs = shape.hiddenSizes[0]
    values = FloatBuffer(count: maximumStates * outputs)
    gradient = FloatBuffer(count: maximumStates * outputs)
  }

  func compute(_ critic: NetworkView, observations: MatrixView) {
    precondition(observations.rows <= maximumStates, "\(observations.rows) > \(maximumStates)")
    DenseProduct.multiply(
      observations, critic.weight(0).columns(0..<observationSize), transposeB: true,
      into: values.matrix(rows: observations.rows, columns: outputs),
      finish: .bias(critic.bias(0)))
  }

  func clearGradient(states: Int) {
    gradient.base.update(repeating: 0, count: states * outputs)
  }

  /// Adds the gradient of W₁ˢ and b₁ to the flat gradient of the whole critic.
  func addGradient(
    _ critic: NetworkView, observations: MatrixView, into flat: UnsafeMutablePointer<Float>
  ) {
    let place = critic.layout.layers[0]
    let gathered = gradient.matrix(rows: observations.rows, columns: outputs)
    let weightGradient = MatrixView(
      base: flat + place.weight, rows: outputs, columns: observationSize, stride: place.inputs)
    DenseProduct.multiply(
      gathered, observations, transposeA: true, into: weightGradient, accumulates: true)
    bk_column_sums(
      gathered.base, gathered.stride, flat + place.bias, gathered.rows, gathered.columns)
  }
}
