import ArgumentParser
import Configuration
import Environments
import RLCore
import Runs
import Stages

struct TaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "task",
    abstract: "The tasks: a robot, a dataset and what depends on them.",
    discussion: """
      Examples:
        bred task list
        bred task show hopper-medium-v2 --method cql-ft
      """,
    subcommands: [List.self, Show.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Names, robots and datasets.")
    @Flag(name: .long, help: "Print one JSON object on standard output.") var json = false

    private struct Listing: Encodable {
      struct Item: Encodable {
        let name: String
        let environment: String
        let dataset: String
      }
      let tasks: [Item]
    }

    mutating func run() throws {
      let items = try ConfigurationLibrary.tasks.layers.map { layer in
        let values = try LibraryChoice(method: nil, task: .layer(layer)).resolve().configuration
        return Listing.Item(
          name: layer.name, environment: values.environment, dataset: values.dataset.path)
      }
      if json { return try Console.print(JSONText.line(Listing(tasks: items))) }
      for item in items {
        try Console.print(
          LibraryChoice.padded(item.name, 34) + LibraryChoice.padded(item.environment, 13)
            + item.dataset)
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Every value of a run on one task, with where it comes from.")
    @Argument(help: "Name of the task, or a YAML file.") var name: String

    @Option(
      name: .long, help: ArgumentHelp("A method beside it. (default: bred)", valueName: "name"))
    var method: String?

    mutating func run() throws {
      try LibraryChoice(
        method: ConfigurationLibrary.methods.layer(method ?? "bred"), task: TaskChoice(name)
      ).show()
    }
  }
}

/// What `--task` names.
enum TaskChoice {
  case layer(ConfigurationLayer)
  /// No more than the robot.
  case robot(EnvironmentKind)

  /// - Throws: ``ConfigurationError/unknownName(kind:name:suggestion:known:)`` where it is neither.
  init(_ name: String) throws(ConfigurationError) {
    do throws(ConfigurationError) {
      self = .layer(try ConfigurationLibrary.tasks.layer(name))
    } catch {
      guard case .unknownName = error, let robot = try? EnvironmentKind(named: name) else {
        throw error
      }
      self = .robot(robot)
    }
  }
}

/// A method on a task, to be shown.
struct LibraryChoice {
  let method: ConfigurationLayer?
  let task: TaskChoice?

  func resolve() throws(ConfigurationError) -> ResolvedConfiguration {
    var sources = ConfigurationSources(method: method)
    switch task {
    case .layer(let layer): sources.task = layer
    case .robot(let robot):
      sources.options = [.init(name: "--task", key: "environment", value: robot.rawValue)]
    case nil: break
    }
    return try ExperimentConfiguration.resolve(sources, catalog: .registered)
  }

  func show() throws { try Console.print(resolve().annotatedYAML(), terminator: "") }

  static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
