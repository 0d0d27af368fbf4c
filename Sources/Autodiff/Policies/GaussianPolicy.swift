internal import CVectorKernels
public import DenseMath
public import RLCore

/// The range to which raw log standard deviations are clipped before use.
public struct LogStdBounds: Sendable, Codable, Equatable {
  /// Least log σ, a natural logarithm.
  public var lower: Float
  /// Greatest log σ.
  public var upper: Float

  /// rlkit and Off2On: [−20, 2].
  public static let standard = LogStdBounds(lower: -20, upper: 2)

  public init(lower: Float, upper: Float) {
    self.lower = lower
    self.upper = upper
  }
}

/// A tanh-Gaussian policy: a = tanh(m(s) + σ(s)·ε), with log σ clipped.
///
/// One network gives both heads: its output is (m, raw log σ), `[2·actionSize]`. Log-densities
/// include the squashing term Σ −log(1 − tanh² z), written stably.
public struct GaussianPolicy: Policy {
  /// Its head gives m(s), then raw log σ(s), `[2·actionSize]`.
  public let network: Network
  /// To what raw log σ is clipped.
  public let logStdBounds: LogStdBounds

  /// - Precondition: the network has an even number of outputs.
  public init(network: Network, logStdBounds: LogStdBounds = .standard) {
    precondition(network.shape.outputSize % 2 == 0, "a policy's head holds means and log-stds")
    self.network = network
    self.logStdBounds = logStdBounds
  }

  /// Sizes of such a policy's network, without layer norm; the head is `[2·actionSize]`.
  public static func shape(
    observationSize: Int, actionSize: Int, hiddenSizes: [Int]
  ) -> NetworkShape {
    NetworkShape(
      inputSize: observationSize, hiddenSizes: hiddenSizes, outputSize: 2 * actionSize)
  }

  public var observationSize: Int { network.shape.inputSize }
  public var actionSize: Int { network.shape.outputSize / 2 }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    let head = heads(for: Matrix(rows: 1, columns: observation.count, elements: observation))
    return head.elements.withUnsafeBufferPointer { head in
      TanhGaussian.choose(
        head: head.baseAddress!, actionSize: actionSize, bounds: logStdBounds,
        selection: selection, using: &generator)
    }
  }

  /// (m, raw log σ) for each observation, `[rows, 2·actionSize]`.
  public func heads(for observations: Matrix) -> Matrix {
    precondition(
      observations.columns == observationSize,
      "observations have \(observations.columns) columns, the policy takes \(observationSize)")
    return network.outputs(for: observations)
  }

  /// log π(a∣s) of given actions (clipped to ±0.999999), `[rows]`.
  public func logProb(of actions: Matrix, given observations: Matrix) -> [Float] {
    precondition(actions.columns == actionSize && actions.rows == observations.rows)
    let head = heads(for: observations)
    var result = [Float](repeating: 0, count: actions.rows)
    bk_tanh_gaussian_log_prob(
      head.elements, actions.elements, &result, actions.rows, actionSize, logStdBounds.lower,
      logStdBounds.upper)
    return result
  }
}

/// The distribution at a policy's head, shared by all policies of this family.
package enum TanhGaussian {
  package static func choose(
    head: UnsafePointer<Float>, actionSize: Int, bounds: LogStdBounds,
    selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    var action = [Float](repeating: 0, count: actionSize)
    switch selection {
    case .mean:
      bk_tanh(head, &action, actionSize)
      return ChosenAction(action: action, logProb: 0)
    case .sample:
      let noise = (0..<actionSize).map { _ in Float(generator.normal()) }
      var logProb: Float = 0
      bk_tanh_gaussian(head, noise, &action, &logProb, 1, 1, actionSize, bounds.lower, bounds.upper)
      return ChosenAction(action: action, logProb: logProb)
    }
  }
}
