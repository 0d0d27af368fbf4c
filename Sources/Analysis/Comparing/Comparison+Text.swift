import Foundation
package import Runs

extension Comparison {
  /// How a comparison is printed.
  package enum Format: String, CaseIterable, Sendable {
    case table, csv, json, markdown
  }

  package func text(_ format: Format) throws(RunError) -> String {
    switch format {
    case .json: try JSONText.line(self)
    case .csv: csv
    case .table:
      ([title + "\n"] + aligned(cells) + aligned(aggregateCells) + footer(""))
        .joined(separator: "\n")
    case .markdown:
      ([title + "\n"] + piped(cells) + piped(aggregateCells) + footer("- "))
        .joined(separator: "\n")
    }
  }

  private var title: String {
    let final = step.map { "the last evaluation up to step \($0)" }
    return "\(column) over seeds. final: \(final ?? "the last evaluation of finished runs"); "
      + "best: the best; area: mean height of the curve.\nMeans with Student's 95 % interval, IQM "
      + "with that of a stratified bootstrap (\(resamples) resamples)."
  }

  // MARK: Tables

  private var improvementTitle: [String] { against.map { ["P(> \($0))"] } ?? [] }

  private var cells: [[String]] {
    let header = ["task", "method", "seeds", "final", "IQM", "best", "area"] + improvementTitle
    return [header]
      + rows.map { row in
        [row.task, row.method, "\(row.runs.filter(\.counted).count)"]
          + [row.final?.mean, row.final?.iqm, row.best?.mean, row.areaUnderCurve?.mean]
          .map { Comparison.cell($0, digits: 1) }
          + (against == nil ? [] : [Comparison.cell(row.probabilityOfImprovement, digits: 2)])
      }
  }

  private var aggregateCells: [[String]] {
    guard !aggregates.isEmpty else { return [] }
    let header = ["method", "tasks", "IQM over tasks", "optimality gap"] + improvementTitle
    return [header]
      + aggregates.map { row in
        [
          row.method, "\(row.tasks.count)" + (row.version.isEmpty ? "" : " × \(row.version)"),
          Comparison.cell(row.iqm, digits: 1), Comparison.cell(row.optimalityGap, digits: 1),
        ] + (against == nil ? [] : [Comparison.cell(row.probabilityOfImprovement, digits: 2)])
      }
  }

  private static func cell(_ estimate: SeedStatistics.Estimate?, digits: Int) -> String {
    guard let estimate else { return "–" }
    func number(_ value: Double) -> String { String(format: "%.\(digits)f", value) }
    guard let lower = estimate.lower, let upper = estimate.upper else {
      return number(estimate.value)
    }
    return "\(number(estimate.value)) [\(number(lower)), \(number(upper))]"
  }

  private func aligned(_ cells: [[String]]) -> [String] {
    guard let header = cells.first else { return [] }
    let widths = header.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      let padded = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return padded.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    } + [""]
  }

  private func piped(_ cells: [[String]]) -> [String] {
    guard let header = cells.first else { return [] }
    var lines = cells.map { row in
      "| " + row.map { $0.replacingOccurrences(of: "|", with: "\\|") }.joined(separator: " | ")
        + " |"
    }
    lines.insert("|" + header.map { _ in "---|" }.joined(), at: 1)
    return lines + [""]
  }

  private func footer(_ mark: String) -> [String] { notes.map { mark + $0 } }

  // MARK: CSV

  private var csv: String {
    func columns(_ name: String) -> [String] { [name, "\(name)_lower", "\(name)_upper"] }
    let header =
      ["task", "method", "runs", "seeds", "axis", "step"]
      + ["final", "best", "area"].flatMap { columns("\($0)_mean") + columns("\($0)_iqm") }
      + columns("probability_of_improvement") + ["not_counted"]
    func numbers(_ estimate: SeedStatistics.Estimate?) -> [String] {
      [estimate?.value, estimate?.lower, estimate?.upper].map { $0.map { "\($0)" } ?? "" }
    }
    let lines = rows.map { row -> [String] in
      let counted = row.runs.filter(\.counted)
      let steps = Set(counted.compactMap(\.finalStep))
      return [
        row.task, row.method, "\(counted.count)",
        row.seeds.map(String.init).joined(separator: " "), row.axis,
        steps.count == 1 ? "\(Int(steps.first!))" : "",
      ]
        + [row.final, row.best, row.areaUnderCurve].flatMap {
          numbers($0?.mean) + numbers($0?.iqm)
        }
        + numbers(row.probabilityOfImprovement) + ["\(row.runs.count - counted.count)"]
    }
    return CSVText.lines([header] + lines)
  }
}

/// Every evaluation of every run, and what else of the compared column there is, one a row: for statistics of one's own.
package enum LongTable {
  static let columns = [
    "environment_steps", "gradient_steps", "eval_return_mean", "eval_normalized_score",
  ]

  /// - Parameter compared: the column that was compared; the last one, unless it is among `columns`.
  /// - Throws: ``RunError`` where a table lacks one of the columns.
  package static func csv(
    _ runs: [RecordedRun], compared: String = Comparison.Options().column
  ) throws(RunError) -> String {
    let columns = Self.columns + (Self.columns.contains(compared) ? [] : [compared])
    var lines = [["task", "method", "seed", "stage"] + columns]
    for group in RunGroup.groups(of: runs) {
      for run in group.runs {
        var values: [[Double?]] = []
        for column in columns { values.append(try run.column(column)) }
        for row in values[0].indices where values[2...].contains(where: { $0[row] != nil }) {
          lines.append(
            [group.task, group.label, run.seed.map(String.init) ?? "", run.stage]
              + values.map { CSVText.number($0[row]) })
        }
      }
    }
    return CSVText.lines(lines)
  }
}

/// Rows with their commas.
enum CSVText {
  static func lines(_ rows: [[String]]) -> String {
    rows.map { $0.map(cell).joined(separator: ",") }.joined(separator: "\n") + "\n"
  }

  static func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
  }

  private static func cell(_ text: String) -> String {
    guard text.contains(where: { ",\"\n\r".contains($0) }) else { return text }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
