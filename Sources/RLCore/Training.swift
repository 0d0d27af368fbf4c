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
  public let names: [String]
  public var values: [Double]

  public init(names: [String]) {
    self.names = names
    values = [Double](repeating: 0, count: names.count)
  }

  public subscript(name: String) -> Double? {
    names.firstIndex(of: name).map { values[$0] }
  }
}
