import ArgumentParser
import Foundation
import Reports

struct Plot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw learning curves of runs as an SVG picture.",
    discussion: """
      A run may be given a label: LABEL=DIRECTORY.

      Examples:
        bred plot runs/hopper-0/finetune --output curve.svg
        bred plot balanced=runs/a uniform=runs/b --output compare.svg --column eval_return_mean
      """)

  @Argument(help: "Run directories, each with an optional label.")
  var runs: [String]

  @Option(name: [.short, .long], help: "SVG file to write; an existing one is replaced.")
  var output: String

  @Option(name: .long, help: "Column of progress.csv to draw.")
  var column = "eval_normalized_score"

  @Option(name: .long, help: "Column of the horizontal axis.")
  var over = "environment_steps"

  @Option(name: .long, help: "Title of the picture.")
  var title = "Learning curve"

  func validate() throws {
    if runs.isEmpty { throw ValidationError("no run directory given") }
  }

  mutating func run() throws {
    let curves = try runs.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      return try Curve(
        directory: parts.last ?? text, label: parts.count == 2 ? parts[0] : nil, horizontal: over,
        vertical: column)
    }
    try LearningCurvePicture(
      title: title, horizontalLabel: over.replacingOccurrences(of: "_", with: " "),
      verticalLabel: column.replacingOccurrences(of: "_", with: " "), curves: curves
    ).write(to: output)
  }
}
