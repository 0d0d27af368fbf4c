import ArgumentParser
import Configuration
import Runs
import Stages

struct MethodCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "method",
    abstract: "The methods: what learns offline, what is handed over, what learns online.",
    discussion: """
      Examples:
        bred method list
        bred method show off2on --task hopper-medium-v2
      """,
    subcommands: [List.self, Show.self, Document.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Names and what they are.")
    @Flag(name: .long, help: "Print one JSON object on standard output.") var json = false

    private struct Listing: Encodable {
      struct Item: Encodable {
        let name: String
        let offline: String
        let online: String
        let summary: String
      }
      let methods: [Item]
    }

    mutating func run() throws {
      let items = try ConfigurationLibrary.methods.layers.map { layer in
        let values = try LibraryChoice(method: layer, task: nil).resolve().configuration
        return Listing.Item(
          name: layer.name, offline: values.offline.algorithm, online: values.online.algorithm,
          summary: layer.summary)
      }
      if json { return try Console.print(JSONText.line(Listing(methods: items))) }
      for item in items { try Console.print(LibraryChoice.padded(item.name, 22) + item.summary) }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Every value of a run of one method, with where it comes from.")
    @Argument(help: "Name of the method, or a YAML file.") var name: String

    @Option(
      name: .long, help: ArgumentHelp("A task, or a robot, that it runs on.", valueName: "name"))
    var task: String?

    mutating func run() throws {
      try LibraryChoice(
        method: ConfigurationLibrary.methods.layer(name), task: task.map { try TaskChoice($0) }
      ).show()
    }
  }

  /// Prints `docs/methods.md`; `make library` puts it there.
  struct Document: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the table of all methods as Markdown.", shouldDisplay: false)

    mutating func run() throws {
      try Console.print(MethodTable.document(.registered), terminator: "")
    }
  }
}
