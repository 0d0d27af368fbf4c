import ArgumentParser
import Datasets
import Environments
import Foundation
import RLCore
import Reports
import Runs

struct DatasetInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Summarise D4RL files: rows, episodes, returns, columns, and everything odd.",
    discussion: """
      Examples:
        bred dataset inspect hopper_medium-v2.hdf5
        bred dataset inspect hopper_medium-v2.hdf5 --json
        bred dataset inspect *.hdf5
        bred dataset inspect hopper_medium-v2.hdf5 --report hopper.html
        bred dataset inspect hopper_medium-v2.hdf5 --report hopper.html \\
          --coverage "height,forward"

      Several files give a table, or with --json one object on each line. --report makes a page with \
      pictures of one file; it needs no network and no scripts to be read.
      """)

  @Argument(
    help: ArgumentHelp("D4RL HDF5 files.", valueName: "file"), completion: .file(),
    transform: HomePath.expanded)
  var files: [String]

  @Option(
    help: ArgumentHelp("HTML page with pictures to make.", valueName: "html"), completion: .file(),
    transform: OutputFile.init)
  var report: OutputFile?

  @Option(
    help: ArgumentHelp(
      "Two columns of the observations whose coverage the report draws: numbers, or parts of their "
        + "names.", valueName: "x,y"))
  var coverage: String?

  @Flag(name: .long, help: "Replace an existing report.")
  var force = false

  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if report != nil, files.count != 1 {
      throw ValidationError("--report takes one file, \(files.count) were given")
    }
    if report == nil, coverage != nil { throw ValidationError("--coverage needs --report") }
    if report == nil, force { throw ValidationError("--force needs --report") }
  }

  mutating func run() throws {
    if let report {
      try DatasetReport.checkTarget(report.path, of: files[0], replacing: force)
      try report.prepare()
    }
    var table: [(file: String, summary: DatasetSummary)] = []
    for file in files {
      let dataset = try D4RLDataset(contentsOf: file)
      let kind = dataset.environmentName.flatMap { try? EnvironmentKind(named: $0) }
      let summary = try DatasetSummary(dataset, specification: kind?.specification)
      if let report {
        try DatasetReport(dataset, summary: summary, coverage: coverage)
          .write(to: report.path, replacing: force)
      }
      if outputOptions.json {
        try Console.print(JSONText.line(summary))
      } else if files.count == 1 {
        for line in DatasetText.page(summary, file) { try Console.print(line) }
      }
      table.append((file, summary))
    }
    if !outputOptions.json, files.count > 1 {
      for line in DatasetText.comparison(table) { try Console.print(line) }
    }
  }
}
