import ArgumentParser
import Foundation
import RLCore
import Reports
import Runs

struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw learning curves of runs as an SVG picture.",
    discussion: """
      A run may be given a label: LABEL=DIRECTORY. A run of several stages shows its last one. Runs that
      differ only in their seeds make one curve: their mean, and a band of one standard deviation.

      Examples:
        bred plot runs/hopper-0/finetune --output curve.svg
        bred plot balanced=runs/a uniform=runs/b --output compare.svg --column eval_return_mean
      """)

  @Argument(help: "Run directories, each with an optional label.")
  var runs: [String]

  @Option(
    name: [.short, .long], help: "SVG file to write; an existing one is replaced.",
    completion: .file(), transform: HomePath.expanded)
  var output: String

  @Option(name: .long, help: "Column of progress.csv to draw.")
  var column = "eval_normalized_score"

  @Option(
    name: .long,
    help:
      "Column of the horizontal axis. (default: the first of environment_steps, gradient_steps and epoch that grows)"
  )
  var over: String?

  @Option(name: .long, help: "Title of the picture.")
  var title = "Learning curve"

  func validate() throws {
    if runs.isEmpty { throw ValidationError("no run directory given") }
  }

  mutating func run() throws {
    let recorded = try runs.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      return try RecordedRun(
        HomePath.expanded(parts.last ?? text), label: parts.count == 2 ? parts[0] : nil)
    }
    for (option, name) in [("--column", column as String?), ("--over", over)] {
      guard let name else { continue }
      for (run, text) in zip(recorded, runs) where !run.columns.contains(name) {
        throw ValidationError(
          "\(option) is '\(name)', but \(text) has the columns "
            + run.columns.joined(separator: ", "))
      }
    }
    let over = self.over ?? RecordedRun.axis(of: recorded, vertical: column)
    try LearningCurvePicture(
      title: title, horizontalLabel: over.replacingOccurrences(of: "_", with: " "),
      verticalLabel: column.replacingOccurrences(of: "_", with: " "),
      curves: Curve.grouped(recorded, horizontal: over, vertical: column)
    ).write(to: output)
  }
}
