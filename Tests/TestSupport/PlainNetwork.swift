#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A multilayer perceptron as a textbook has it: loops in double precision, to test the fast one.
///
/// Parameters in one array: for each layer the weight, `[out, in]`, then the bias.
public struct PlainNetwork: Sendable {
  /// Inputs, hidden widths, outputs.
  public var sizes: [Int]

  public init(sizes: [Int]) { self.sizes = sizes }

  public var parameterCount: Int {
    (1..<sizes.count).reduce(0) { $0 + sizes[$1] * (sizes[$1 - 1] + 1) }
  }

  public func outputs(_ parameters: [Double], _ input: [Double]) -> [Double] {
    var below = input
    var offset = 0
    for layer in 1..<sizes.count {
      let (inputs, outputs) = (sizes[layer - 1], sizes[layer])
      let bias = offset + inputs * outputs
      let isHead = layer == sizes.count - 1
      below = (0..<outputs).map { output in
        var sum = parameters[bias + output]
        for k in 0..<inputs { sum += parameters[offset + output * inputs + k] * below[k] }
        return isHead ? sum : max(sum, 0)
      }
      offset = bias + outputs
    }
    return below
  }
}

/// The tanh-Gaussian distribution at a head (m, raw log σ), in double precision.
public struct PlainTanhGaussian: Sendable {
  public var mean: [Double]
  public var logStd: [Double]

  public init(mean: [Double], logStd: [Double]) {
    self.mean = mean
    self.logStd = logStd
  }

  /// - Parameter head: (m, raw log σ), `[2·actionSize]`.
  public init(head: [Double], lower: Double = -20, upper: Double = 2) {
    let size = head.count / 2
    mean = Array(head[..<size])
    logStd = head[size...].map { min(max($0, lower), upper) }
  }

  /// The moment-matched mixture before the squashing, in the literal form of BRED eq. 9.
  public init(mixture members: [PlainTanhGaussian]) {
    let count = Double(members.count)
    let size = members[0].mean.count
    let means = (0..<size).map { k in members.reduce(0) { $0 + $1.mean[k] } / count }
    mean = means
    logStd = (0..<size).map { k in
      let second = members.reduce(0) { $0 + exp(2 * $1.logStd[k]) + $1.mean[k] * $1.mean[k] }
      return 0.5 * log(second / count - means[k] * means[k])
    }
  }

  /// a = tanh(m + σ·ε) and log π(a∣s).
  public func draw(_ noise: [Double]) -> (action: [Double], logProb: Double) {
    let z = noise.indices.map { mean[$0] + exp(logStd[$0]) * noise[$0] }
    return (z.map { tanh($0) }, logDensity(z))
  }

  /// log π of a given action, clipped to ±0.999999 as single precision stores it.
  public func logProb(of action: [Double]) -> Double {
    let bound = Double(Float(0.999999))
    return logDensity(action.map { atanh(min(max($0, -bound), bound)) })
  }

  private func logDensity(_ z: [Double]) -> Double {
    z.indices.reduce(0) { sum, k in
      let scaled = (z[k] - mean[k]) / exp(logStd[k])
      let squash = log(1 - tanh(z[k]) * tanh(z[k]))
      return sum - 0.5 * scaled * scaled - logStd[k] - 0.5 * log(2 * Double.pi) - squash
    }
  }
}
