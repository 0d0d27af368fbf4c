package import RLCore

/// Means of an algorithm's metrics over one epoch. Can be saved half-way.
package struct EpochAverage {
  let names: [String]
  private(set) var sums: [Double]
  package private(set) var count = 0

  package init(names: [String]) {
    self.names = names
    sums = [Double](repeating: 0, count: names.count)
  }

  package mutating func add(_ metrics: Metrics) {
    for index in sums.indices { sums[index] += metrics.values[index] }
    count += 1
  }

  package mutating func reset() {
    for index in sums.indices { sums[index] = 0 }
    count = 0
  }

  package var values: [String: Double] {
    guard count > 0 else { return [:] }
    return Dictionary(
      zip(names, sums.map { $0 / Double(count) }), uniquingKeysWith: { first, _ in first })
  }

  package var state: NamedTensors {
    NamedTensors(tensors: [
      "sums": Tensor(.float64(sums)), "count": Tensor(.int64([Int64(count)])),
    ])
  }

  package mutating func restore(_ state: NamedTensors) throws(StateError) {
    sums = try state.doubles("sums", count: names.count)
    count = Int(try state.integers("count", count: 1)[0])
  }
}
