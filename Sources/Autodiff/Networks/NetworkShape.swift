/// Sizes of a multilayer perceptron: ReLU after each hidden layer, one linear head.
///
/// With ``normalizesLayers`` each hidden layer is linear, layer norm (with scale and shift), ReLU.
public struct NetworkShape: Sendable, Codable, Equatable {
  /// Numbers that go in: observationSize of a policy, observationSize + actionSize of a critic.
  public var inputSize: Int
  /// Widths of the hidden layers, first to last; at least one.
  public var hiddenSizes: [Int]
  /// Numbers that come out of the head; twice actionSize for a tanh-Gaussian policy.
  public var outputSize: Int
  /// Whether a layer norm stands before each ReLU.
  public var normalizesLayers: Bool

  /// - Precondition: a hidden layer, and all sizes above 0.
  public init(
    inputSize: Int, hiddenSizes: [Int], outputSize: Int, normalizesLayers: Bool = false
  ) {
    precondition(
      inputSize > 0 && outputSize > 0 && !hiddenSizes.isEmpty && hiddenSizes.allSatisfy { $0 > 0 },
      "a network of \(inputSize) → \(hiddenSizes) → \(outputSize) has an empty layer")
    self.inputSize = inputSize
    self.hiddenSizes = hiddenSizes
    self.outputSize = outputSize
    self.normalizesLayers = normalizesLayers
  }

  /// Linear layers, the head included.
  public var layerCount: Int { hiddenSizes.count + 1 }
  /// All weights and biases, scales and shifts of layer norms included.
  public var parameterCount: Int { ParameterLayout(self).count }

  /// Inputs and outputs of layer `index`; the head comes last.
  package func sizes(ofLayer index: Int) -> (inputs: Int, outputs: Int) {
    let inputs = index == 0 ? inputSize : hiddenSizes[index - 1]
    let outputs = index == hiddenSizes.count ? outputSize : hiddenSizes[index]
    return (inputs, outputs)
  }
}

/// Where each tensor of a network stands in its flat array of parameters.
package struct ParameterLayout: Sendable, Equatable {
  package struct Layer: Sendable, Equatable {
    package let inputs: Int
    package let outputs: Int
    /// Offset of the weight, `[outputs, inputs]` row-major.
    package let weight: Int
    /// Offset of the bias, `[outputs]`.
    package let bias: Int
    /// Offsets of the layer norm's scale and shift, `[outputs]`; −1: the layer has none.
    package let scale: Int
    package let shift: Int
    /// Place of the layer's outputs among all hidden units.
    package let place: Int

    package var isNormalized: Bool { scale >= 0 }
    /// Where the sum over rows of the gradient before the ReLU goes.
    package var shiftOrBias: Int { isNormalized ? shift : bias }
  }

  package let layers: [Layer]
  package let count: Int

  package init(_ shape: NetworkShape) {
    var layers: [Layer] = []
    var (offset, place) = (0, 0)
    for index in 0..<shape.layerCount {
      let (inputs, outputs) = shape.sizes(ofLayer: index)
      let normalizes = shape.normalizesLayers && index < shape.hiddenSizes.count
      let end = offset + inputs * outputs + outputs
      layers.append(
        Layer(
          inputs: inputs, outputs: outputs, weight: offset, bias: offset + inputs * outputs,
          scale: normalizes ? end : -1, shift: normalizes ? end + outputs : -1, place: place))
      offset = end + (normalizes ? 2 * outputs : 0)
      place += outputs
    }
    self.layers = layers
    count = offset
  }

  package var head: Layer { layers[layers.count - 1] }
}
