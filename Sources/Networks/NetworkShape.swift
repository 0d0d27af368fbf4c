/// Sizes of a multilayer perceptron: ReLU after each hidden layer, one linear head.
public struct NetworkShape: Sendable, Codable, Equatable {
  public var inputSize: Int
  /// Widths of the hidden layers, first to last; at least one.
  public var hiddenSizes: [Int]
  public var outputSize: Int

  public init(inputSize: Int, hiddenSizes: [Int], outputSize: Int) {
    precondition(
      inputSize > 0 && outputSize > 0 && !hiddenSizes.isEmpty && hiddenSizes.allSatisfy { $0 > 0 },
      "a network of \(inputSize) → \(hiddenSizes) → \(outputSize) has an empty layer")
    self.inputSize = inputSize
    self.hiddenSizes = hiddenSizes
    self.outputSize = outputSize
  }

  public var layerCount: Int { hiddenSizes.count + 1 }
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
  }

  package let layers: [Layer]
  package let count: Int

  package init(_ shape: NetworkShape) {
    var layers: [Layer] = []
    var offset = 0
    for index in 0..<shape.layerCount {
      let (inputs, outputs) = shape.sizes(ofLayer: index)
      layers.append(
        Layer(inputs: inputs, outputs: outputs, weight: offset, bias: offset + inputs * outputs))
      offset += inputs * outputs + outputs
    }
    self.layers = layers
    count = offset
  }

  package var head: Layer { layers[layers.count - 1] }
}
