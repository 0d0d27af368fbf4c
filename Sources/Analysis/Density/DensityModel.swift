import Algorithms
import Autodiff
import DenseMath
import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A variational autoencoder of whole rows x (Kingma and Welling 2013, arXiv:1312.6114), as a model of their
/// density (BRED, figure 1b):
///
///     z ~ N(0, 1),  x∣z ~ N(decoder(z), v),  q(z∣x) = N(μ, σ²),  (μ, log σ) = encoder(x), log σ clipped to [−4, 15]
///     L = mean[½·‖x − x̂‖²/v + ½D·log(2πv) + ½·Σ(μ² + σ² − 1 − log σ²)]
///
/// with one learned variance v. The rows stand in a minibatch's observations; its other columns are not used.
final class DensityModel: Algorithm {
  static let name = "density-model"
  static let summary = "variational autoencoder of rows"

  struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Rows in a minibatch.")
    var batchSize = 256
    @Setting(above: 0, through: 1, "Adam's step size.", source: "SPOT's code")
    var learningRate = 1e-3
    @Setting(1...65_536, "Units of each of the two hidden layers.", source: "SPOT's code")
    var width = 750
    @Setting(1...4096, "Numbers in z.")
    var latentSize = 12
    init() {}
  }

  private let encoder: FeedForward
  private let decoder: FeedForward
  private let variance: PositiveScalar
  private let latentSize: Int
  private let rowSize: Int
  private let noise: Noise
  private let loss: Metric

  init(_ settings: Settings, _ parts: AgentParts) {
    let optimizer = OptimizerSettings.adam(learningRate: settings.learningRate)
    let hidden = [settings.width, settings.width]
    latentSize = settings.latentSize
    rowSize = parts.observationSize
    encoder = parts.network(
      "encoder", inputSize: parts.observationSize, outputSize: 2 * latentSize,
      hiddenSizes: hidden, initialization: .torch, optimizer: optimizer)
    decoder = parts.network(
      "decoder", inputSize: latentSize, outputSize: parts.observationSize, hiddenSizes: hidden,
      initialization: .torch, optimizer: optimizer)
    variance = parts.scalar("variance", initial: 1, optimizer: optimizer)
    noise = parts.noise("latent")
    loss = parts.metric("loss", "−(evidence lower bound), averaged")
  }

  func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    let x = batch.observations
    try step.minimize(encoder, decoder, variance, reporting: loss) {
      let code = encoder(x)
      let mean = code.columns(0..<latentSize)
      let logStd = code.columns(latentSize..<2 * latentSize).clamped(-4, 15)
      let deviation = logStd.exponential()
      let z = mean + deviation * step.normal(noise, rows: x.rows, columns: latentSize)
      let error = decoder(z).squaredError(to: x).sum()
      let logVariance = variance.logarithm(for: error)
      let divergence = (mean.squared() + deviation.squared() - 1 - 2 * logStd).sum()
      let size = Double(x.columns)
      return 0.5 * error * (-logVariance).exponential() + (size / 2) * logVariance
        + size / 2 * log(2 * Double.pi) + 0.5 * divergence
    }
  }

  /// A model of rows does not act.
  var policy: any Policy { UniformPolicy(observationSize: rowSize, actionSize: 1) }
}

/// log p(x) of a variational autoencoder by K weighted draws (Burda et al. 2016, arXiv:1509.00519):
///
///     log p̂(x) = logsumexp_k[log p(x∣z_k) + log p(z_k) − log q(z_k∣x)] − log K,  z_k ~ q(z∣x)
struct ImportanceWeightedLikelihood {
  let encoder: Network
  let decoder: Network
  /// v of x∣z ~ N(decoder(z), v).
  let variance: Double

  /// For each row; the same for any number of threads.
  ///
  /// - Parameter draws: K.
  func callAsFunction(
    _ rows: Matrix, draws: Int, key: RandomStream.Key, pool: WorkerPool
  ) -> [Double] {
    let latentSize = decoder.shape.inputSize
    let codes = encoder.outputs(for: rows)
    var result = [Double](repeating: 0, count: rows.rows)
    result.withUnsafeMutableBufferPointer { result in
      // Each row writes its own element.
      nonisolated(unsafe) let result = result
      pool.run(rows.rows) { row, _ in
        var stream = key.stream(step: UInt64(row))
        let code = Array(codes.row(row)).map(Double.init)
        let x = Array(rows.row(row))
        var weights = [Double](repeating: 0, count: draws)
        var z = Matrix(rows: draws, columns: latentSize)
        for k in 0..<draws {
          for j in 0..<latentSize {
            let epsilon = stream.normal()
            let logStd = min(max(code[latentSize + j], -4), 15)
            let value = code[j] + exp(logStd) * epsilon
            z.elements[k * latentSize + j] = Float(value)
            // log p(z) − log q(z∣x); their constants cancel.
            weights[k] += 0.5 * (epsilon * epsilon - value * value) + logStd
          }
        }
        let means = decoder.outputs(for: z).elements
        let constant = 0.5 * Double(x.count) * log(2 * Double.pi * variance)
        for k in 0..<draws {
          var error = 0.0
          for d in x.indices {
            let difference = Double(x[d]) - Double(means[k * x.count + d])
            error += difference * difference
          }
          weights[k] -= 0.5 * error / variance + constant
        }
        let top = weights.max()!
        let sum = weights.reduce(0) { $0 + exp($1 - top) }
        result[row] = top + log(sum / Double(draws))
      }
    }
    return result
  }
}
