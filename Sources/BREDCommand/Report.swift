import ArgumentParser
import Foundation
import RLCore
import Reports
import Runs

struct Report: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make a page about a run, or about all runs of a sweep.",
    discussion: """
      One HTML file with its pictures inside, which needs no network and no scripts: settings, with those \
      marked that the method and the task alone would not have given, learning curves with bands over \
      seeds, scores, what the time was spent on, warnings of the data, machine and versions, and the command \
      that does it again. Runs that differ only in their seeds are shown as one.

      Takes a run's directory, of one stage or several, finished or not; a sweep's directory; or any \
      directory with runs somewhere below it.

      Examples:
        bred report runs/hopper-0 --output hopper-0.html
        bred report sweeps/mine --output mine.html --force
      """)

  @Argument(
    help: ArgumentHelp("Directory of a run or a sweep.", valueName: "dir"), completion: .directory,
    transform: HomePath.expanded)
  var directory: String

  @Option(
    name: [.short, .long], help: ArgumentHelp("HTML page to make.", valueName: "html"),
    completion: .file(), transform: OutputFile.init)
  var output: OutputFile

  @Flag(name: .long, help: "Replace an existing page.") var force = false
  @OptionGroup var threads: ThreadOptions

  mutating func run() throws {
    try output.prepare(replacing: force, hint: "pass --force to replace it")
    try RunReport(directory, pool: threads.pool()).write(to: output.path, replacing: force)
  }
}
