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
        bred dataset inspect *.hdf5

      Several files give a table, or with --json one object on each line.
      """)

  @Argument(help: ArgumentHelp("D4RL HDF5 files.", valueName: "file"))
  var files: [String]

  @OptionGroup var outputOptions: OutputOptions

  mutating func run() throws {
    var table: [(file: String, summary: DatasetSummary)] = []
    for file in files {
      let dataset = try D4RLDataset(contentsOf: file)
      let kind = dataset.environmentName.flatMap { try? EnvironmentKind(named: $0) }
      let summary = try DatasetSummary(dataset, specification: kind?.specification)
      if outputOptions.json {
        print(try JSONText.line(summary))
      } else if files.count == 1 {
        for line in DatasetText.page(summary, file) { print(line) }
      }
      table.append((file, summary))
    }
    if !outputOptions.json, files.count > 1 {
      for line in DatasetText.comparison(table) { print(line) }
    }
  }
}
