import Analysis
import ArgumentParser
import DenseMath
import Datasets
import Foundation
import RLCore
import Runs

struct AnalyseDensity: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "density",
    abstract: "How likely an agent's own steps are under a model of the data (BRED, figure 1b).",
    discussion: """
      Holds rows of the dataset out, trains a variational autoencoder of (s, a) on the others, and estimates \
      log p of held-out rows and of the rows of other files by importance-weighted draws. Rows are \
      standardised, and densities are those of standardised rows. Online rows come from a run with \
      --replay-dataset, or from bred dataset collect.

      The CSV has a line for each estimated row: set, row, log_likelihood. The model is kept beside it, as \
      OUTPUT.safetensors, while it is trained and afterwards: --resume goes on with a study that was stopped, \
      and judges other rows, or with more draws, without training again.

      Examples:
        bred analyse density walker2d-medium-v2 --online online.hdf5 \\
          --output density.csv
        bred analyse density data.hdf5 --online a.hdf5 --online b.hdf5 \\
          --output density.csv --updates 20000
        bred analyse density data.hdf5 --online c.hdf5 --output density.csv \\
          --updates 20000 --resume
      """)

  @Argument(
    help: "The dataset: an HDF5 file, or D4RL's name of one.", completion: .file(),
    transform: HomePath.expanded)
  var dataset: String

  @Option(
    name: .long, parsing: .singleValue,
    help: ArgumentHelp("HDF5 file with rows to be judged; repeatable.", valueName: "file"),
    completion: .file(), transform: HomePath.expanded)
  var online: [String] = []

  @Option(
    name: [.short, .long], help: "CSV file to write.", completion: .file(),
    transform: OutputFile.init)
  var output: OutputFile

  @Option(name: .long, parsing: .unconditional, help: "Updates of the autoencoder.")
  var updates = DensityStudy.Options().updates

  @Option(name: .long, parsing: .unconditional, help: "Rows in a minibatch.")
  var batchSize = DensityStudy.Options().batchSize

  @Option(name: .long, parsing: .unconditional, help: "Adam's step size.")
  var learningRate = DensityStudy.Options().learningRate

  @Option(name: .long, parsing: .unconditional, help: "Units of each hidden layer.")
  var width = DensityStudy.Options().width

  @Option(
    name: .long, parsing: .unconditional,
    help: "Numbers in the code of a row. (default: twice those of an action)")
  var latent: Int?

  @Option(name: .long, parsing: .unconditional, help: "Draws for each estimate, K.")
  var draws = DensityStudy.Options().draws

  @Option(name: .long, parsing: .unconditional, help: "Rows of each file to judge.")
  var rows = DensityStudy.Options().rows

  @Option(name: .long, parsing: .unconditional, help: "Share of the dataset to hold out.")
  var validationFraction = DensityStudy.Options().validationFraction

  @Option(name: .long, parsing: .unconditional, help: "Seed of split, training and draws.")
  var seed: UInt64 = 0

  @Flag(name: .long, help: "Go on with the model beside --output, and write the CSV anew.")
  var resume = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    for (name, value, upper) in [
      ("--updates", updates, 100_000_000), ("--batch-size", batchSize, 65_536),
      ("--width", width, 65_536), ("--latent", latent ?? 1, 4096), ("--draws", draws, 1_000_000),
      ("--rows", rows, 10_000_000),
    ] where !(1...upper).contains(value) {
      throw ValidationError("\(name) is \(value), allowed: 1…\(upper)")
    }
    for (name, value, upper) in [
      ("--learning-rate", learningRate, 1), ("--validation-fraction", validationFraction, 0.9),
    ] where !(value > 0 && value <= upper) {
      throw ValidationError("\(name) is \(value), allowed: above 0, at most \(upper)")
    }
  }

  private struct Report: Encodable {
    struct Item: Encodable {
      let name: String
      let rows: Int
      let mean: Double
      let standardError: Double
    }
    let finalLoss: Double
    let sets: [Item]
  }

  mutating func run() throws {
    let model = OutputFile("\(output.path).safetensors")
    for file in [output, model] { try file.prepare(replacing: resume, hint: "see --resume") }
    func read(_ path: String) throws -> Transitions {
      try D4RLDataset(contentsOf: DatasetLocation.resolve(path)).transitions()
    }
    func joined(_ transitions: Transitions) -> Matrix {
      let (s, a) = (transitions.observations, transitions.actions)
      return Matrix(
        rows: s.rows, columns: s.columns + a.columns,
        elements: (0..<s.rows).flatMap { Array(s.row($0)) + a.row($0) })
    }
    var options = DensityStudy.Options()
    (options.updates, options.batchSize, options.learningRate) = (updates, batchSize, learningRate)
    (options.width, options.latentSize, options.draws) = (width, latent, draws)
    (options.rows, options.validationFraction, options.seed) = (rows, validationFraction, seed)
    let data = try read(dataset)
    let others = try online.map { (name: $0, rows: joined(try read($0))) }
    let interruption = Interruption()
    interruption.listen()
    let isQuiet = outputOptions.quiet
    let (all, every) = (updates, max(100, updates / 10 / 100 * 100))
    let study = try DensityStudy(
      dataset: joined(data), actionSize: data.actions.columns, others: others, options,
      pool: threads.pool(), checkpoint: model.path,
      interruption: interruption
    ) { update, loss in
      guard !isQuiet, update % every == 0 || update == all else { return }
      Console.log(String(format: "density %d/%d updates  loss %.3f", update, all, loss))
    }
    try AtomicText.write(study.csv, to: output.path)
    if outputOptions.json {
      try Console.print(
        JSONText.line(
          Report(
            finalLoss: study.finalLoss,
            sets: study.sets.map {
              Report.Item(
                name: $0.name, rows: $0.rows.count, mean: $0.mean,
                standardError: $0.standardError)
            })))
    } else {
      for set in study.sets {
        try Console.print(
          String(
            format: "%@: log p = %.3f ± %.3f (%d rows)", set.name, set.mean, set.standardError,
            set.rows.count))
      }
    }
  }
}
