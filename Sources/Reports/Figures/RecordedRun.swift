import Foundation
package import Runs

/// What a run has left behind: its table of progress and its configuration.
package struct RecordedRun {
  /// A name that the reader chose.
  let label: String?
  /// Of the directory.
  let name: String
  /// Path of `progress.csv`.
  let table: String
  package let columns: [String]
  private let rows: [[Substring]]
  /// The configuration without seed and paths; `nil` where there is none.
  private let settings: [Substring]?
  let seed: Substring?

  /// The columns that a horizontal axis can have, the best first.
  private static let axes = ["environment_steps", "gradient_steps", "epoch"]

  /// - Parameter directory: a run directory; of a run of several stages, the last stage is taken.
  package init(_ directory: String, label: String? = nil) throws(RunError) {
    self.label = label
    var folder = directory
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    name = (folder as NSString).lastPathComponent
    let stages = ["", "/finetune", "/distill", "/pretrain"]
    let found = stages.map { folder + $0 }.first {
      FileManager.default.fileExists(atPath: "\($0)/progress.csv")
    }
    table = "\(found ?? folder)/progress.csv"
    guard let text = try? String(contentsOfFile: table, encoding: .utf8) else {
      throw .missing(path: table, what: "a table of progress")
    }
    let lines = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let header = lines.first ?? []
    columns = header.map(String.init)
    rows = lines.dropFirst().filter { $0.count == header.count }
    let file = try? String(contentsOfFile: "\(found ?? folder)/config.yaml", encoding: .utf8)
    let settings = file?.split(separator: "\n")
    seed = settings?.first { $0.hasPrefix("seed:") }
    self.settings = settings?.filter { line in
      !line.hasPrefix("seed:") && !line.drop(while: { $0 == " " }).hasPrefix("path:")
    }
  }

  /// The values of a column, `nil` for empty cells.
  func column(_ name: String) throws(RunError) -> [Double?] {
    guard let index = columns.firstIndex(of: name) else {
      throw .missing(path: table, what: "column '\(name)'")
    }
    return rows.map { Double($0[index]) }
  }

  /// Whether another run is the same but for its seed.
  func isRepeated(by other: RecordedRun) -> Bool {
    settings != nil && settings == other.settings && label == other.label && seed != other.seed
  }

  /// The first of environment steps, gradient steps and epochs that grows in every run.
  package static func axis(of runs: [RecordedRun], vertical: String) -> String {
    func varies(_ name: String) -> Bool {
      runs.allSatisfy { run in
        guard let x = try? run.column(name), let y = try? run.column(vertical) else { return false }
        return Set(zip(x, y).compactMap { $1 == nil ? nil : $0 }).count > 1
      }
    }
    return axes.first(where: varies) ?? axes[0]
  }

  /// What several names begin with, or the first of them.
  static func commonName(_ names: [String]) -> String {
    let common = names.dropFirst().reduce(names[0]) { $0.commonPrefix(with: $1) }
    let trimmed = common.trimmingCharacters(in: CharacterSet(charactersIn: "-_. "))
    return trimmed.isEmpty ? names[0] : trimmed
  }
}
