import Analysis
import Foundation
import Runs

extension RunReport {
  /// More would make the page too long to read.
  private static let mostFigures = 40
  private static let mostMetrics = 12

  /// Of one group every stage, its score and its metrics; of several the scores of each task.
  func charts() -> String {
    let figures = groups.count == 1 ? stageCharts(groups[0]) : taskCharts()
    guard !figures.isEmpty else { return "" }
    return "<section class=\"charts\">\n"
      + figures.prefix(RunReport.mostFigures).joined(separator: "\n") + "\n</section>"
  }

  // MARK: Several groups

  private func taskCharts() -> [String] {
    var tasks: [String] = []
    for group in groups where !tasks.contains(group.task) { tasks.append(group.task) }
    return tasks.compactMap { task in
      let records = runs.map(\.record).filter { $0.task == task }
      let axis = RecordedRun.axis(of: records, vertical: RunReport.score)
      guard
        let curves = try? Curve.grouped(records, horizontal: axis, vertical: RunReport.score)
      else { return nil }
      return figure(
        task, "D4RL's score; bands: Student's 95 % interval of the mean over seeds", curves, axis,
        "score")
    }
  }

  // MARK: One group

  /// Scores first, the last stage's before those that led to it; then what the algorithms report.
  private func stageCharts(_ group: Group) -> [String] {
    let stages = group.runs[0].stages.map { stage in
      (
        stage.name,
        group.runs.compactMap { run in run.stages.first { $0.name == stage.name }?.table }
      )
    }
    let scores = stages.reversed().compactMap { stageChart($0, $1, RunReport.score) }
    return scores
      + stages.flatMap { name, tables in
        RunReport.metrics(tables[0]).compactMap { stageChart(name, tables, $0) }
      }
  }

  /// One column of one stage; `nil` for what is seen once, or never changes, which needs no picture.
  private func stageChart(_ name: String, _ tables: [RecordedRun], _ column: String) -> String? {
    let own = tables[0].columns.first { RunReport.member($0)?.metric == column } ?? column
    let axis = RecordedRun.axis(of: tables, vertical: own)
    guard let curves = curves(column, tables, axis),
      curves.contains(where: { Set($0.x).count > 1 && Set($0.y).count > 1 })
    else { return nil }
    let label = column == RunReport.score ? "score" : RunReport.words(column)
    return figure("\(name): \(label)", caption(curves, tables), curves, axis, label)
  }

  /// What the algorithm reports, members of an ensemble as one.
  private static func metrics(_ table: RecordedRun) -> [String] {
    let common = [
      "epoch", "environment_steps", "gradient_steps", "wall_seconds", "updates_per_second",
    ]
    var result: [String] = []
    for column in table.columns where !common.contains(column) && !column.hasPrefix("eval_") {
      let name = member(column)?.metric ?? column
      if !result.contains(name), !name.hasPrefix("eval_") { result.append(name) }
    }
    return Array(result.prefix(mostMetrics))
  }

  private static func member(_ column: String) -> (index: Int, metric: String)? {
    column.wholeMatch(of: /member([0-9]+)_(.+)/).flatMap { match in
      Int(match.1).map { ($0, String(match.2)) }
    }
  }

  /// The mean over seeds, or of one run over its agents, with a band; else the run's line.
  private func curves(_ column: String, _ tables: [RecordedRun], _ axis: String) -> [Curve]? {
    let runs = tables.compactMap { table -> (mean: Curve, members: [Curve])? in
      let members = table.columns.filter { RunReport.member($0)?.metric == column }
        .compactMap { try? Curve(table, horizontal: axis, vertical: $0) }
      if let mean = Curve(mean: members, label: "", .interval) { return (mean, members) }
      let own = members.first ?? (try? Curve(table, horizontal: axis, vertical: column))
      return own.map { ($0, []) }
    }
    guard !runs.isEmpty else { return nil }
    if runs.count == 1 { return [runs[0].mean] }
    let means = runs.map { run in
      var curve = run.mean
      curve.band = []
      return curve
    }
    if let mean = Curve(mean: means, label: "", .interval) { return [mean] }
    return zip(means, tables).map { curve, table in
      var curve = curve
      curve.label = table.displayName
      return curve
    }
  }

  private func caption(_ curves: [Curve], _ tables: [RecordedRun]) -> String {
    guard curves[0].band.isEmpty == false else { return tables.count > 1 ? "each seed" : "" }
    return tables.count > 1
      ? "mean of \(tables.count) seeds; band: Student's 95 % interval"
      : "mean of the agents; band: Student's 95 % interval"
  }

  // MARK: Picture

  private func figure(
    _ title: String, _ caption: String, _ curves: [Curve], _ axis: String, _ vertical: String
  ) -> String {
    let (x, y) = CurveDrawing.extent(curves)
    let axes = Axes(
      x: x, y: y, width: 560, height: 300,
      margins: .init(left: 70, right: 18, top: 14, bottom: 54))
    let parts =
      [axes.opening(label: "\(title) over \(RunReport.words(axis))")]
      + axes.elements(horizontal: RunReport.words(axis), vertical: vertical)
      + CurveDrawing.elements(curves, axes) + ["</svg>"]
    return Page.figure(title, caption, parts.joined(separator: "\n") + legend(curves))
  }

  private func legend(_ curves: [Curve]) -> String {
    guard curves.count > 1 else { return "" }
    let items = curves.enumerated().map { index, curve in
      "<li><svg viewBox=\"0 0 26 10\"><line class=\"\(CurveDrawing.strokeClass(index))\" x1=\"0\" y1=\"5\" "
        + "x2=\"26\" y2=\"5\" \(CurveDrawing.stroke(index))/></svg>\(SVG.escape(PlainText.line(curve.label)))</li>"
    }
    return "\n<ul class=\"legend\">\n" + items.joined(separator: "\n") + "\n</ul>"
  }
}
