import Analysis
import Foundation
import Runs

extension RunReport {
  private static let mostRows = 500

  /// A cell of any text.
  private static func cell(_ text: String, _ kind: String = "") -> String {
    "<td\(kind.isEmpty ? "" : " class=\"\(kind)\"")>\(SVG.escape(PlainText.line(text, limit: 300)))</td>"
  }

  private static func row(_ cells: [String], marked: Bool = false) -> String {
    "<tr\(marked ? " class=\"marked\"" : "")>\(cells.joined())</tr>"
  }

  private static func head(_ names: [String], left: Set<String> = []) -> String {
    names.map { "<th\(left.contains($0) ? " class=\"left\"" : "")>\($0)</th>" }.joined()
  }

  // MARK: Scores

  func scoreTables() -> String {
    let stages = runs.count == 1 ? stageScores(runs[0]) : runScores()
    return (runs.count == 1 ? [stages] : [groupScores(), stages]).joined(separator: "\n")
  }

  private func stageScores(_ run: Run) -> String {
    let rows = run.stages.map { stage in
      let state = stage.summary == nil ? "not ended" : "done"
      guard let scores = stage.scores else {
        return Self.row(
          [stage.name, state, "–", "–", "–", "–", "–", "–"].map { Self.cell($0) })
      }
      return Self.row(
        [
          stage.name, state, Self.number(scores.first), Self.number(scores.last.value),
          scores.lastReturn.map(Self.number) ?? "–",
          "\(Self.count(scores.last.step)) \(Self.words(scores.axis))",
          Self.number(scores.best.value), Self.count(scores.best.step),
        ].map { Self.cell($0) })
    }
    return Page.table(
      "Scores",
      Self.head(["stage", "state", "first", "final", "final return", "after", "best", "best after"]
      ),
      rows, note: "D4RL's normalized score of evaluations with the mean action.")
  }

  private func groupScores() -> String {
    let rows = comparison.rows.map { row in
      Self.row(
        [Self.cell(row.task), Self.cell(row.method, "left")]
          + [
            "\(row.runs.count { $0.counted })", Self.estimate(row.final?.mean),
            Self.estimate(row.final?.iqm), Self.estimate(row.best?.mean),
            Self.estimate(row.areaUnderCurve?.mean),
          ].map { Self.cell($0) })
    }
    return Page.table(
      "Scores",
      Self.head(
        ["task", "method", "seeds", "final", "IQM", "best", "area"], left: ["method"]), rows,
      note:
        "Of finished runs; means with Student's 95 % interval, IQM with that of a bootstrap, area: "
        + "mean height of the curve.")
  }

  private static func estimate(_ estimate: SeedStatistics.Estimate?) -> String {
    guard let estimate else { return "–" }
    guard let lower = estimate.lower, let upper = estimate.upper else {
      return number(estimate.value)
    }
    return "\(number(estimate.value)) [\(number(lower)), \(number(upper))]"
  }

  private func runScores() -> String {
    let rows = comparison.rows.flatMap { row in
      row.runs.map { run in
        Self.row(
          [
            Self.cell(place(run.directory)), Self.cell(row.task, "left"),
            Self.cell(row.method, "left"),
          ]
            + [
              run.seed.map(String.init) ?? "–", run.finished ? "done" : "not ended",
              run.final.map(Self.number) ?? "–", run.finalStep.map(Self.count) ?? "–",
              run.best.map(Self.number) ?? "–", run.bestStep.map(Self.count) ?? "–",
            ].map { Self.cell($0) })
      }
    }
    return Page.table(
      "Runs",
      Self.head(
        ["run", "task", "method", "seed", "state", "final", "after", "best", "best after"],
        left: ["task", "method"]), Array(rows.prefix(Self.mostRows)))
  }

  // MARK: Time

  func timeTable() -> String {
    let activities = Activity.allCases.map(\.rawValue) + ["other"]
    var rows: [String] = []
    for group in groups {
      for stage in group.runs[0].stages.map(\.name) {
        let found = group.runs.compactMap { run in
          run.stages.first { $0.name == stage }?.summary
        }
        guard !found.isEmpty else { continue }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        let wall = mean(found.map { $0.wallSeconds.values.reduce(0, +) })
        let parts = activities.map { name in
          mean(found.map { $0.activitySeconds?[name] ?? 0 })
        }
        rows.append(
          Self.row(
            (groups.count > 1 ? [Self.cell(name(group))] : [])
              + [Self.cell(stage, "left"), Self.cell(ProgressReporter.duration(wall))]
              + parts.map { Self.cell(Self.seconds($0)) }
              + ["<td class=\"left\">\(Self.bars(parts))</td>"]))
      }
    }
    guard !rows.isEmpty else { return "" }
    let keys = activities.enumerated().map { index, name in
      "<th><svg viewBox=\"0 0 10 10\" style=\"display:inline;width:9px;height:9px\">"
        + "<rect class=\"bar\(index)\" width=\"10\" height=\"10\"/></svg> \(name)</th>"
    }
    return Page.table(
      "Time",
      Self.head((groups.count > 1 ? ["runs"] : []) + ["stage", "wall time"], left: ["stage"])
        + keys.joined() + "<th></th>", Array(rows.prefix(Self.mostRows)),
      note: runs.count > 1
        ? "Means over the runs that are done. What it was spent on: seconds of the process that ended the stage."
        : "What it was spent on: seconds of the process that ended the stage.")
  }

  private static func seconds(_ value: Double) -> String {
    String(format: value < 100 ? "%.1f" : "%.0f", value)
  }

  private static func bars(_ parts: [Double]) -> String {
    let total = max(parts.reduce(0, +), 1e-9)
    var left = 0.0
    var result = "<svg viewBox=\"0 0 112 10\" style=\"width:112px;height:10px\">"
    for (index, part) in parts.enumerated() where part > 0 {
      let width = 112 * part / total
      result +=
        "<rect class=\"bar\(index)\" x=\"\(SVG.fixed(left))\" width=\"\(SVG.fixed(width))\" height=\"10\"/>"
      left += width
    }
    return result + "</svg>"
  }

  // MARK: Settings

  func settingTables() -> String {
    if groups.count == 1 { return ownSettings(groups[0].runs[0]) }
    return [varyingSettings(), commonSettings()].joined(separator: "\n")
  }

  private func ownSettings(_ run: Run) -> String {
    if run.settings.values.isEmpty {
      return "<section>\n<h2>Settings</h2>\n<p class=\"soft\">As written by another version.</p>\n"
        + "<pre>\(run.settings.yaml.split(separator: "\n").map { SVG.escape(String($0)) }.joined(separator: "\n"))</pre>"
        + "\n</section>"
    }
    let rows = run.settings.values.map { value in
      Self.row(
        [Self.cell(value.key), Self.cell(value.text, "left"), Self.expected([value.expected])],
        marked: value.expected != nil)
    }
    return Page.table(
      "Settings", Self.head(["key", "value", ""], left: ["value", ""]), rows,
      note:
        "Every value that was used. Marked: what \(SVG.escape(run.settings.baseline)) alone would not have "
        + "given.")
  }

  private static func expected(_ others: [String?]) -> String {
    let texts = Set(others.compactMap { $0 }).sorted().map { $0.isEmpty ? "not used" : $0 }
    guard !texts.isEmpty else { return "<td></td>" }
    return
      "<td class=\"left mark\">instead of \(SVG.escape(PlainText.line(texts.joined(separator: ", "))))</td>"
  }

  /// Keys in the order of a configuration file, with each group's value.
  private var valuesByKey: [(key: String, values: [RecordedSettings.Value?])] {
    let tables = groups.map { group in
      Dictionary(
        group.runs[0].settings.values.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    }
    var keys: [String] = []
    for group in groups {
      var place = 0
      for value in group.runs[0].settings.values {
        if let known = keys.firstIndex(of: value.key) {
          place = known + 1
        } else {
          keys.insert(value.key, at: place)
          place += 1
        }
      }
    }
    return keys.filter { $0 != "seed" && $0 != "dataset.path" }.map { key in
      (key, tables.map { $0[key] })
    }
  }

  private func varyingSettings() -> String {
    let rows = valuesByKey.filter { Set($0.values.map { $0?.text }).count > 1 }.map { item in
      var holders: [String: [String]] = [:]
      for (group, value) in zip(groups, item.values) {
        holders[value?.text ?? "not used", default: []].append(name(group))
      }
      let texts = holders.sorted { $0.key < $1.key }.map { value, names in
        "\(value): \(names.count > 4 ? "\(names.count) groups" : names.joined(separator: ", "))"
      }
      return Self.row([
        Self.cell(item.key),
        "<td class=\"text\">\(SVG.escape(PlainText.line(texts.joined(separator: "; "), limit: 600)))</td>",
      ])
    }
    guard !rows.isEmpty else { return "" }
    return Page.table(
      "Settings that differ between the groups", Self.head(["key", "values"], left: ["values"]),
      rows)
  }

  private func commonSettings() -> String {
    let rows = valuesByKey.filter { Set($0.values.map { $0?.text }).count == 1 }.map { item in
      let expected = item.values.map { $0?.expected }
      return Self.row(
        [
          Self.cell(item.key), Self.cell(item.values[0]?.text ?? "", "left"),
          Self.expected(expected),
        ], marked: expected.contains { $0 != nil })
    }
    guard !rows.isEmpty else { return "" }
    return Page.table(
      "Settings of all groups", Self.head(["key", "value", ""], left: ["value", ""]), rows,
      note: "Marked: what the groups' methods and tasks alone would not have given.")
  }

  // MARK: Origin

  func dataTable() -> String {
    var rows: [String] = []
    var seen: Set<String> = []
    for group in groups {
      for run in group.runs {
        let path = run.settings.values.first { $0.key == "dataset.path" }?.text ?? ""
        for (role, digest) in run.manifests.flatMap({ $0.inputs.sorted { $0.key < $1.key } })
        where seen.insert("\(role)\(digest)").inserted {
          rows.append(
            Self.row([
              Self.cell(role), Self.cell(role == "dataset" ? path : "", "left"),
              Self.cell(digest, "left"),
            ]))
        }
      }
    }
    guard !rows.isEmpty else { return "" }
    let left = rows.count - 60
    return Page.table(
      "Inputs", Self.head(["input", "file", "SHA-256"], left: ["file", "SHA-256"]),
      Array(rows.prefix(60)), note: left > 0 ? "\(left) more are left out." : "")
  }

  func machineTables() -> String {
    var rows: [(String, String)] = []
    func add(_ name: String, _ text: (RunManifest) -> String?) {
      let values = Set(runs.flatMap(\.manifests).compactMap(text)).sorted()
      if !values.isEmpty { rows.append((name, values.joined(separator: "; "))) }
    }
    add("bred") { "\($0.version), commit \($0.commit)" }
    add("processor") { $0.machine.cpu }
    add("threads") { "\($0.machine.threads) of \($0.machine.processors) processors" }
    add("memory") { PlainText.bytes(Int(clamping: $0.machine.memoryBytes)) }
    add("system") { $0.machine.operatingSystem }
    add("kernels") { $0.machine.kernels }
    for library in Set(runs.flatMap(\.manifests).flatMap(\.libraries.keys)).sorted() {
      add(library) { $0.libraries[library] }
    }
    if runs.count == 1 {
      for stage in runs[0].stages {
        guard let manifest = stage.manifest else { continue }
        let again = manifest.resumedAt
        rows.append(
          (
            "\(stage.name) begun",
            manifest.startedAt
              + (again.isEmpty ? "" : ", taken up again \(again.joined(separator: ", "))")
          ))
      }
    }
    guard !rows.isEmpty else { return "" }
    return Page.table(
      "Machine and versions", Self.head(["", "value"], left: ["value"]),
      rows.map {
        Self.row([
          Self.cell($0.0),
          "<td class=\"text\">\(SVG.escape(PlainText.line($0.1, limit: 600)))</td>",
        ])
      })
  }

  // MARK: Again

  /// The commands as they were given, each once.
  func commands() -> String {
    var seen: [String] = []
    for words in runs.flatMap(\.manifests).map(\.commandLine) where !words.isEmpty {
      let given = words.dropFirst().filter { $0 != "--resume" }
      let text = ShellText.command(["bred"] + given)
      if !seen.contains(text) { seen.append(text) }
    }
    var parts: [String] = []
    if !seen.isEmpty {
      let shown = seen.prefix(20).map { SVG.escape($0) }.joined(separator: "\n")
      parts.append("<pre>\(shown)</pre>")
      if seen.count > 20 {
        parts.append("<p class=\"soft\">\(seen.count - 20) more are left out.</p>")
      }
    }
    if let run = runs.first(where: { !$0.record.stage.isEmpty }) {
      let text = ShellText.command([
        "bred", "run", "\(run.record.directory)/config.yaml", "--output", "again",
      ])
      parts.append(
        "<p class=\"soft\">Or from the values that it was resolved to:</p>\n<pre>\(SVG.escape(text))</pre>"
      )
    }
    guard !parts.isEmpty else { return "" }
    return
      "<section>\n<h2>To run it again</h2>\n<p class=\"soft\">With another --output. The same version, data and "
      + "kernels give the same bytes, whatever the threads.</p>\n"
      + parts.joined(separator: "\n") + "\n</section>"
  }
}
