import ArgumentParser
import Configuration
import Runs
import Stages

/// Prints `docs/settings.md`; `make settings` puts it there.
struct SettingsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "settings", abstract: "Print the tables of all settings as Markdown.",
    shouldDisplay: false)

  /// The algorithms whose settings the page lists.
  static let catalog = AlgorithmCatalog.registered

  mutating func run() throws {
    try Console.print(SettingTable.document(Self.catalog), terminator: "")
  }
}
