import ArgumentParser
import Datasets
import Environments
import Experiments
import Foundation

struct DatasetInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Summarise D4RL files: rows, episodes, returns, columns, and everything odd.",
    discussion: """
      Examples:
        bred dataset inspect hopper_medium-v2.hdf5
        bred dataset inspect hopper_medium-v2.hdf5 --json
      """)

  @Argument(help: ArgumentHelp("D4RL HDF5 files.", valueName: "file"))
  var files: [String]

  @OptionGroup var outputOptions: OutputOptions

  mutating func run() throws {
    for file in files {
      let dataset = try D4RLDataset(contentsOf: file)
      let kind = dataset.environmentName.flatMap { try? EnvironmentKind(named: $0) }
      let summary = try DatasetSummary(dataset, specification: kind?.specification)
      if outputOptions.json {
        print(try JSONText.line(summary))
      } else {
        show(summary, file)
      }
    }
  }

  private func show(_ summary: DatasetSummary, _ file: String) {
    print("\(file): \(summary.environment ?? "unknown robot"), layout \(summary.version.rawValue)")
    print(
      "  \(summary.rows) rows, \(summary.transitions) transitions, \(summary.episodes) episodes "
        + "(\(summary.completeEpisodes) complete), \(summary.terminals) terminals, "
        + "\(summary.timeouts) time-outs")
    let score = summary.normalizedScore.map { String(format: ", normalized score %.2f", $0) } ?? ""
    print(
      String(
        format: "  return %.1f (%.1f to %.1f)", summary.returnMean, summary.returnMin,
        summary.returnMax) + score)
    for column in summary.columns {
      print("  \(column.name) \(column.shape) \(column.type)")
    }
    for warning in summary.warnings { print("  note: \(warning)") }
  }
}
