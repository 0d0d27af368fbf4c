package import DenseMath
package import RLCore

/// States and actions of a file from which nearly the whole discounted return is known.
package struct KnownReturns: Sendable {
  /// s, `[count, observationSize]`.
  package let observations: Matrix
  /// a, `[count, actionSize]`.
  package let actions: Matrix
  /// Σ γᵏ·r from each row to the end of its episode, `[count]`.
  package let returns: [Float]
}

extension D4RLDataset {
  /// The weight γᵏ from which on rewards behind the end of the rows do not count.
  private static let negligible = 0.01

  /// Rows in episodes that end by a terminal, and rows so far from a time-out or the end of the file that the
  /// rewards behind it would weigh less than one hundredth.
  ///
  /// - Parameters:
  ///   - discount: γ.
  ///   - limit: of more rows so many, evenly spread over the file.
  /// - Throws: ``DatasetError`` where a column cannot be read or holds a number that is not finite;
  ///   ``DatasetError/noReturns(file:rows:compared:firstRow:)`` of rows that are not in the order of time.
  package func knownReturns(
    discount: Double, limit: Int = 20_000
  ) throws(DatasetError) -> KnownReturns {
    let observations = try finite("observations")
    let terminals = try terminals()
    let timeouts = try timeouts(terminals: terminals)
    let ends = zip(terminals, timeouts).map { $0 || $1 }
    try checkOrderOfReturns(observations, ends: ends)
    let returns = D4RLDataset.returnsToGo(try finite("rewards"), ends: ends, discount: discount)
    var known: [Int] = []
    var unknown = 1.0
    for row in (0..<rows).reversed() {
      if timeouts[row] { unknown = 1 }
      unknown = terminals[row] ? 0 : discount * unknown
      if unknown < D4RLDataset.negligible { known.append(row) }
    }
    known.reverse()
    if known.count > limit { known = (0..<limit).map { known[$0 * known.count / limit] } }
    return KnownReturns(
      observations: D4RLDataset.matrix(observations, columns: observationSize, rows: known),
      actions: D4RLDataset.matrix(try finite("actions"), columns: actionSize, rows: known),
      returns: known.map { returns[$0] })
  }

  private static func matrix(_ values: [Float], columns: Int, rows: [Int]) -> Matrix {
    Matrix(
      rows: rows.count, columns: columns,
      elements: rows.flatMap { values[$0 * columns..<($0 + 1) * columns] })
  }
}
