import ArgumentParser

struct EnvironmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "environment",
    abstract: "The robots this package knows.",
    discussion: """
      Examples:
        bred environment list
        bred environment describe hopper --json
      """,
    subcommands: [EnvironmentList.self, EnvironmentDescribe.self])
}
