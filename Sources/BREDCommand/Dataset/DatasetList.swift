import ArgumentParser
import Datasets
import Foundation
import Runs

struct DatasetList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Name D4RL's Gym-MuJoCo files and the datasets that are in the caches.",
    discussion: """
      D4RL's files are looked for in $D4RL_DATASET_DIR (~/.d4rl/datasets where it is not set), Minari's \
      datasets in $MINARI_DATASETS_PATH (~/.minari/datasets). A name of a file that is there can stand \
      wherever a dataset is asked for, as in --dataset hopper-medium-v2.

      Examples:
        bred dataset list
        bred dataset list --cached
        bred dataset list --json
      """)

  @Flag(help: "Only those that are in the caches.")
  var cached = false

  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  private struct Row: Encodable {
    let name: String
    let format: String
    let path: String
    let isCached: Bool
    /// Of the file in the cache.
    let bytes: Int?
    /// Of the official file.
    let officialBytes: Int?
    let url: String?
  }

  private struct Listing: Encodable {
    let d4rlFolder: String
    let minariFolder: String
    let datasets: [Row]
  }

  mutating func run() throws {
    var rows = D4RLCatalog.entries.map { entry in
      let bytes = DatasetLocation.size(entry.cachePath)
      return Row(
        name: entry.name, format: "d4rl", path: entry.cachePath, isCached: bytes != nil,
        bytes: bytes, officialBytes: entry.bytes, url: entry.url)
    }
    rows += MinariCatalog.entries().map {
      Row(
        name: $0.id, format: "minari", path: $0.path, isCached: true, bytes: $0.bytes,
        officialBytes: nil, url: nil)
    }
    if cached { rows = rows.filter(\.isCached) }
    if json {
      try Console.print(
        JSONText.line(
          Listing(
            d4rlFolder: D4RLCatalog.folder, minariFolder: D4RLCatalog.minariFolder, datasets: rows))
      )
      return
    }
    try Console.print("D4RL files: \(D4RLCatalog.folder)")
    try Console.print("Minari datasets: \(D4RLCatalog.minariFolder)")
    let width = rows.map(\.name.count).max() ?? 0
    for row in rows {
      let size = row.bytes ?? row.officialBytes
      let text = size.map { String(format: "%8.1f MB", Double($0) / 1e6) } ?? "          ?"
      var note = row.isCached ? "in the cache" : ""
      if let bytes = row.bytes, let official = row.officialBytes, bytes != official {
        note += String(format: ", official file %.1f MB", Double(official) / 1e6)
      }
      let name = row.name.padding(toLength: width, withPad: " ", startingAt: 0)
      try Console.print("  \(name)  \(text)\(note.isEmpty ? "" : "  \(note)")")
    }
  }
}
