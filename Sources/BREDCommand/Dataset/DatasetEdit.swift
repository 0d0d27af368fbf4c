import ArgumentParser
import Datasets
import Environments
import Foundation
import RLCore
import Runs

/// Where an edited dataset goes.
struct EditOutput: ParsableArguments {
  @Option(
    name: [.short, .long], help: ArgumentHelp("File to make.", valueName: "file"),
    completion: .file(), transform: OutputFile.init)
  var output: OutputFile

  @Flag(name: .long, help: "Replace an existing file.")
  var force = false

  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  private struct Report: Encodable {
    let output: String
    let rows: String
    let notes: [String]
  }

  func report(_ assembly: DatasetAssembly) throws {
    if json {
      try Console.print(
        JSONText.line(
          Report(output: output.path, rows: "\(assembly.rows)", notes: assembly.notes)))
    } else {
      try Console.print("\(output.path): \(assembly.rows) rows")
      for note in assembly.notes { try Console.print("  note: \(note)") }
    }
  }
}

struct DatasetSlice: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "slice", abstract: "Keep some episodes: by number, return or length.",
    discussion: """
      Examples:
        bred dataset slice data.hdf5 --first 0 --count 100 --output part.hdf5
        bred dataset slice data.hdf5 --min-return 3000 --output good.hdf5
      """)

  @Argument(
    help: ArgumentHelp("D4RL HDF5 file.", valueName: "file"), completion: .file(),
    transform: HomePath.expanded)
  var file: String
  @Option(parsing: .unconditional, help: "Number of the first episode, counted from 0.")
  var first = 0
  @Option(parsing: .unconditional, help: "Episodes to look at from there; all if left out.")
  var count: Int?
  @Option(parsing: .unconditional, help: "Smallest return kept.")
  var minReturn: Double?
  @Option(parsing: .unconditional, help: "Largest return kept.")
  var maxReturn: Double?
  @Option(parsing: .unconditional, help: "Smallest number of rows kept.")
  var minLength: Int?
  @Option(parsing: .unconditional, help: "Largest number of rows kept.")
  var maxLength: Int?
  @OptionGroup var result: EditOutput

  func validate() throws {
    if first < 0 { throw ValidationError("--first is \(first), allowed: 0 and more") }
    if let count, count < 1 { throw ValidationError("--count is \(count), allowed: 1 and more") }
  }

  mutating func run() throws {
    try result.output.prepare()
    let settings = self
    var episodes = 0
    func isWanted(_ index: Int, _ episode: DatasetSummary.EpisodeRecord) -> Bool {
      episodes = index + 1
      return index >= settings.first && index - settings.first < settings.count ?? .max
        && episode.returnValue >= settings.minReturn ?? -.infinity
        && episode.returnValue <= settings.maxReturn ?? .infinity
        && episode.length >= settings.minLength ?? 0
        && episode.length <= settings.maxLength ?? .max
    }
    let dataset = try D4RLDataset(contentsOf: file)
    let sliced = Result { () throws -> DatasetAssembly in
      try DatasetAssembly.slicing(dataset, output: result.output.path, where: isWanted)
    }
    guard episodes == 0 || first < episodes else {
      throw ValidationError(
        "--first is \(first), but \(file) has \(episodes) episodes, counted from 0")
    }
    let assembly = try sliced.get()
    try assembly.write(
      to: result.output.path, command: "bred dataset slice", replacing: result.force)
    try result.report(assembly)
  }
}

struct DatasetMerge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Put whole files one behind the other.",
    discussion: "Example:\n  bred dataset merge a.hdf5 b.hdf5 c.hdf5 --output all.hdf5")

  @Argument(
    help: ArgumentHelp("D4RL HDF5 files.", valueName: "file"), completion: .file(),
    transform: HomePath.expanded)
  var files: [String]
  @OptionGroup var result: EditOutput

  func validate() throws {
    if files.count < 2 { throw ValidationError("merge needs at least two files") }
  }

  mutating func run() throws {
    try result.output.prepare()
    let pieces = try files.map { file in
      let dataset = try D4RLDataset(contentsOf: file)
      return DatasetAssembly.Piece(dataset, rows: 0..<dataset.rows)
    }
    let assembly = try DatasetAssembly(pieces, output: result.output.path)
    try assembly.write(
      to: result.output.path, command: "bred dataset merge", replacing: result.force)
    try result.report(assembly)
  }
}

struct DatasetStitch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stitch", abstract: "Make medium-expert from medium and expert by D4RL's rule.",
    discussion: """
      The first file is cut after its last complete episode, the second is appended, and the whole is \
      cut to --rows rows.

      Example:
        bred dataset stitch medium.hdf5 expert.hdf5 --output medium-expert.hdf5
      """)

  @Argument(
    help: ArgumentHelp("The first D4RL HDF5 file.", valueName: "first"), completion: .file(),
    transform: HomePath.expanded)
  var first: String
  @Argument(
    help: ArgumentHelp("The second D4RL HDF5 file.", valueName: "second"), completion: .file(),
    transform: HomePath.expanded)
  var second: String
  @Option(parsing: .unconditional, help: "Rows at most; as many as both files have if left out.")
  var rows: Int?
  @OptionGroup var result: EditOutput

  func validate() throws {
    if let rows, rows < 1 { throw ValidationError("--rows is \(rows), allowed: 1 and more") }
  }

  mutating func run() throws {
    try result.output.prepare()
    let assembly = try DatasetAssembly.stitching(
      D4RLDataset(contentsOf: first), D4RLDataset(contentsOf: second), rows: rows,
      output: result.output.path)
    try assembly.write(
      to: result.output.path, command: "bred dataset stitch", replacing: result.force)
    try result.report(assembly)
  }
}

struct DatasetRelabel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "relabel",
    abstract: "Replace the rewards by what the simulator pays for the stored states and actions.",
    discussion:
      "Example:\n  bred dataset relabel data.hdf5 --env halfcheetah --output relabelled.hdf5")

  @Argument(
    help: ArgumentHelp("D4RL HDF5 file with infos/qpos and infos/qvel.", valueName: "file"),
    completion: .file(), transform: HomePath.expanded)
  var file: String
  @Option(
    name: [.customLong("env"), .customLong("env-id"), .customLong("task")],
    help: ArgumentHelp(
      "Task: hopper, walker2d or halfcheetah, or one of these with -v5.", valueName: "name"))
  var env: String
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var result: EditOutput

  mutating func run() throws {
    try result.output.prepare()
    let kind = try EnvironmentKind(named: env)
    let dataset = try D4RLDataset(contentsOf: file)
    try dataset.check(against: kind.specification)
    let assembly = try DatasetAssembly.relabelling(dataset, output: result.output.path)
    try assembly.write(
      to: result.output.path, command: "bred dataset relabel --env \(kind)",
      replacing: result.force,
      rewards: DatasetAssembly.simulatedRewards(kind, pool: threads.pool(), file: file))
    try result.report(assembly)
  }
}
