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

/// Mean of each metric over the updates of one epoch.
public struct MetricsAverage: Sendable {
  public let names: [String]
  private var sums: [Double]
  public private(set) var count = 0

  public init(names: [String]) {
    self.names = names
    sums = [Double](repeating: 0, count: names.count)
  }

  public mutating func add(_ metrics: Metrics) {
    for index in sums.indices { sums[index] += metrics.values[index] }
    count += 1
  }

  /// Mean values; `nan` where nothing was added.
  public var values: [Double] { sums.map { count == 0 ? .nan : $0 / Double(count) } }

  public mutating func reset() {
    for index in sums.indices { sums[index] = 0 }
    count = 0
  }
}

/// Something that learns from minibatches, online or offline.
///
/// A learner knows nothing of environments, files or clocks. Equal states, batches and update
/// counts give equal bytes, whatever the number of threads.
public protocol Learner: AnyObject {
  /// Minibatches one update consumes: 1, or one for each independent member.
  var batchesPerUpdate: Int { get }
  /// Names of what ``update(on:)`` reports.
  var metricNames: [String] { get }
  /// Gradient steps done so far.
  var updateCount: Int { get }
  /// The policy that acts, as it stands now.
  var policy: any Policy { get }

  /// One gradient step.
  /// - Parameter batches: ``batchesPerUpdate`` minibatches of equal size.
  /// - Throws: ``TrainingError/diverged(metric:value:updateCount:)`` when a loss is not finite.
  func update(on batches: [Batch]) throws(TrainingError) -> Metrics

  /// Complete training state: parameters, moments, targets, temperatures, counters.
  var state: NamedTensors { get }
  func restore(_ state: NamedTensors) throws(StateError)
}
