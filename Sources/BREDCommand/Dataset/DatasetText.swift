import Datasets
import Foundation

/// Summaries of datasets as text for people.
enum DatasetText {
  static func page(_ summary: DatasetSummary, _ file: String) -> [String] {
    var lines = [
      file,
      "  robot         \(summary.environment ?? "unknown"), layout \(summary.version.rawValue)",
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
    if let score = summary.normalizedScore {
      lines.append("  score         \(String(format: "%.2f", score)) (of the mean return)")
    }
    lines.append(
      "  actions       \(String(format: "%.1f", 100 * summary.actionSaturation)) % at ±1; "
        + "\(summary.duplicates) repeated rows")
    lines.append("  policy        \(summary.hasPolicy ? "stored in the file" : "not stored")")
    for name in summary.metadata.keys.sorted() where !name.hasPrefix("policy/") {
      lines.append("  \(pad(name, 13)) \(summary.metadata[name]!.prefix(120))")
    }
    lines += histogram(summary) + columns(summary)
    for warning in summary.warnings { lines.append("  ! \(warning)") }
    return lines
  }

  static func comparison(_ table: [(file: String, summary: DatasetSummary)]) -> [String] {
    let names = table.map { URL(fileURLWithPath: $0.file).lastPathComponent }
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

  private static func columns(_ summary: DatasetSummary) -> [String] {
    var lines = ["  columns"]
    for column in summary.columns {
      guard let stored = summary.storage[column.name] else { continue }
      lines.append(
        "    \(pad(column.name, 24)) \(pad("\(column.shape)", 16)) \(pad(column.type, 8)) "
          + "\(stored.storageDescription), \(stored.storedBytes) bytes")
    }
    lines.append("  ranges        column            min          max         mean    deviation")
    for name in ["observations", "actions", "rewards"] {
      guard let found = summary.statistics[name] else { continue }
      let (mean, deviation) = (found.mean, found.deviation)
      for index in 0..<found.size {
        let label = found.size == 1 ? name : "\(name) \(index)"
        lines.append(
          "    " + pad(label, 20)
            + [
              Double(found.minimum[index]), Double(found.maximum[index]), mean[index],
              deviation[index],
            ].map { right(String(format: "%.4g", $0), 13) }.joined())
      }
    }
    return lines
  }

  private static func number(_ value: Double) -> String {
    String(format: abs(value) < 100 ? "%.2f" : "%.1f", value)
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func right(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
