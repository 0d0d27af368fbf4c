import Datasets
import Foundation
package import Runs

/// What a run has left behind: its table of progress and its configuration.
package struct RecordedRun {
  /// A name that the reader chose.
  package let label: String?
  /// What the directory is called; where that is no more than a seed, as in `bred/seed-0`, the one above.
  package let name: String
  package let directory: String
  /// The last stage that has begun, of a run of several; empty otherwise.
  package let stage: String
  /// Path of `progress.csv`.
  package let table: String
  /// Robot and data: `hopper-medium-v2`.
  package let task: String
  /// Whether ``task`` is no more than what the file is called.
  private let isFileName: Bool
  package let seed: Int?
  package let isFinished: Bool
  package let columns: [String]
  private let rows: [[Substring]]
  /// The configuration without seed and paths; `nil` where there is none.
  let settings: [Substring]?
  /// SHA-256 of the dataset, where a manifest tells it.
  let dataDigest: String?
  private let isNamedBySeed: Bool

  /// The columns that a horizontal axis can have, the best first.
  private static let axes = ["environment_steps", "gradient_steps", "epoch"]
  /// Directories of a run of several stages, the last one first.
  package static let stages = ["finetune", "distill", "pretrain"]

  /// - Parameter directory: a run directory; of a run of several stages, the last stage is taken.
  package init(_ directory: String, label: String? = nil) throws(RunError) {
    self.label = label
    var folder = directory
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    self.directory = folder
    (name, isNamedBySeed) = RecordedRun.name(of: folder)
    func holds(_ file: String) -> Bool {
      FileManager.default.fileExists(atPath: "\(folder)/\(file)")
    }
    stage =
      holds("progress.csv") ? "" : RecordedRun.stages.first { holds("\($0)/progress.csv") } ?? ""
    let place = stage.isEmpty ? folder : "\(folder)/\(stage)"
    table = "\(place)/progress.csv"
    guard let text = try? String(contentsOfFile: table, encoding: .utf8) else {
      throw .missing(path: table, what: "a table of progress")
    }
    let lines = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let header = lines.first ?? []
    columns = header.map(String.init)
    rows = lines.dropFirst().filter { $0.count == header.count }
    isFinished = holds("summary.json")
    let configuration = RecordedConfiguration(holds("config.yaml") ? folder : place)
    settings = configuration?.settings
    seed = configuration?.seed
    // Not every stage reads the dataset.
    let manifests = ([stage] + RecordedRun.stages).lazy.compactMap {
      RecordedManifest($0.isEmpty ? folder : "\(folder)/\($0)")
    }
    dataDigest = manifests.compactMap(\.dataDigest).first
    (task, isFileName) = RecordedRun.task(
      configuration, path: folder, commandLine: manifests.first?.commandLine ?? [])
  }

  /// The label, or else the name.
  package var displayName: String { label ?? name }

  /// The values of a column, `nil` for empty cells.
  package func column(_ name: String) throws(RunError) -> [Double?] {
    guard let index = columns.firstIndex(of: name) else {
      throw .missing(path: table, what: "column '\(name)'")
    }
    return rows.map { Double($0[index]) }
  }

  /// Whether another run is the same but for its seed. Paths may differ, data may not.
  func isRepeated(by other: RecordedRun) -> Bool {
    guard settings != nil, settings == other.settings, label == other.label, seed != other.seed
    else { return false }
    if isNamedBySeed || other.isNamedBySeed, name != other.name { return false }
    if !(isFileName && other.isFileName), task != other.task { return false }
    return dataDigest == nil || other.dataDigest == nil || dataDigest == other.dataDigest
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

  // MARK: Names

  private static func name(of folder: String) -> (String, isSeed: Bool) {
    let parts = URL(fileURLWithPath: folder).standardizedFileURL.pathComponents
    guard let last = parts.last, parts.count > 2 else { return (parts.last ?? folder, false) }
    if stages.contains(last) { return ("\(parts[parts.count - 2])/\(last)", false) }
    let isSeed = last.lowercased().wholeMatch(of: /(seed[-_=]?)?[0-9]+/) != nil
    return (isSeed ? parts[parts.count - 2] : last, isSeed)
  }

  /// What several names begin with, or the first of them.
  static func commonName(_ names: [String]) -> String {
    let common = names.dropFirst().reduce(names[0]) { $0.commonPrefix(with: $1) }
    var trimmed = Substring(common)
    // What is left of "bred-seed-0" and "bred-seed-1" is "bred"; a name of its own stays.
    if names.contains(where: { $0 != common }) {
      trimmed = trimmed.prefix(
        upTo: trimmed.firstMatch(of: /[-_. ]*(seed)?[-_. ]*$/)!.range.lowerBound)
    }
    return trimmed.isEmpty ? names[0] : String(trimmed)
  }

  /// Robot and data, as far as anything tells: D4RL's name of the file, a task's name in the path (training from
  /// scratch has no data, but its task), the command, the file's own name, the robot.
  private static func task(
    _ configuration: RecordedConfiguration?, path: String, commandLine: [String]
  ) -> (String, isFileName: Bool) {
    let robot = configuration?.environment ?? ""
    let file = configuration?.dataset.map { ($0 as NSString).lastPathComponent } ?? ""
    let stem = file.hasSuffix(".hdf5") ? String(file.dropLast(5)) : file
    func isTask(_ name: String) -> Bool {
      D4RLCatalog.entry(named: name) != nil && name.hasPrefix(robot.prefix { $0 != "-" })
    }
    if let entry = D4RLCatalog.entries.first(where: { [$0.name, $0.fileName].contains(file) }) {
      return (entry.name, false)
    }
    if isTask(stem) { return (stem, false) }
    let parts = URL(fileURLWithPath: path).standardizedFileURL.pathComponents
    if let found = parts.last(where: isTask) { return (found, false) }
    if let index = commandLine.firstIndex(of: "--task"), index + 1 < commandLine.count,
      isTask(commandLine[index + 1])
    {
      return (commandLine[index + 1], false)
    }
    return stem.isEmpty ? (robot, false) : (stem, true)
  }
}

/// `config.yaml`, read no further than a comparison needs it: files of other versions have other keys.
private struct RecordedConfiguration {
  let settings: [Substring]
  let seed: Int?
  let environment: String?
  /// Path or name of the dataset.
  let dataset: String?

  init?(_ folder: String) {
    guard let text = try? String(contentsOfFile: "\(folder)/config.yaml", encoding: .utf8) else {
      return nil
    }
    let lines = text.split(separator: "\n")
    func value(_ line: Substring?) -> String? {
      guard let line, let colon = line.firstIndex(of: ":") else { return nil }
      let text = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      let bare = text.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
      return bare.isEmpty ? nil : bare
    }
    func isPath(_ line: Substring) -> Bool { line.drop { $0 == " " }.hasPrefix("path:") }
    seed = value(lines.first { $0.hasPrefix("seed:") }).flatMap { Int($0) }
    environment = value(lines.first { $0.hasPrefix("environment:") })
    dataset = value(lines.first(where: isPath))
    settings = lines.filter { !$0.hasPrefix("seed:") && !isPath($0) }
  }
}

/// What a comparison asks of `manifest.json`.
private struct RecordedManifest: Decodable {
  let inputs: [String: String]
  let commandLine: [String]
  var dataDigest: String? { inputs[RunInput.dataset] }

  init?(_ folder: String) {
    guard let data = FileManager.default.contents(atPath: "\(folder)/manifest.json"),
      let found = try? JSONDecoder().decode(RecordedManifest.self, from: data)
    else { return nil }
    self = found
  }
}
