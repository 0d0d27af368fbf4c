import ArgumentParser
import Datasets
import Foundation
import RLCore
import Runs
import Stages

struct DatasetFetch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Download a D4RL file by name into D4RL's cache.",
    discussion: """
      The file comes from the official server, or with --url from BASE/FILE. It gets its name when it is \
      whole; what is there after a break or Ctrl-C is kept, and the same command goes on from there. A \
      record with the SHA-256 lies beside it (FILE.json). Names: bred dataset list. Needs curl.

      Examples:
        bred dataset fetch hopper-medium-v2
        bred dataset fetch hopper-medium-v2 --output data \\
          --url https://example.org/mirror
      """)

  @Argument(help: ArgumentHelp("D4RL name, such as hopper-medium-v2.", valueName: "name"))
  var name: String

  @Option(
    name: [.short, .long],
    help: ArgumentHelp("Folder for the file. (default: D4RL's cache)", valueName: "dir"),
    completion: .directory, transform: HomePath.expanded)
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Where the file is on another server: BASE/FILE is fetched.", valueName: "base"))
  var url: String?

  @Flag(help: "Accept a file of another size than the official one.")
  var anySize = false

  @Flag(help: "Fetch the file again where it is already there.")
  var force = false

  @OptionGroup var outputOptions: OutputOptions

  private struct Report: Encodable {
    let name: String
    let file: String
    let downloaded: Bool
    let bytes: Int
    let url: String?
    let sha256: String?
  }

  mutating func run() throws {
    guard let entry = D4RLCatalog.entry(named: name) else {
      throw ValidationError(
        "'\(name)' is not a D4RL name such as hopper-medium-v2; see bred dataset list")
    }
    let file = "\(output ?? D4RLCatalog.folder)/\(entry.fileName)"
    let source = url.map { "\($0.hasSuffix("/") ? String($0.dropLast()) : $0)/\(entry.fileName)" }
    let download = DatasetDownload(
      url: source ?? entry.url, path: file, expectedBytes: anySize ? nil : entry.bytes)
    if try !force && download.isComplete() {
      let record = download.record
      try report(
        Report(
          name: name, file: file, downloaded: false, bytes: DatasetLocation.size(file) ?? 0,
          url: record?.url, sha256: record?.sha256), "already there")
      return
    }
    let interruption = Interruption()
    interruption.listen()
    let quiet = outputOptions.quiet
    let line = DownloadLine(name: entry.fileName)
    do {
      let record = try download.run(
        interruption: interruption,
        notice: { if !quiet { Console.log("\(entry.fileName): \($0)") } },
        progress: { if !quiet { line.show($0, of: $1) } })
      line.end()
      try report(
        Report(
          name: name, file: file, downloaded: true, bytes: record.bytes, url: record.url,
          sha256: record.sha256), "SHA-256 \(record.sha256)")
    } catch let error as DownloadError {
      line.end()
      guard case .interrupted = error else { throw error }
      Console.log("\(error)")
      throw ExitCode(130)
    }
  }

  private func report(_ report: Report, _ words: String) throws {
    if outputOptions.json {
      try Console.print(JSONText.line(report))
    } else {
      try Console.print("\(report.file): \(report.bytes) bytes, \(words)")
    }
  }
}

/// How far a download is: on a terminal the line that runs have, elsewhere a line for each tenth.
private final class DownloadLine {
  private let name: String
  private let reporter = ProgressReporter()
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var tenths = -1
  private var hasBegun = false

  init(name: String) { self.name = name }

  func show(_ bytes: Int, of total: Int?) {
    guard let total, total > 0 else { return }
    let megabyte = 1_000_000
    if isTerminal {
      if !hasBegun {
        reporter.begin(
          name, from: bytes / megabyte, to: total / megabyte, unit: "MB",
          share: Double(bytes) / Double(total))
      }
      hasBegun = true
      reporter.update(bytes / megabyte, share: Double(bytes) / Double(total))
    } else if bytes * 10 / total > tenths {
      tenths = bytes * 10 / total
      Console.log(
        String(format: "%@: %.1f of %.1f MB", name, Double(bytes) / 1e6, Double(total) / 1e6))
    }
  }

  func end() { reporter.end() }
}
