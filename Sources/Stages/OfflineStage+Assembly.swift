package import Configuration
import Foundation
import RLCore
import Runs

extension OfflineStage {
  /// Makes the run directory that training all agents together would have made, from runs that trained one
  /// each; nothing where it is there already.
  ///
  /// Weights and metrics are the same bytes; evaluations are put together from those of the agents, and
  /// of times the longest counts.
  /// - Parameters:
  ///   - agents: finished run directories, agent i's at i.
  ///   - configuration: of all agents together.
  package static func assemble(
    _ agents: [String], configuration: ExperimentConfiguration, output: String
  ) throws {
    let manager = FileManager.default
    guard try !RunDirectory.exists("\(output)/summary.json") else { return }
    let tables = try agents.map { try AgentTable("\($0)/progress.csv") }
    let configuration = configuration.restricted(to: [.offline])
    // Whole or not at all, whoever else is about to do the same.
    let draft = "\(output).partial-\(getpid())"
    try? manager.removeItem(atPath: draft)
    do {
      try manager.createDirectory(atPath: "\(draft)/weights", withIntermediateDirectories: true)
      for (member, agent) in agents.enumerated() {
        try manager.copyItem(
          atPath: "\(agent)/weights/member-0", toPath: "\(draft)/weights/member-\(member)")
      }
    } catch {
      throw RunError.cannotWrite(path: draft, reason: readable(error))
    }
    let specification = try ControlTask(configuration).specification
    let (text, scores) = try AgentTable.joined(tables, specification)
    try AtomicText.write(text, to: "\(draft)/progress.csv")
    try AtomicText.write(configuration.yaml(), to: "\(draft)/config.yaml")
    let summary = RunSummary(
      stage: OfflineStage.name, configuration: configuration, scores: scores,
      wallSeconds: [OfflineStage.name: tables.reduce(0) { $0 + $1.seconds }],
      numbers: ["gradientSteps": Double(configuration.offline.gradientSteps)])
    try AtomicText.write(JSONText.pretty(summary), to: "\(draft)/summary.json")
    try FileSystem.sync(tree: draft)
    if rename(draft, output) != 0 {
      let reason = RunError.lastSystemMessage
      try? manager.removeItem(atPath: draft)
      guard manager.fileExists(atPath: "\(output)/summary.json") else {
        throw RunError.cannotWrite(path: output, reason: reason)
      }
    }
    try FileSystem.sync(folder: FileSystem.folder(of: output))
  }
}

/// The table of a run that trained one agent.
private struct AgentTable {
  let columns: [String]
  let rows: [[Substring]]

  init(_ path: String) throws(RunError) {
    let text = String(decoding: try RunDirectory.contents(of: path), as: UTF8.self)
    let lines = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    columns = (lines.first ?? []).map(String.init)
    rows = Array(lines.dropFirst())
    guard rows.allSatisfy({ $0.count == columns.count }) else {
      throw .inconsistent(path: path, reason: "rows of different lengths")
    }
  }

  func cell(_ row: Int, _ name: String) -> Substring {
    columns.firstIndex(of: name).map { rows[row][$0] } ?? ""
  }

  func number(_ row: Int, _ name: String) -> Double? { Double(cell(row, name)) }

  var seconds: Double { rows.isEmpty ? 0 : number(rows.count - 1, "wall_seconds") ?? 0 }

  /// The table of all agents together, and the scores in it.
  static func joined(
    _ tables: [AgentTable], _ specification: EnvironmentSpecification
  ) throws(RunError) -> (text: String, scores: ScoreRecord) {
    let count = tables[0].rows.count
    guard tables.allSatisfy({ $0.rows.count == count && $0.columns == tables[0].columns }) else {
      throw .inconsistent(path: "agents", reason: "tables of progress of different shapes")
    }
    let common = tables[0].columns.filter { !$0.hasPrefix("member0_") }
    let own = tables[0].columns.filter { $0.hasPrefix("member0_") }
    let names = tables.indices.flatMap { member in
      own.map { "member\(member)_" + $0.dropFirst("member0_".count) }
    }
    var lines = [(common + names).joined(separator: ",")]
    var scores = ScoreRecord()
    for row in 0..<count {
      let together = evaluation(tables, row)
      if let mean = together["eval_return_mean"] {
        scores.add(
          EvaluationResult(specification: specification, returns: [mean], lengths: []),
          step: Int(tables[0].number(row, "gradient_steps") ?? 0))
      }
      let cells = common.map { name -> String in
        switch name {
        case "eval_normalized_score":
          return ProgressTable.cell(
            together["eval_return_mean"].map(specification.normalizedScore(ofReturn:)))
        case "wall_seconds":
          return ProgressTable.cell(tables.compactMap { $0.number(row, name) }.max())
        default:
          return together[name].map(ProgressTable.cell) ?? String(tables[0].cell(row, name))
        }
      }
      let others = tables.flatMap { table in own.map { String(table.cell(row, $0)) } }
      lines.append((cells + others).joined(separator: ","))
    }
    return (lines.joined(separator: "\n") + "\n", scores)
  }

  /// Mean and deviation over all agents' episodes, of which each has as many.
  private static func evaluation(_ tables: [AgentTable], _ row: Int) -> [String: Double] {
    let means = tables.compactMap { $0.number(row, "eval_return_mean") }
    let deviations = tables.compactMap { $0.number(row, "eval_return_std") }
    let episodes = tables.compactMap { $0.number(row, "eval_episodes") }
    guard means.count == tables.count, deviations.count == tables.count else { return [:] }
    let count = Double(means.count)
    let mean = means.reduce(0, +) / count
    let squares = zip(means, deviations).reduce(0) {
      $0 + $1.1 * $1.1 + ($1.0 - mean) * ($1.0 - mean)
    }
    return [
      "eval_return_mean": mean, "eval_return_std": (squares / count).squareRoot(),
      "eval_episodes": episodes.reduce(0, +),
    ]
  }
}
