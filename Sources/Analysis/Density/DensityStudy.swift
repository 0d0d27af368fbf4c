import Algorithms
import Autodiff
package import DenseMath
import RLCore
import Replay
package import Runs

/// How likely rows are under a model of a dataset (BRED, figure 1b): those of the dataset that the model was not
/// trained on, and those that an agent met when it began to act.
///
/// A row is x = (s, a), standardised by the training rows, and log-densities are those of the standardised row.
package struct DensityStudy {
  package struct Options: Sendable {
    /// Share of the dataset's rows that the model does not see.
    package var validationFraction = 0.1
    /// Updates of the model.
    package var updates = 100_000
    package var batchSize = 256
    package var learningRate = 1e-3
    /// Units of each of the two hidden layers of encoder and decoder.
    package var width = 750
    /// Numbers in z; `nil`: two for each of an action.
    package var latentSize: Int?
    /// K, draws of z for each row.
    package var draws = 500
    /// Rows of each set whose density is estimated, drawn without replacement; all where there are no more.
    package var rows = 1000
    package var seed: UInt64 = 0

    package init() {}

    /// What a model depends on beside the number of updates, by name.
    fileprivate func identity(dataset: Matrix, latentSize: Int) -> [String: String] {
      let digest = dataset.elements.withUnsafeBytes { SHA256.hexDigest(of: Array($0)) }
      return [
        "dataset": "\(dataset.rows) rows, SHA-256 \(digest)",
        "validation-fraction": "\(validationFraction)", "batch-size": "\(batchSize)",
        "learning-rate": "\(learningRate)", "width": "\(width)", "latent": "\(latentSize)",
        "seed": "\(seed)",
      ]
    }
  }

  /// Some rows of one origin.
  package struct Set: Encodable {
    /// `validation`, or a file.
    package let name: String
    package let rows: [Int]
    /// Estimates of log p(x), in nats.
    package let logLikelihoods: [Double]

    package var mean: Double { SeedStatistics.mean(logLikelihoods) }
    package var standardError: Double {
      logLikelihoods.count > 1 ? SeedStatistics.standardError(logLikelihoods) : 0
    }
  }

  package let sets: [Set]
  /// Mean negative evidence bound of the last hundred updates, or of those after the last full hundred.
  package let finalLoss: Double

  /// Splits, trains and estimates; the same for any number of threads.
  ///
  /// - Parameters:
  ///   - dataset: rows (s, a), the model's.
  ///   - actionSize: how many of a row's columns are the action's.
  ///   - others: rows of other origins, by name.
  ///   - checkpoint: file that keeps the model, and from which its training goes on where it is there.
  ///   - interruption: looked at between updates.
  ///   - progress: called after every hundredth update and the last, with their number and the loss.
  /// - Throws: ``RunError`` where the sets do not fit or the checkpoint is of another study, `TrainingError` where
  ///   the loss diverges, `Interrupted` after a checkpoint.
  package init(
    dataset: Matrix, actionSize: Int, others: [(name: String, rows: Matrix)], _ options: Options,
    pool: WorkerPool, checkpoint: String? = nil, interruption: Interruption = Interruption(),
    progress: (Int, Double) -> Void = { _, _ in }
  ) throws {
    let held = Int((options.validationFraction * Double(dataset.rows)).rounded())
    guard held >= 1, dataset.rows - held >= 2 else {
      throw RunError.mismatch(
        what: "rows of the dataset", expected: "enough to hold some out and train on others",
        actual: "\(dataset.rows), of which \(held) are held out")
    }
    for other in others where other.rows.columns != dataset.columns {
      throw RunError.mismatch(
        what: "\(other.name): numbers of a row", expected: "\(dataset.columns), as in the dataset",
        actual: "\(other.rows.columns)")
    }
    let order = DensityStudy.draw(
      dataset.rows, of: dataset.rows, options.seed, purpose: "analysis/density/split")
    let validation = Array(order.prefix(held))
    let training = DensityStudy.part(dataset, order.dropFirst(held).sorted())

    var settings = DensityModel.Settings()
    (settings.batchSize, settings.learningRate) = (options.batchSize, options.learningRate)
    settings.width = options.width
    settings.latentSize = options.latentSize ?? 2 * actionSize
    var setup = AgentSetup(observationSize: dataset.columns, actionSize: 1)
    let normalizer = ObservationNormalizer(standardizing: training)
    setup.normalizer = normalizer
    setup.seed = options.seed
    let model = try Agent(DensityModel.self, settings, setup, pool: pool)
    var steps = DensityTraining(
      model, on: training, options,
      identity: options.identity(dataset: dataset, latentSize: settings.latentSize))
    finalLoss = try steps.run(
      checkpoint: checkpoint, interruption: interruption, progress: progress)

    let estimate = ImportanceWeightedLikelihood(
      encoder: model.networks("encoder")![0], decoder: model.networks("decoder")![0],
      variance: model.numbers["variance"]!)
    func set(_ name: String, _ matrix: Matrix, among candidates: [Int]) -> Set {
      let purpose = "analysis/density/\(name)"
      let places = DensityStudy.draw(
        min(options.rows, candidates.count), of: candidates.count, options.seed,
        purpose: purpose + "/rows")
      let rows = places.map { candidates[$0] }.sorted()
      return Set(
        name: name, rows: rows,
        logLikelihoods: estimate(
          normalizer(DensityStudy.part(matrix, rows)), draws: options.draws,
          key: RandomStream.Key(seed: options.seed, purpose: purpose), pool: pool))
    }
    sets =
      [set("validation", dataset, among: validation)]
      + others.map { set($0.name, $0.rows, among: Array(0..<$0.rows.rows)) }
  }

  /// `count` of the numbers below `total`, none twice.
  private static func draw(_ count: Int, of total: Int, _ seed: UInt64, purpose: String) -> [Int] {
    var stream = RandomStream(seed: seed, purpose: purpose)
    return stream.distinct(count, below: total)
  }

  private static func part(_ matrix: Matrix, _ rows: [Int]) -> Matrix {
    Matrix(
      rows: rows.count, columns: matrix.columns, elements: rows.flatMap { Array(matrix.row($0)) })
  }

  /// A row for each estimate.
  package var csv: String {
    CSVText.lines(
      [["set", "row", "log_likelihood"]]
        + sets.flatMap { set in
          zip(set.rows, set.logLikelihoods).map { [set.name, "\($0)", "\($1)"] }
        })
  }
}

extension ObservationNormalizer {
  /// Mean and deviation of each column; one that does not vary keeps its scale.
  fileprivate init(standardizing rows: Matrix) {
    var (mean, std) = ([Float](), [Float]())
    for column in 0..<rows.columns {
      var (sum, squares) = (0.0, 0.0)
      for row in 0..<rows.rows { sum += Double(rows[row, column]) }
      let middle = sum / Double(rows.rows)
      for row in 0..<rows.rows {
        let difference = Double(rows[row, column]) - middle
        squares += difference * difference
      }
      let deviation = Float((squares / Double(rows.rows)).squareRoot())
      mean.append(Float(middle))
      std.append(deviation > 0 ? deviation : 1)
    }
    self.init(mean: mean, std: std)
  }
}
