/// Training left the realm of numbers.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
  /// A loss was first non-finite in this update.
  case diverged(metric: String, value: Float, updateCount: Int)
  /// A minibatch holds something that is not a finite number.
  case nonFiniteInput(column: String, row: Int, updateCount: Int)

  public var description: String {
    switch self {
    case .diverged(let metric, let value, let updateCount):
      "training diverged: \(metric) is \(value) in update \(updateCount)"
    case .nonFiniteInput(let column, let row, let updateCount):
      "row \(row) of the minibatch of update \(updateCount): '\(column)' is not a finite number"
    }
  }
}

/// Named numbers that an update reports, in a fixed order.
public struct Metrics: Sendable, Equatable {
  /// In the order of reporting, one for each of ``values``.
  public let names: [String]
  /// What the last update reported, `[names.count]`; 0 before the first.
  public var values: [Double]

  /// All values 0.
  public init(names: [String]) {
    self.names = names
    values = [Double](repeating: 0, count: names.count)
  }

  /// The value under a name, `nil` for a name that is not reported.
  public subscript(name: String) -> Double? {
    names.firstIndex(of: name).map { values[$0] }
  }
}
