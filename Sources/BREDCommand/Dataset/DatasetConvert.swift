import ArgumentParser
import Datasets
import RLCore
import Runs

struct DatasetConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Turn a D4RL file into a Minari dataset, or a Minari dataset into a D4RL file.",
    discussion: """
      Without --to, a Minari dataset becomes a D4RL file and anything else a Minari dataset.

      Examples:
        bred dataset convert hopper_medium-v2.hdf5 --id d4rl/hopper/medium-v2 \\
          --output ~/.minari/datasets/d4rl/hopper/medium-v2
        bred dataset convert ~/.minari/datasets/mujoco/hopper/expert-v0 \\
          --output hopper-expert.hdf5
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case minari, d4rl }

  @Argument(
    help: ArgumentHelp(
      "D4RL HDF5 file, D4RL name such as hopper-medium-v2, or folder of a Minari dataset.",
      valueName: "input"), completion: .file(), transform: HomePath.expanded)
  var input: String

  @Option(help: "What to make: minari or d4rl. (default: the other format)")
  var to: Format?

  @Option(
    help: ArgumentHelp(
      "Minari's name of the new dataset, such as d4rl/hopper/medium-v2. (default: from the file)",
      valueName: "id"))
  var id: String?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("File, or for Minari the dataset's folder, to make.", valueName: "path"),
    completion: .file(), transform: OutputFile.init)
  var output: OutputFile

  @Flag(help: "For v0 files: take each episode's last observation twice, as Minari needs one more.")
  var repeatFinalObservations = false

  @Flag(
    help:
      "Take Minari data of a robot with other arguments, wrappers or time limit for the plain one's."
  )
  var asPlainRobot = false

  @Flag(name: .long, help: "Replace an existing file or Minari dataset.")
  var force = false

  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  mutating func run() throws {
    try output.prepare()
    let isMinari = MinariDataset.isMinari(input)
    let target = to ?? (isMinari ? .d4rl : .minari)
    guard isMinari == (target == .d4rl) else {
      throw DatasetError.mismatch(
        file: input, field: "format", expected: isMinari ? "a D4RL file" : "a Minari dataset",
        actual: isMinari ? "a Minari dataset" : "none")
    }
    if isMinari, id != nil || repeatFinalObservations {
      throw ValidationError("--id and --repeat-final-observations are for making Minari datasets")
    }
    if !isMinari, asPlainRobot {
      throw ValidationError("--as-plain-robot is for reading Minari datasets")
    }
    let report: ConversionReport
    if isMinari {
      report = try MinariImport(
        MinariDataset(contentsOf: input), asPlainRobot: asPlainRobot
      ).write(to: output.path, replacing: force)
    } else {
      let dataset = try D4RLDataset(contentsOf: input)
      report = try MinariExport(
        dataset, output: output.path, repeatingFinalObservations: repeatFinalObservations
      ).write(
        to: output.path, id: id ?? MinariExport.defaultID(for: dataset.path), replacing: force)
    }
    if json {
      try Console.print(JSONText.line(report))
      return
    }
    try Console.print("\(report.output): \(report.rows) rows, \(report.episodes) episodes")
    for note in report.notes { try Console.print("  note: \(note)") }
  }
}
