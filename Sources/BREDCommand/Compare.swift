import Analysis
import ArgumentParser
import Foundation
import Runs

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare scores of runs over their seeds.",
    discussion: """
      A run is a directory of bred run, of one stage, or LABEL=DIRECTORY; a directory with runs somewhere \
      below it stands for all of them. Runs that differ only in seed and paths are one method on one task; \
      a directory called after its seed, as in bred/seed-0, gives the name above it. Of a run of several \
      stages the last one counts. Different data are never averaged, v0 and v2 among them.

      Unfinished runs are named and left out, unless --at gives a step that they have reached. With two \
      labels, or --against, the last columns tell the probability that a run of one method scores higher \
      than a run of the other (Mann and Whitney's U, Agarwal et al. 2021).

      Examples:
        bred compare runs
        bred compare bred=runs/a-0 bred=runs/a-1 uniform=runs/b-0 uniform=runs/b-1 \\
          --format markdown
        bred compare sweep/runs --against bred --at 100000 --json
        bred compare sweep/runs --curves curves.csv --format csv > scores.csv
      """)

  @Argument(help: "Run directories, or directories with runs below, each with an optional label.")
  var runs: [String]

  @Option(name: .long, help: "table, csv, json or markdown.")
  var format = Comparison.Format.table

  @Flag(name: .long, help: "The same as --format json.")
  var json = false

  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp(
      "Count evaluations up to this step, also of unfinished runs that have come so far.",
      valueName: "step"))
  var at: Int?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The method that the others are held against. (default: the first of two)", valueName: "label"
    ))
  var against: String?

  @Option(name: .long, help: "Column of progress.csv to compare.")
  var column = Comparison.Options().column

  @Option(
    name: .long, parsing: .unconditional,
    help: "Resamples of the bootstrap, 100 to 10000000.")
  var resamples = SeedStatistics.usualResamples

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Also write every evaluation of every run, with the column compared, to this CSV file, one a row; an existing one is replaced.",
      valueName: "file"), completion: .file(), transform: OutputFile.init)
  var curves: OutputFile?

  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if runs.isEmpty { throw ValidationError("no run directory given") }
    if !(100...10_000_000).contains(resamples) {
      throw ValidationError("--resamples is \(resamples), allowed: 100…10000000")
    }
    if let at, at < 0 { throw ValidationError("--at is \(at), allowed: 0 or more") }
    if json, format != .table, format != .json {
      throw ValidationError("--json and --format \(format.rawValue) exclude each other")
    }
  }

  mutating func run() throws {
    try curves?.prepare()
    let recorded = try RunTree.runs(runs)
    if let run = recorded.first(where: { !$0.columns.contains(column) }) {
      throw ValidationError(
        "--column is '\(column)', but \(run.table) has the columns "
          + run.columns.joined(separator: ", "))
    }
    var options = Comparison.Options()
    (options.column, options.step) = (column, at)
    (options.resamples, options.against) = (resamples, against)
    let format = json ? .json : format
    let comparison = try Comparison(recorded, options, pool: threads.pool())
    if let curves {
      try AtomicText.write(LongTable.csv(recorded, compared: column), to: curves.path)
    }
    let text = try comparison.text(format)
    try Console.print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
    if format == .csv { for note in comparison.notes { Console.log("note: \(note)") } }
  }
}

extension Comparison.Format: ExpressibleByArgument {}
