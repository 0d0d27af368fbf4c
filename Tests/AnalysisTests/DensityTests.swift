import Autodiff
import DenseMath
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Analysis

/// Log-likelihoods of rows (BRED, figure 1b).
@Suite struct DensityTests {
  private let pool = WorkerPool(threads: 2)

  /// Linear decoder: x = W·z + b + noise is Gaussian, so that log p(x) is known. The encoder is a rough guess,
  /// which the weights have to make good.
  @Test func theEstimateIsThatOfAKnownDensity() {
    // relu(u) − relu(−u) = u: two hidden units for each input make a network linear.
    func linear(inputs: Int, _ matrix: [[Float]], _ shift: [Float]) -> Network {
      let network = Network(
        shape: NetworkShape(
          inputSize: inputs, hiddenSizes: [2 * inputs], outputSize: matrix.count))
      let (first, head) = (network.layout.layers[0], network.layout.layers[1])
      for input in 0..<inputs {
        for (unit, sign) in [(2 * input, Float(1)), (2 * input + 1, -1)] {
          network.values.base[first.weight + unit * inputs + input] = sign
          for (output, row) in matrix.enumerated() {
            network.values.base[head.weight + output * 2 * inputs + unit] = sign * row[input]
          }
        }
      }
      for (output, value) in shift.enumerated() { network.values.base[head.bias + output] = value }
      return network
    }
    let decoder = linear(inputs: 1, [[1.5], [-0.5]], [0.25, 1])
    // μ = 0.3·x₁, log σ = −0.2.
    let encoder = linear(inputs: 2, [[0.3, 0], [0, 0]], [0, -0.2])
    let variance = 0.4
    let likelihood = ImportanceWeightedLikelihood(
      encoder: encoder, decoder: decoder, variance: variance)
    let rows = Matrix(rows: 3, columns: 2, elements: [0, 0.5, 2, 1, -1.5, 2])
    let found = likelihood(
      rows, draws: 50_000, key: RandomStream.Key(seed: 0, purpose: "test"), pool: pool)
    for row in 0..<3 {
      // Covariance W·Wᵀ + v of two numbers.
      let (a, b, c) = (1.5 * 1.5 + variance, 1.5 * -0.5, 0.5 * 0.5 + variance)
      let (u, w) = (Double(rows[row, 0]) - 0.25, Double(rows[row, 1]) - 1)
      let determinant = a * c - b * b
      let distance = (c * u * u - 2 * b * u * w + a * w * w) / determinant
      let expected = -log(2 * Double.pi) - 0.5 * log(determinant) - 0.5 * distance
      #expect(abs(found[row] - expected) < 0.02, "\(found[row]) \(expected)")
    }
    let alone = WorkerPool(threads: 1)
    let key = RandomStream.Key(seed: 0, purpose: "test")
    #expect(
      likelihood(rows, draws: 10, key: key, pool: alone)
        == likelihood(rows, draws: 10, key: key, pool: pool))
    // Fewer draws, a lower bound on average.
    let many = Matrix(
      rows: 400, columns: 2, elements: (0..<400).flatMap { _ in [Float(2), 1] })
    let bound = SeedStatistics.mean(likelihood(many, draws: 1, key: key, pool: pool))
    #expect(bound < found[1] - 0.05)
  }

  private func gaussian(_ count: Int, shift: Float = 0, seed: UInt64) -> Matrix {
    var stream = RandomStream(seed: seed, purpose: "rows")
    return Matrix(
      rows: count, columns: 3,
      elements: (0..<count).flatMap { _ -> [Float] in
        let (p, q, r) = (
          Float(stream.normal()), Float(stream.normal()), Float(stream.normal())
        )
        return [10 + 3 * p + shift, 0.8 * p + 0.6 * q, 0.5 * r]
      })
  }

  private var options: DensityStudy.Options {
    var options = DensityStudy.Options()
    (options.updates, options.width, options.draws) = (1500, 32, 100)
    (options.rows, options.batchSize, options.latentSize) = (200, 128, 3)
    return options
  }

  /// Correlated normal numbers: held-out rows get nearly their entropy, shifted ones less.
  @Test func theModelKnowsItsData() throws {
    let data = gaussian(3000, seed: 1)
    let others = [
      ("same", gaussian(300, seed: 2)), ("shifted", gaussian(300, shift: 9, seed: 3)),
    ].map { (name: $0.0, rows: $0.1) }
    let study = try DensityStudy(
      dataset: data, actionSize: 1, others: others, options, pool: pool)
    #expect(study.sets.map(\.name) == ["validation", "same", "shifted"])
    #expect(study.sets.allSatisfy { $0.rows.count == 200 && Set($0.rows).count == 200 })
    // Standardised: correlation 0.8 between two numbers, a third by itself.
    let entropy = 1.5 * (1 + log(2 * Double.pi)) + 0.5 * log(1 - 0.64)
    for set in study.sets.prefix(2) {
      #expect(abs(set.mean + entropy) < 0.35, "\(set.name) \(set.mean) \(-entropy)")
    }
    #expect(study.sets[2].mean < study.sets[0].mean - 2)
    #expect(study.csv.split(separator: "\n").count == 1 + 600)
    #expect(study.finalLoss > entropy - 0.5)
  }

  @Test func threadsChangeNothing() throws {
    var brief = options
    (brief.updates, brief.rows) = (20, 10)
    let found = try [1, 3].map { threads in
      let pool = WorkerPool(threads: threads)
      defer { pool.shutDown() }
      return try DensityStudy(
        dataset: gaussian(500, seed: 1), actionSize: 1, others: [], brief, pool: pool
      ).csv
    }
    #expect(found[0] == found[1])
  }

  /// Stopped twice, it gives the bytes of one that was not.
  @Test func aStoppedStudyGoesOnToTheSameBytes() throws {
    var brief = options
    (brief.updates, brief.rows) = (250, 10)
    let data = gaussian(500, seed: 1)
    let folder = TemporaryDirectory()
    let file = "\(folder.path)/model.safetensors"
    func study(
      _ options: DensityStudy.Options, to file: String?, _ data: Matrix,
      _ interruption: Interruption = Interruption(), progress: (Int, Double) -> Void = { _, _ in }
    ) throws -> DensityStudy {
      try DensityStudy(
        dataset: data, actionSize: 1, others: [], options, pool: pool, checkpoint: file,
        interruption: interruption, progress: progress)
    }
    let whole = try study(brief, to: nil, data)
    for stop in [100, 200] {
      let interruption = Interruption()
      #expect(throws: Interrupted.self) {
        try study(brief, to: file, data, interruption) { count, _ in
          if count == stop { interruption.request() }
        }
      }
    }
    var seen: [Int] = []
    let resumed = try study(brief, to: file, data) { count, _ in seen.append(count) }
    #expect(seen == [250])
    #expect(resumed.csv == whole.csv && resumed.finalLoss == whole.finalLoss)
    #expect(whole.finalLoss.isFinite)

    // A trained model judges without training, with more draws and rows.
    var more = brief
    (more.draws, more.rows) = (200, 20)
    #expect(
      try study(more, to: file, data).csv == study(more, to: nil, data).csv)
    // And can be trained on.
    var longer = brief
    longer.updates = 300
    let (trainedOn, afresh) = (
      try study(longer, to: file, data), try study(longer, to: nil, data)
    )
    #expect(trainedOn.csv == afresh.csv && trainedOn.finalLoss == afresh.finalLoss)

    // But not as another study's.
    #expect {
      try study(brief, to: file, data)
    } throws: { "\($0)".contains("updates: expected at most 250, found 300") }
    var wider = longer
    wider.width = 48
    #expect {
      try study(wider, to: file, data)
    } throws: { "\($0)".contains("width: 48, there 32") }
    #expect {
      try study(longer, to: file, gaussian(500, seed: 2))
    } throws: { "\($0)".contains("dataset: 500 rows") }
    try Data("no tensors".utf8).write(to: URL(fileURLWithPath: file))
    #expect {
      try study(longer, to: file, data)
    } throws: { "\($0)".contains("\(file): this checkpoint cannot be resumed") }
  }

  @Test func setsThatDoNotFitAreRefused() throws {
    let data = gaussian(50, seed: 1)
    let other = (name: "other", rows: Matrix(rows: 4, columns: 2))
    #expect(throws: RunError.self) {
      try DensityStudy(dataset: data, actionSize: 1, others: [other], options, pool: pool)
    }
    #expect(throws: RunError.self) {
      try DensityStudy(
        dataset: gaussian(2, seed: 1), actionSize: 1, others: [], options, pool: pool)
    }
  }
}
