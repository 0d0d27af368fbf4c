package import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A positive scalar learned as its logarithm by Adam: SAC's temperature α and CQL's multiplier α′.
package struct LogScalar: Sendable, Equatable {
  package private(set) var logarithm: Double
  private var moment1 = 0.0
  private var moment2 = 0.0
  private var stepCount = 0

  package init(logarithm: Double = 0) { self.logarithm = logarithm }

  package var value: Float { Float(exp(logarithm)) }

  /// One Adam step (β₁ 0.9, β₂ 0.999, ε 1e-8) on the logarithm.
  package mutating func step(gradient: Double, learningRate: Double) {
    stepCount += 1
    moment1 = 0.9 * moment1 + 0.1 * gradient
    moment2 = 0.999 * moment2 + 0.001 * gradient * gradient
    let correction1 = 1 - pow(0.9, Double(stepCount))
    let correction2 = 1 - pow(0.999, Double(stepCount))
    logarithm -=
      learningRate * (moment1 / correction1) / ((moment2 / correction2).squareRoot() + 1e-8)
  }

  package var state: Tensor {
    Tensor(.float64([logarithm, moment1, moment2, Double(stepCount)]))
  }

  package mutating func restore(_ state: NamedTensors, _ name: String) throws(StateError) {
    let values = try state.doubles(name, count: 4)
    logarithm = values[0]
    moment1 = values[1]
    moment2 = values[2]
    stepCount = Int(values[3])
  }
}

/// Gradient of SAC's temperature loss −mean[log α·(log π + H̄)] with respect to log α.
package func temperatureGradient(meanLogProb: Double, targetEntropy: Double) -> Double {
  -(meanLogProb + targetEntropy)
}
