/// A row-major matrix of single-precision numbers: `rows` × `columns`, a value type.
public struct Matrix: Sendable, Equatable {
  /// Extent of the first axis; in a minibatch, of the transitions.
  public let rows: Int
  /// Extent of the second axis, and the distance between the beginnings of rows in ``elements``.
  public let columns: Int
  /// Element (r, c) stands at `r · columns + c`.
  public var elements: [Float]

  /// A matrix whose elements are all `value`.
  public init(rows: Int, columns: Int, repeating value: Float = 0) {
    self.rows = rows
    self.columns = columns
    elements = [Float](repeating: value, count: rows * columns)
  }

  /// - Precondition: `elements` holds `rows · columns` numbers, row after row.
  public init(rows: Int, columns: Int, elements: [Float]) {
    precondition(
      elements.count == rows * columns,
      "\(elements.count) elements cannot fill a \(rows) × \(columns) matrix")
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// Element (row, column), both counted from 0. Outside of the matrix a precondition fails.
  public subscript(row: Int, column: Int) -> Float {
    get {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns)
      return elements[row * columns + column]
    }
    set {
      precondition(row >= 0 && row < rows && column >= 0 && column < columns)
      elements[row * columns + column] = newValue
    }
  }

  /// A row, counted from 0, `[columns]`. Indices of the slice are those of ``elements``.
  public func row(_ index: Int) -> ArraySlice<Float> {
    elements[index * columns..<(index + 1) * columns]
  }
}
