import Analysis
import ArgumentParser
import Foundation
import Reports
import Runs

struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw learning curves of runs as an SVG picture.",
    discussion: """
      A run may be given a label: LABEL=DIRECTORY; a directory with runs somewhere below it stands for all \
      of them. A run of several stages shows its last one. Runs that differ only in their seeds make one \
      curve: their mean, with a band.

      Examples:
        bred plot runs/hopper-0/finetune --output curve.svg
        bred plot balanced=runs/a uniform=runs/b --output compare.svg \\
          --column eval_return_mean
        bred plot sweep/runs/hopper-medium-v2 --output hopper.svg --band deviation
      """)

  @Argument(help: "Run directories, each with an optional label.")
  var runs: [String]

  @Option(
    name: [.short, .long], help: "SVG file to write; an existing one is replaced.",
    completion: .file(), transform: OutputFile.init)
  var output: OutputFile

  @Option(name: .long, help: "Column of progress.csv to draw.")
  var column = "eval_normalized_score"

  @Option(
    name: .long,
    help:
      "Column of the horizontal axis. (default: the first of environment_steps, gradient_steps and epoch that grows)"
  )
  var over: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Around the mean of several seeds: interval, Student's 95 % interval of the mean, or deviation, one standard deviation of the runs.",
      valueName: "kind"))
  var band = CurveBand.interval

  @Option(name: .long, help: "Title of the picture.")
  var title = "Learning curve"

  func validate() throws {
    if runs.isEmpty { throw ValidationError("no run directory given") }
  }

  mutating func run() throws {
    try output.prepare()
    let recorded = try RunTree.runs(runs)
    for (option, name) in [("--column", column as String?), ("--over", over)] {
      guard let name else { continue }
      for run in recorded where !run.columns.contains(name) {
        throw ValidationError(
          "\(option) is '\(name)', but \(run.directory) has the columns "
            + run.columns.joined(separator: ", "))
      }
    }
    let over = self.over ?? RecordedRun.axis(of: recorded, vertical: column)
    try LearningCurvePicture(
      title: title, horizontalLabel: over.replacingOccurrences(of: "_", with: " "),
      verticalLabel: column.replacingOccurrences(of: "_", with: " "),
      curves: Curve.grouped(recorded, horizontal: over, vertical: column, band: band)
    ).write(to: output.path)
  }
}

extension CurveBand: ExpressibleByArgument {}
