internal import CVectorKernels
package import DenseMath

/// Scratch memory for evaluating Q(s, a) on states that each have several actions, and for its
/// gradients.
///
/// The first layer splits into a part that depends on the state, computed once per state, and a part
/// that depends on the action. One thread at a time.
package final class CriticPass: ManyActionsPass, @unchecked Sendable {
  package let shape: NetworkShape
  package let observationSize: Int
  package let actionSize: Int
  package let maximumStates: Int
  package let maximumRows: Int

  private let firstLayer: FirstLayerStates
  /// Action part of the first weight and its gradient, `[actionSize, hiddenSizes[0]]`.
  private let actionWeight: FloatBuffer
  private let actionWeightGradient: FloatBuffer
  /// ∂Q/∂a of the listed rows, before they are put in their places.
  private let actionProduct: FloatBuffer
  private let hidden: [FloatBuffer]
  private let delta: [FloatBuffer]
  private let zeros: FloatBuffer
  /// With one hidden layer `finish` sums its bias gradient; the fused head pass puts its own sum here,
  /// where nobody reads it.
  private let sink: FloatBuffer
  private let everyRow: UnsafeMutablePointer<Int32>

  /// - Parameters:
  ///   - shape: input `observationSize + actionSize`, output 1.
  ///   - maximumStates: states between `begin` and `finish`.
  ///   - maximumRows: rows (states × actions) of one forward pass.
  package init(shape: NetworkShape, actionSize: Int, maximumStates: Int, maximumRows: Int) {
    precondition(shape.outputSize == 1, "a critic has one output, not \(shape.outputSize)")
    self.shape = shape
    self.actionSize = actionSize
    observationSize = shape.inputSize - actionSize
    self.maximumStates = maximumStates
    self.maximumRows = maximumRows
    let first = shape.hiddenSizes[0]
    firstLayer = FirstLayerStates(
      shape: shape, observationSize: observationSize, maximumStates: maximumStates)
    actionWeight = FloatBuffer(count: actionSize * first)
    actionWeightGradient = FloatBuffer(count: actionSize * first)
    actionProduct = FloatBuffer(count: actionSize * maximumRows)
    // The first also takes the product in `actionGradient`, which is wider for tiny networks.
    hidden = shape.hiddenSizes.enumerated().map { index, width in
      FloatBuffer(count: (index == 0 ? max(width, actionSize) : width) * maximumRows)
    }
    delta = shape.hiddenSizes.map { FloatBuffer(count: $0 * maximumRows) }
    zeros = FloatBuffer(count: first)
    sink = FloatBuffer(count: first)
    everyRow = .allocate(capacity: max(maximumRows, 1))
    for row in 0..<maximumRows { everyRow[row] = Int32(row) }
  }

  deinit { everyRow.deallocate() }

  package func begin(_ critic: NetworkView, observations: MatrixView) {
    firstLayer.compute(critic, observations: observations)
    let weight = critic.weight(0)
    let first = shape.hiddenSizes[0]
    for output in 0..<first {
      for k in 0..<actionSize {
        actionWeight.base[k * first + output] =
          weight.base[output * weight.stride + observationSize + k]
      }
    }
  }

  package func clearGradient(states: Int) {
    firstLayer.clearGradient(states: states)
    actionWeightGradient.base.update(repeating: 0, count: actionWeightGradient.count)
  }

  package func forward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    into q: UnsafeMutablePointer<Float>
  ) {
    let rows = states.count * repeats
    precondition(rows <= maximumRows, "\(rows) rows in a pass for \(maximumRows)")
    let first = shape.hiddenSizes[0]
    bk_expand_first_layer(
      firstLayer.values.base + states.lowerBound * first, first, actions, actionSize,
      actionWeight.base,
      hidden[0].base, states.count, repeats, first)
    let last = shape.hiddenSizes.count - 1
    let head = critic.layout.head
    let headWeight = UnsafePointer(critic.base + head.weight)
    let headBias = critic.base[head.bias]
    if last == 0 {
      bk_bias_relu_dot(
        hidden[0].base, first, zeros.base, headWeight, headBias, q, rows, first)
      return
    }
    for layer in 1..<last + 1 {
      let here = hidden[layer].matrix(rows: rows, columns: shape.hiddenSizes[layer])
      let below = hidden[layer - 1].matrix(rows: rows, columns: shape.hiddenSizes[layer - 1])
      let bias = UnsafePointer(critic.bias(layer))
      DenseProduct.multiply(
        below, critic.weight(layer), transposeB: true, into: here,
        finish: layer < last
          ? .biasReLU(bias)
          : .biasReLUDot(bias: bias, weights: headWeight, start: headBias, out: q))
    }
  }

  /// Overwrites the activations.
  package func backward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    rowGradient: UnsafePointer<Float>, rows: UnsafePointer<Int32>, count: Int,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    if count == 0 { return }
    let head = critic.layout.head
    var headBias: Float = 0
    for i in 0..<count { headBias += rowGradient[Int(rows[i])] }
    gradient[head.bias] += headBias
    backwardHidden(
      critic, rowGradient: rowGradient, rows: rows, count: count, gradient: gradient)
    let first = shape.hiddenSizes[0]
    bk_expand_first_layer_backward(
      delta[0].base, nil, actions, actionSize, rows, count, actionWeightGradient.base,
      firstLayer.gradient.base + states.lowerBound * first, first, repeats, first)
  }

  /// ∂Q/∂a·rowGradient for the listed rows, written to those rows of `actionGradient`
  /// (`[rows, actionSize]`). No parameter gradient.
  package func actionGradient(
    _ critic: NetworkView, rowGradient: UnsafePointer<Float>, rows: UnsafePointer<Int32>,
    count: Int,
    into actionGradient: UnsafeMutablePointer<Float>
  ) {
    if count == 0 { return }
    backwardHidden(critic, rowGradient: rowGradient, rows: rows, count: count, gradient: nil)
    let first = shape.hiddenSizes[0]
    let product = actionProduct.matrix(rows: count, columns: actionSize)
    let weight = critic.weight(0).columns(observationSize..<observationSize + actionSize)
    DenseProduct.multiply(delta[0].matrix(rows: count, columns: first), weight, into: product)
    for i in 0..<count {
      let row = Int(rows[i])
      for k in 0..<actionSize {
        actionGradient[row * actionSize + k] = product.base[i * actionSize + k]
      }
    }
  }

  /// From the head down to the first layer's ReLU, compacted to the listed rows, in `delta[0]`;
  /// `hidden[0]` is compacted alike.
  private func backwardHidden(
    _ critic: NetworkView, rowGradient: UnsafePointer<Float>, rows: UnsafePointer<Int32>,
    count: Int,
    gradient: UnsafeMutablePointer<Float>?
  ) {
    let last = shape.hiddenSizes.count - 1
    let head = critic.layout.head
    let lastBias = last == 0 ? sink.base : gradient.map { $0 + critic.layout.layers[last].bias }
    bk_dot_backward(
      hidden[last].base, head.inputs, rowGradient, rows, count, critic.base + head.weight,
      delta[last].base, gradient.map { $0 + head.weight },
      gradient == nil ? nil : lastBias, head.inputs)
    if last == 0 {
      bk_compact_rows(hidden[0].base, head.inputs, rows, count, head.inputs)
      return
    }
    for layer in Swift.stride(from: last, through: 1, by: -1) {
      let place = critic.layout.layers[layer]
      let above = delta[layer].matrix(rows: count, columns: place.outputs)
      let below = hidden[layer - 1].matrix(rows: count, columns: place.inputs)
      bk_compact_rows(below.base, place.inputs, rows, count, place.inputs)
      if let gradient {
        let weightGradient = MatrixView(
          base: gradient + place.weight, rows: place.outputs, columns: place.inputs,
          stride: place.inputs)
        DenseProduct.multiply(
          above, below, transposeA: true, into: weightGradient, accumulates: true)
      }
      let next = delta[layer - 1].matrix(rows: count, columns: place.inputs)
      // The first layer's bias gradient is summed by `finish`, from sums over the rows of a state.
      let bias =
        layer > 1 ? gradient.map { $0 + critic.layout.layers[layer - 1].bias } : nil
      DenseProduct.multiply(
        above, critic.weight(layer), into: next, finish: .mask(positive: below, columnSums: bias))
    }
  }

  package func finish(
    _ critic: NetworkView, observations: MatrixView, into gradient: UnsafeMutablePointer<Float>
  ) {
    firstLayer.addGradient(critic, observations: observations, into: gradient)
    let place = critic.layout.layers[0]
    for output in 0..<place.outputs {
      for k in 0..<actionSize {
        gradient[place.weight + output * place.inputs + observationSize + k] +=
          actionWeightGradient.base[k * place.outputs + output]
      }
    }
  }

  /// 0, 1, 2, …: the list that names every row.
  package var allRows: UnsafePointer<Int32> { UnsafePointer(everyRow) }
}
