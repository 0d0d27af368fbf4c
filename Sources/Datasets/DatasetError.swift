public import HDF5

/// A dataset cannot be read, does not fit, or cannot be written.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  /// The file itself, or an object in it, cannot be read or written.
  case hdf5(HDF5Error)
  /// A field every dataset needs is absent.
  case missing(file: String, field: String)
  /// The file is laid out as another program does it; `holds` lists its arrays.
  case otherLayout(file: String, layout: String, holds: [String])
  /// A field has another shape, type or value than expected.
  case mismatch(file: String, field: String, expected: String, actual: String)
  /// A number is NaN or infinite.
  case notFinite(file: String, field: String, row: Int, column: Int, value: Double)
  /// Stored next observations are not the observations of the following rows: the rows are not in the
  /// order of time.
  case unordered(file: String, rows: Int, compared: Int, firstRow: Int)
  /// Returns are asked for, and rows do not follow each other in time.
  case noReturns(file: String, rows: Int, compared: Int, firstRow: Int)
  /// The file would be replaced, and that was not asked for.
  case exists(file: String)
  /// The system refused something.
  case system(file: String, operation: String, message: String)

  public var description: String {
    switch self {
    case .hdf5(let error): error.description
    case .missing(let file, let field): "\(file): field '\(field)' is missing"
    case .otherLayout(let file, let layout, let holds):
      "\(file): this is \(layout), expected D4RL's columns "
        + "(\(ForeignLayout.required.joined(separator: ", "))); the file holds "
        + (holds.isEmpty ? "no arrays" : holds.joined(separator: ", "))
    case .mismatch(let file, let field, let expected, let actual):
      "\(file): field '\(field)': expected \(expected), found \(actual)"
    case .notFinite(let file, let field, let row, let column, let value):
      "\(file): field '\(field)': row \(row), column \(column) is \(value), expected a finite number"
    case .unordered(let file, let rows, let compared, let first):
      "\(file): field 'next_observations' differs from the following row's observation inside an "
        + "episode in \(rows) of \(compared) rows, the first is row \(first), so the following row "
        + "is not what happened next; set dataset.nextObservations: stored "
        + "(--set dataset.nextObservations=stored) to learn from next_observations"
    case .noReturns(let file, let rows, let compared, let first):
      "\(file): field 'next_observations' differs from the following row's observation inside an "
        + "episode in \(rows) of \(compared) rows, the first is row \(first), so the rows are not in "
        + "the order of time and there are no returns, which the algorithm needs"
    case .exists(let file): "\(file): already exists; it was left as it is"
    case .system(let file, let operation, let message): "\(file): \(operation): \(message)"
    }
  }
}

/// Runs a piece of file access and turns its error into one of a dataset.
func hdf5<Result>(_ body: () throws(HDF5Error) -> Result) throws(DatasetError) -> Result {
  do throws(HDF5Error) { return try body() } catch { throw .hdf5(error) }
}
