import Foundation

/// `progress.csv`: one row per epoch, appended and synced; the header is fixed at the start.
///
/// A resumed run first cuts the table back to the rows its checkpoint knows of, so no epoch is ever
/// there twice.
package final class ProgressTable {
  /// Columns every stage has, first in each row.
  static let commonColumns = [
    "epoch", "environment_steps", "gradient_steps", "wall_seconds", "eval_return_mean",
    "eval_return_std", "eval_normalized_score", "eval_episodes", "online_fraction",
    "updates_per_second",
  ]

  let columns: [String]
  private let file: FileDescriptor
  /// Rows written so far.
  private(set) var rowCount: Int
  /// `wall_seconds` of the last kept row: where a resumed run's clock goes on.
  let elapsedSeconds: Double

  /// - Parameters:
  ///   - columns: the stage's own columns, after the common ones.
  ///   - keeping: rows the checkpoint knows of; 0 for a new run.
  init(path: String, columns extra: [String], keeping rows: Int) throws(RunError) {
    columns = ProgressTable.commonColumns + extra
    file = try FileDescriptor(appending: path)
    let header = columns.joined(separator: ",")
    let text = String(decoding: try file.contents(), as: UTF8.self)
    rowCount = rows
    guard rows > 0 else {
      elapsedSeconds = 0
      try file.truncate(to: 0)
      try file.write(Array((header + "\n").utf8))
      try file.synchronize()
      return
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.first.map(String.init) == header else {
      throw .inconsistent(
        path: path, reason: "its header differs from the columns of this run: \(header)")
    }
    // Lines: header, rows, and an empty one after the last newline.
    guard lines.count >= rows + 2 else {
      throw .inconsistent(
        path: path,
        reason: "\(max(0, lines.count - 2)) rows, but the checkpoint was written after \(rows)")
    }
    let kept = lines[0...rows].joined(separator: "\n") + "\n"
    let position = columns.firstIndex(of: "wall_seconds") ?? 0
    let cells = lines[rows].split(separator: ",", omittingEmptySubsequences: false)
    elapsedSeconds = position < cells.count ? Double(cells[position]) ?? 0 : 0
    try file.truncate(to: kept.utf8.count)
  }

  /// Appends a row; a missing or non-finite value gives an empty cell.
  func append(_ values: [String: Double]) throws(RunError) {
    let cells = columns.map { ProgressTable.cell(values[$0]) }
    try file.write(Array((cells.joined(separator: ",") + "\n").utf8))
    try file.synchronize()
    rowCount += 1
  }

  package static func cell(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    return "\(value)"
  }
}
