import Algorithms
import ArgumentParser
import Configuration
import Foundation
import RLCore
import Runs

struct AlgorithmCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "algorithm",
    abstract: "The algorithms and their settings.",
    discussion: """
      Examples:
        bred algorithm list
        bred algorithm show iql
      """,
    subcommands: [List.self, Show.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Names and sources.")
    @Flag(name: .long, help: "Print one JSON object on standard output.") var json = false

    mutating func run() throws {
      let all = AlgorithmRegistry.summaries
      if json {
        try Console.print(JSONText.line(Listing(algorithms: all.map { Listing.Item($0) })))
        return
      }
      let width = all.map { $0.name.count }.max() ?? 0
      for item in all {
        try Console.print(
          item.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + item.summary)
      }
    }
  }

  private struct Listing: Encodable {
    struct Item: Encodable {
      let name: String
      let summary: String

      init(_ item: (name: String, summary: String)) { (name, summary) = item }
    }
    let algorithms: [Item]
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Settings of one algorithm: key, default, allowed values, meaning, source.")
    @Argument(help: "Name of the algorithm.") var name: String

    mutating func run() throws {
      let type: any Algorithm.Type
      do { type = try AlgorithmRegistry.named(name) } catch {
        throw ValidationError("\(error)")
      }
      try Console.print("\(type.name): \(type.summary)\n")
      try Console.print("Offline under offline.\(type.name), online under online.\(type.name):\n")
      try Console.print(SettingTable.help(type.settingsType, section: "offline.\(type.name)"))
    }
  }
}
