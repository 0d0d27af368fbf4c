public import DenseMath

/// The parameters of one multilayer perceptron, in one flat array.
///
/// Adam, Polyak averaging and checkpoints are each one loop over that array.
public final class Network: @unchecked Sendable {
  /// Sizes of the layers; they never change.
  public let shape: NetworkShape
  package let layout: ParameterLayout
  package let values: FloatBuffer

  /// All parameters zero.
  public init(shape: NetworkShape) {
    self.shape = shape
    layout = ParameterLayout(shape)
    values = FloatBuffer(count: layout.count)
  }

  /// Has parameters of its own: later updates of one do not show in the other.
  public convenience init(copyOf other: Network) {
    self.init(shape: other.shape)
    values.base.update(from: other.values.base, count: values.count)
  }

  /// A copy of all parameters, `[shape.parameterCount]`: layer by layer the weight
  /// `[outputs, inputs]`, the bias `[outputs]` and, where there is a layer norm, its scale and shift
  /// `[outputs]`; the head last. To set it takes the same number.
  public var parameters: [Float] {
    get { values.elements }
    set { values.elements = newValue }
  }

  /// A copy whose outputs are all larger by `offset`.
  public func shifted(by offset: Float) -> Network {
    let result = Network(copyOf: self)
    let head = layout.layers[layout.layers.count - 1]
    for output in 0..<head.outputs { result.values.base[head.bias + output] += offset }
    return result
  }

  /// These parameters as kernels read them; valid while the network lives.
  package var view: NetworkView { NetworkView(layout: layout, base: values.base) }

  package func weight(_ layer: Int) -> MatrixView { view.weight(layer) }
  package func bias(_ layer: Int) -> UnsafeMutablePointer<Float> { view.bias(layer) }
}

/// A window onto the parameters of one network that somebody else owns and keeps alive.
package struct NetworkView {
  package let layout: ParameterLayout
  package let base: UnsafeMutablePointer<Float>

  package init(layout: ParameterLayout, base: UnsafeMutablePointer<Float>) {
    self.layout = layout
    self.base = base
  }

  @inline(__always)
  package func weight(_ layer: Int) -> MatrixView {
    let place = layout.layers[layer]
    return MatrixView(
      base: base + place.weight, rows: place.outputs, columns: place.inputs,
      stride: place.inputs)
  }

  @inline(__always)
  package func bias(_ layer: Int) -> UnsafeMutablePointer<Float> {
    base + layout.layers[layer].bias
  }
}

/// How a network's parameters start.
public struct Initialization: Sendable, Codable, Equatable {
  /// Weights of a layer.
  public enum Weights: Sendable, Codable, Equatable {
    /// Uniform on ±bound.
    case uniform(Double)
    /// rlkit: uniform on ±1/√(number of outputs). It is called fan-in there, but the arrays are stored
    /// outputs first.
    case rlkit
    /// PyTorch's default: uniform on ±1/√(number of inputs), biases too.
    case fanIn
    /// Orthonormal rows or columns times gain (Saxe et al. 2014).
    case orthogonal(gain: Double)
    /// Glorot & Bengio 2010: uniform on ±gain·√(6/(inputs + outputs)).
    case xavier(gain: Double)
  }

  /// Weights of every hidden layer.
  public var hidden: Weights
  /// Weights of the last layer.
  public var head: Weights
  /// Hidden biases: 0 in rlkit since August 2020, 0.1 before it and in the official CQL code.
  public var hiddenBias: Float = 0
  /// Number of head outputs, counted from the end, whose bias is drawn like the head's weights
  /// instead of being 0: rlkit leaves the log-std head at its own initialisation, bias included.
  public var randomHeadBiases: Int = 0

  public init(hidden: Weights = .rlkit, head: Weights) {
    self.hidden = hidden
    self.head = head
  }

  /// rlkit's critics: head uniform on ±0.003.
  public static let critic = Initialization(head: .uniform(3e-3))
  /// rlkit's tanh-Gaussian policies: head uniform on ±0.001.
  public static func policy(actionSize: Int) -> Initialization {
    var result = Initialization(head: .uniform(1e-3))
    result.randomHeadBiases = actionSize
    return result
  }
  /// What `torch.nn.Linear` does by itself.
  public static let torch = Initialization(hidden: .fanIn, head: .fanIn)
}

extension Network {
  /// Draws all parameters anew, layer by layer, weights before biases; a layer norm gets scale 1
  /// and shift 0.
  public func initialize(_ rule: Initialization, using generator: inout RandomStream) {
    for (index, layer) in layout.layers.enumerated() {
      let isHead = index == layout.layers.count - 1
      let weights = isHead ? rule.head : rule.hidden
      let bound = draw(weights, for: layer, using: &generator)
      for i in 0..<layer.outputs {
        let isRandom =
          weights == .fanIn || isHead && i >= layer.outputs - rule.randomHeadBiases
        values.base[layer.bias + i] =
          isRandom ? Float(generator.uniform(-bound, bound)) : isHead ? 0 : rule.hiddenBias
      }
      if layer.isNormalized {
        for i in 0..<layer.outputs {
          values.base[layer.scale + i] = 1
          values.base[layer.shift + i] = 0
        }
      }
    }
  }

  /// Fills a layer's weight.
  /// - Returns: the bound of the uniform distribution, 0 where there is none.
  private func draw(
    _ weights: Initialization.Weights, for layer: ParameterLayout.Layer,
    using generator: inout RandomStream
  ) -> Double {
    let bound: Double
    switch weights {
    case .uniform(let given): bound = given
    case .rlkit: bound = 1 / Double(layer.outputs).squareRoot()
    case .fanIn: bound = 1 / Double(layer.inputs).squareRoot()
    case .xavier(let gain): bound = gain * (6 / Double(layer.inputs + layer.outputs)).squareRoot()
    case .orthogonal(let gain):
      let rows = Orthonormal.rows(
        min(layer.inputs, layer.outputs), length: max(layer.inputs, layer.outputs), &generator)
      for output in 0..<layer.outputs {
        for input in 0..<layer.inputs {
          let element =
            layer.outputs <= layer.inputs ? rows[output][input] : rows[input][output]
          values.base[layer.weight + output * layer.inputs + input] = Float(gain * element)
        }
      }
      return 0
    }
    for i in 0..<layer.inputs * layer.outputs {
      values.base[layer.weight + i] = Float(generator.uniform(-bound, bound))
    }
    return bound
  }
}

/// Random orthonormal vectors, by Gram and Schmidt with a second pass against rounding.
private enum Orthonormal {
  static func rows(_ count: Int, length: Int, _ generator: inout RandomStream) -> [[Double]] {
    var rows: [[Double]] = []
    for _ in 0..<count {
      var row = (0..<length).map { _ in generator.normal() }
      for _ in 0..<2 {
        for other in rows {
          let dot = zip(row, other).reduce(0) { $0 + $1.0 * $1.1 }
          for k in row.indices { row[k] -= dot * other[k] }
        }
      }
      let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
      rows.append(row.map { $0 / norm })
    }
    return rows
  }
}

extension Network {
  /// A freshly initialised tanh-Gaussian policy.
  public static func policy(
    _ shape: NetworkShape, actionSize: Int, seed: UInt64, purpose: String
  ) -> Network {
    let network = Network(shape: shape)
    var generator = RandomStream(seed: seed, purpose: purpose)
    network.initialize(.policy(actionSize: actionSize), using: &generator)
    return network
  }

  /// A freshly initialised critic.
  public static func critic(_ shape: NetworkShape, seed: UInt64, purpose: String) -> Network {
    let network = Network(shape: shape)
    var generator = RandomStream(seed: seed, purpose: purpose)
    network.initialize(.critic, using: &generator)
    return network
  }
}
