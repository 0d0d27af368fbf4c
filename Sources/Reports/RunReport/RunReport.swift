import Analysis
public import DenseMath
import Foundation
public import Runs
import Sweeps

/// One self-contained page about a run, or about many: what was run, how it went, what it took, on which machine,
/// and how to do it again.
///
/// Runs that differ only in their seeds are shown together. The same files give the same bytes.
public struct RunReport {
  static let score = "eval_normalized_score"

  /// A run with its stages.
  struct Run {
    let record: RecordedRun
    let stages: [RecordedStage]
    let settings: RecordedSettings

    init(_ record: RecordedRun) throws(RunError) {
      self.record = record
      stages = try RecordedStage.all(of: record)
      settings = RecordedSettings(record, stage: stages.last)
    }

    var manifests: [RunManifest] { stages.compactMap(\.manifest) }
  }

  /// Runs that differ in nothing but their seeds.
  struct Group {
    let label: String
    let task: String
    let runs: [Run]
  }

  let path: String
  let groups: [Group]
  let comparison: Comparison
  /// Of a sweep: how far it is.
  let status: String?

  var runs: [Run] { groups.flatMap(\.runs) }

  /// - Parameter path: a run directory, of one stage or several; a sweep's directory; or any directory with runs
  ///   somewhere below it.
  /// - Throws: `RunError` where there is no run, or one cannot be read.
  public init(_ path: String, pool: WorkerPool = WorkerPool()) throws(RunError) {
    self.path = path
    let isSweep = FileManager.default.fileExists(atPath: "\(path)/plans")
    status = isSweep ? try SweepStatus(directory: path).summary : nil
    let records = try RunTree.runs(isSweep ? "\(path)/runs" : path)
    var groups: [Group] = []
    for group in RunGroup.groups(of: records) {
      var runs: [Run] = []
      for record in group.runs { runs.append(try Run(record)) }
      groups.append(Group(label: group.label, task: group.task, runs: runs))
    }
    self.groups = groups
    comparison = try Comparison(records, pool: pool)
  }

  /// Writes the page, whole or not at all.
  ///
  /// - Throws: where `path` exists and is not to be replaced, or cannot be written.
  public func write(to path: String, replacing: Bool) throws(RunError) {
    try AtomicText.write(html(), to: path, replacing: replacing)
  }

  func html() -> String {
    Page(
      title: title, subtitle: subtitle, command: "bred report",
      body: [
        tiles(), Page.warnings(warnings, none: ""), charts(), scoreTables(), timeTable(),
        settingTables(), dataTable(), machineTables(), commands(),
      ]
    ).html()
  }

  // MARK: Head

  private var title: String {
    let folder = URL(fileURLWithPath: path).standardizedFileURL
    return PlainText.line(
      runs.count == 1 ? runs[0].record.displayName : folder.lastPathComponent)
  }

  private var subtitle: String {
    let tasks = Set(groups.map(\.task)).sorted()
    func few(_ names: [String], _ noun: String) -> String {
      names.count <= 3 ? names.joined(separator: ", ") : "\(names.count) \(noun)"
    }
    let first = runs[0]
    let what =
      groups.count == 1
      ? first.stages.map(\.name).joined(separator: " → ")
      : few(Set(groups.map(\.label)).sorted(), "methods")
    return PlainText.line(
      [
        few(tasks, "tasks"), what, first.manifests.first.map { "begun \($0.startedAt)" } ?? "",
        path,
      ]
      .filter { !$0.isEmpty }.joined(separator: " · "), limit: 300)
  }

  private func tiles() -> String {
    let finished = runs.count { $0.record.isFinished }
    var tiles: [(String, String, String)] = []
    if groups.count == 1, let row = comparison.rows.first {
      if let final = row.final {
        tiles.append(
          ("final score", Self.number(final.mean.value), Self.interval(final.mean, row.axis)))
        tiles.append(
          ("best score", row.best.map { Self.number($0.mean.value) } ?? "–", "of an evaluation"))
      } else if let scores = runs[0].stages.last?.scores {
        tiles.append(
          (
            "last score", Self.number(scores.last.value),
            "at \(Self.count(scores.last.step)) \(Self.words(scores.axis))"
          ))
      }
      let seeds = runs.compactMap { $0.record.seed }.sorted().map(String.init)
      tiles.append(
        (
          seeds.count == 1 ? "seed" : "seeds",
          seeds.count == 1 ? seeds[0] : "\(seeds.count)",
          seeds.count > 1 ? seeds.prefix(12).joined(separator: ", ") : ""
        ))
    } else {
      tiles.append(("tasks", "\(Set(groups.map(\.task)).count)", ""))
      tiles.append(("methods", "\(Set(groups.map(\.label)).count)", "with their variants"))
      tiles.append(("runs", "\(runs.count)", "seeds of \(groups.count) groups"))
    }
    let state =
      finished == runs.count
      ? ("done", "all stages")
      : runs.count == 1
        ? ("not ended", "stages so far") : ("\(finished) of \(runs.count)", "runs have ended")
    tiles.append(("state", state.0, SVG.escape(status ?? state.1)))
    let seconds = runs.flatMap(\.stages).compactMap(\.summary)
      .reduce(0.0) { $0 + $1.wallSeconds.values.reduce(0, +) }
    if seconds > 0 {
      tiles.append(("wall time", ProgressReporter.duration(seconds), "of all stages that are done"))
    }
    return Page.tiles(tiles)
  }

  private var warnings: [String] {
    var seen: Set<String> = []
    let all = groups.flatMap { group in
      group.runs.flatMap(\.manifests).flatMap { $0.warnings ?? [] }
        .map { Set(groups.map(\.task)).count > 1 ? "\(group.task): \($0)" : $0 }
    }
    let notes =
      runs.count == 1
      ? []
      : comparison.notes.map { note in
        // The rest is advice for `bred compare`.
        note.components(separatedBy: "; --at STEP")[0]
      }
    return all.filter { seen.insert($0).inserted } + notes
  }

  // MARK: Text

  /// A group's label, behind its task where there are several.
  func name(_ group: Group) -> String {
    groups.contains { $0.task != groups[0].task } ? "\(group.task) \(group.label)" : group.label
  }

  /// A run's directory as seen from ``path``.
  func place(_ directory: String) -> String {
    let prefix = path.hasSuffix("/") ? path : path + "/"
    return directory.hasPrefix(prefix) ? String(directory.dropFirst(prefix.count)) : directory
  }

  static func number(_ value: Double) -> String { String(format: "%.1f", value) }

  static func count(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }

  /// A column's name in words.
  static func words(_ column: String) -> String { column.replacingOccurrences(of: "_", with: " ") }

  static func interval(_ estimate: SeedStatistics.Estimate, _ axis: String) -> String {
    guard let lower = estimate.lower, let upper = estimate.upper else {
      return "D4RL's, of one run"
    }
    return "95 % interval \(number(lower)) to \(number(upper))"
  }
}
