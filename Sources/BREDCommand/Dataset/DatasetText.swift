import Datasets
import Environments
import Foundation
import RLCore
import Reports

/// Summaries of datasets as text for people.
enum DatasetText {
  static func page(_ summary: DatasetSummary, _ file: String) -> [String] {
    let kind = summary.environment.flatMap { try? EnvironmentKind(named: $0) }
    let identity = [
      summary.environment ?? "unknown robot", summary.kind, "layout \(summary.version.rawValue)",
      PlainText.bytes(summary.bytes),
    ].compactMap { $0 }.joined(separator: ", ")
    var lines = [
      file.printableLine,
      "  identity      \(identity)",
      "  rows          \(summary.rows), which make \(summary.transitions) transitions",
      "  episodes      \(summary.episodes), of which \(summary.completeEpisodes) complete; "
        + "\(summary.terminals) terminals, \(summary.timeouts) time-outs",
      "  length        mean \(number(summary.lengthMean)), \(summary.lengthMin) to "
        + "\(summary.lengthMax)",
      "  return        mean \(number(summary.returnMean)) ± \(number(summary.returnDeviation)), "
        + "\(number(summary.returnMin)) to \(number(summary.returnMax))",
    ]
    if summary.returnPercentiles.count == 5 {
      lines.append(
        "  percentiles   "
          + zip(["5 %", "25 %", "50 %", "75 %", "95 %"], summary.returnPercentiles)
          .map { "\($0) \(number($1))" }.joined(separator: ", "))
    }
    if let score = summary.normalizedScore, let specification = kind?.specification {
      let range = [summary.returnMin, summary.returnMax]
        .map { number(specification.normalizedScore(ofReturn: $0)) }.joined(separator: " to ")
      lines.append("  D4RL score    \(number(score)) for the mean return, \(range)")
    }
    lines.append(
      "  actions       \(String(format: "%.1f", 100 * summary.actionSaturation)) % at ±1; "
        + "\(summary.duplicates) repeated rows")
    lines.append("  policy        \(summary.hasPolicy ? "stored in the file" : "not stored")")
    for name in summary.metadata.keys.sorted() where !name.hasPrefix("policy/") {
      lines.append("  \(pad(name.printableLine, 13)) \(summary.metadata[name]!.printableLine)")
    }
    lines += histogram(summary) + storage(summary) + ranges(summary, kind)
    for warning in summary.warnings { lines.append("  ! \(PlainText.line(warning, limit: 1000))") }
    return lines
  }

  static func comparison(_ table: [(file: String, summary: DatasetSummary)]) -> [String] {
    let names = table.map { URL(fileURLWithPath: $0.file).lastPathComponent.printableLine }
    let width = max(4, names.map(\.count).max() ?? 4)
    let header =
      pad("file", width) + "  robot        version      rows  episodes     return  (sd)      score"
      + "  warnings"
    return [header]
      + zip(names, table).map { name, entry in
        let summary = entry.summary
        let score = summary.normalizedScore.map { String(format: "%.1f", $0) } ?? "-"
        return pad(name, width) + "  " + pad(summary.environment ?? "-", 12) + " "
          + pad(summary.version.rawValue, 7) + right("\(summary.rows)", 10)
          + right("\(summary.episodes)", 10) + right(number(summary.returnMean), 11) + "  "
          + pad("(\(number(summary.returnDeviation)))", 8) + right(score, 7)
          + right("\(summary.warnings.count)", 10)
      }
  }

  /// Returns of the complete episodes in ten bins.
  private static func histogram(_ summary: DatasetSummary) -> [String] {
    let complete = summary.episodeList.filter(\.isComplete)
    let returns = (complete.isEmpty ? summary.episodeList : complete).map(\.returnValue)
    guard returns.count >= 10, summary.returnMax > summary.returnMin else { return [] }
    let step = (summary.returnMax - summary.returnMin) / 10
    var bins = [Int](repeating: 0, count: 10)
    for value in returns where value.isFinite {
      bins[min(9, Int((value - summary.returnMin) / step))] += 1
    }
    let most = bins.max() ?? 1
    return ["  returns"]
      + bins.enumerated().map { index, count in
        let length = count == 0 ? 0 : max(1, count * 40 / max(1, most))
        return right(number(summary.returnMin + Double(index) * step), 14) + "  "
          + pad(String(repeating: "#", count: length), 40) + right("\(count)", 7)
      }
  }

  private static func storage(_ summary: DatasetSummary) -> [String] {
    ["  storage"]
      + summary.columns.compactMap { column in
        guard let stored = summary.storage[column.name] else { return nil }
        return "    \(pad(column.name.printableLine, 24)) \(pad("\(column.shape)", 16)) "
          + "\(pad(column.type, 8)) \(stored.storageDescription), "
          + PlainText.bytes(stored.storedBytes)
      }
  }

  private static func ranges(_ summary: DatasetSummary, _ kind: EnvironmentKind?) -> [String] {
    var lines = ["  columns                         min          max         mean    deviation"]
    for name in ["observations", "actions", "rewards"] {
      guard let found = summary.statistics[name] else { continue }
      let (mean, deviation) = (found.mean, found.deviation)
      let meanings = name == "observations" ? kind?.observationTable : kind?.actionTable
      for index in 0..<found.size {
        let label = found.size == 1 ? name : "\(name) \(index)"
        let numbers = [
          Double(found.minimum[index]), Double(found.maximum[index]), mean[index], deviation[index],
        ]
        var line = "    " + pad(label, 18)
        for value in numbers { line += right(value.isFinite ? PlainText.digits(value) : "-", 13) }
        if name != "rewards", let meanings, meanings.indices.contains(index) {
          line += "   \(meanings[index].label)"
        }
        lines.append(line)
      }
    }
    return lines
  }

  private static func number(_ value: Double) -> String { PlainText.number(value) }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

extension String {
  fileprivate var printableLine: String { PlainText.line(self) }
}
