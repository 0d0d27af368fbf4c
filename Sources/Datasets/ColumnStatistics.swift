public import DenseMath
public import RLCore

/// Range, mean and deviation of each column of a matrix, gathered block by block.
///
/// Values that are not finite are passed over.
public struct ColumnStatistics: Sendable, Equatable {
  /// Columns, each with its own statistics.
  public let size: Int
  /// Least finite value, `[size]`; ∞ where a column has none.
  public private(set) var minimum: [Float]
  /// Greatest finite value, `[size]`; −∞ where a column has none.
  public private(set) var maximum: [Float]
  private var counts: [Int]
  private var sums: [Double]
  private var squares: [Double]
  /// First finite value of each column: sums are of differences from it, which keeps their digits.
  private var origins: [Double]

  init(size: Int) {
    self.size = size
    minimum = [Float](repeating: .infinity, count: size)
    maximum = [Float](repeating: -.infinity, count: size)
    counts = [Int](repeating: 0, count: size)
    sums = [Double](repeating: 0, count: size)
    squares = sums
    origins = sums
  }

  /// Mean of the finite values, `[size]`; NaN where a column has none.
  public var mean: [Double] {
    (0..<size).map { counts[$0] == 0 ? .nan : origins[$0] + sums[$0] / Double(counts[$0]) }
  }

  /// Of the population.
  public var deviation: [Double] {
    (0..<size).map { column in
      guard counts[column] > 0 else { return .nan }
      let count = Double(counts[column])
      let mean = sums[column] / count
      return max(0, squares[column] / count - mean * mean).squareRoot()
    }
  }

  /// Columns that hold one value throughout.
  public var constantColumns: [Int] {
    (0..<size).filter { counts[$0] > 1 && minimum[$0] == maximum[$0] }
  }

  mutating func add(_ values: [Float]) {
    var column = 0
    for value in values {
      if value.isFinite {
        if counts[column] == 0 { origins[column] = Double(value) }
        let difference = Double(value) - origins[column]
        counts[column] += 1
        sums[column] += difference
        squares[column] += difference * difference
        minimum[column] = min(minimum[column], value)
        maximum[column] = max(maximum[column], value)
      }
      column += 1
      if column == size { column = 0 }
    }
  }
}

extension ObservationNormalizer {
  /// Mean and population deviation of each column plus `margin`.
  ///
  /// - Parameter observations: `[rows, observationSize]`, finite, at least one row.
  public init(of observations: Matrix) {
    var statistics = ColumnStatistics(size: observations.columns)
    statistics.add(observations.elements)
    self.init(
      mean: statistics.mean.map { Float($0) },
      std: statistics.deviation.map { Float($0 + ObservationNormalizer.margin) })
  }
}
