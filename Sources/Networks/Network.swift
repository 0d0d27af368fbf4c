public import DenseMath

/// The parameters of one multilayer perceptron, in one flat array.
///
/// Adam, Polyak averaging and checkpoints are each one loop over that array.
public final class Network: @unchecked Sendable {
  public let shape: NetworkShape
  package let layout: ParameterLayout
  package let values: FloatBuffer

  /// All parameters zero.
  public init(shape: NetworkShape) {
    self.shape = shape
    layout = ParameterLayout(shape)
    values = FloatBuffer(count: layout.count)
  }

  public convenience init(copyOf other: Network) {
    self.init(shape: other.shape)
    values.base.update(from: other.values.base, count: values.count)
  }

  public var parameters: [Float] {
    get { values.elements }
    set { values.elements = newValue }
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
  /// Bound of the head's weights; 0.003 for critics, 0.001 for policies (rlkit).
  public var headBound: Float
  /// Hidden biases: 0 in rlkit since August 2020, 0.1 before it and in the official CQL code.
  public var hiddenBias: Float = 0
  /// Number of head outputs, counted from the end, whose bias is drawn like the head's weights
  /// instead of being 0: rlkit leaves the log-std head at its own initialisation, bias included.
  public var randomHeadBiases: Int = 0

  public static let critic = Initialization(headBound: 3e-3)
  public static func policy(actionSize: Int) -> Initialization {
    Initialization(headBound: 1e-3, randomHeadBiases: actionSize)
  }

  public init(headBound: Float, hiddenBias: Float = 0, randomHeadBiases: Int = 0) {
    self.headBound = headBound
    self.hiddenBias = hiddenBias
    self.randomHeadBiases = randomHeadBiases
  }
}

extension Network {
  /// rlkit's initialisation: hidden weights uniform on ±1/√(number of outputs) (it is called fan-in,
  /// but the arrays are stored outputs first), head weights uniform on ±`headBound`.
  public func initialize(_ rule: Initialization, using generator: inout RandomStream) {
    for (index, layer) in layout.layers.enumerated() {
      let isHead = index == layout.layers.count - 1
      let bound = isHead ? Double(rule.headBound) : 1 / Double(layer.outputs).squareRoot()
      for i in 0..<layer.inputs * layer.outputs {
        values.base[layer.weight + i] = Float(generator.uniform(-bound, bound))
      }
      for i in 0..<layer.outputs {
        values.base[layer.bias + i] =
          !isHead
          ? rule.hiddenBias
          : i >= layer.outputs - rule.randomHeadBiases ? Float(generator.uniform(-bound, bound)) : 0
      }
      if layer.isNormalized {
        for i in 0..<layer.outputs {
          values.base[layer.scale + i] = 1
          values.base[layer.shift + i] = 0
        }
      }
    }
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
