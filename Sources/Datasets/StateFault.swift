/// How the physical states of a file are wrong: `infos/qpos` and `infos/qvel` of a row must be those of
/// its observation.
enum StateFault: Sendable, Equatable, CustomStringConvertible {
  /// Row i holds the state of row i + `by`.
  case shifted(by: Int)
  /// The same state in row after row, as in D4RL's v1 files.
  case frozen
  case otherStates(rows: Int, firstRow: Int)

  var description: String {
    switch self {
    case .shifted(let by):
      "states that are off by one row (row i holds the state of row i \(by > 0 ? "+" : "-") 1)"
    case .frozen: "states that do not change from row to row"
    case .otherStates(let rows, let first):
      "other states in \(rows) \(rows == 1 ? "row" : "rows"), the first is row \(first)"
    }
  }

  func error(in file: String) -> DatasetError {
    .mismatch(
      file: file, field: "infos/qpos and infos/qvel", expected: "the states of the observations",
      actual: description)
  }
}
