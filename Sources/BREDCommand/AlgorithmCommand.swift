import Algorithms
import ArgumentParser
import Configuration
import RLCore

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
      let all = AlgorithmRegistry.all.sorted { $0.name < $1.name }
      if json {
        print(try JSONText.line(Listing(algorithms: all.map { .init(name: $0.name, summary: $0.summary) })))
        return
      }
      let width = all.map(\.name.count).max() ?? 0
      for type in all {
        print(type.name.padding(toLength: width + 2, withPad: " ", startingAt: 0) + type.summary)
      }
    }
  }

  private struct Listing: Encodable {
    struct Item: Encodable {
      let name: String
      let summary: String
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
      print("\(type.name): \(type.summary)\n")
      print("Offline under offline.\(type.name), online under online.\(type.name):\n")
      print(SettingTable.help(type.settingsType, section: "offline.\(type.name)"))
    }
  }
}
