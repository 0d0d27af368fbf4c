import Foundation
package import Runs

/// One line of a picture: points and a name, with a band where it is the mean of several runs.
package struct Curve: Sendable, Equatable {
  package var label: String
  package var x: [Double]
  package var y: [Double]
  /// Half the height of the band at each point, one standard deviation; empty without a band.
  package var deviation: [Double] = []

  package init(label: String, x: [Double], y: [Double]) {
    precondition(x.count == y.count)
    self.label = label
    self.x = x
    self.y = y
  }

  /// The evaluated rows of a run's `progress.csv`.
  ///
  /// - Parameters:
  ///   - directory: a run directory; of a run of several stages, the last stage is taken.
  ///   - horizontal, vertical: columns of the table.
  package init(
    directory: String, label: String? = nil, horizontal: String, vertical: String
  ) throws(RunError) {
    try self.init(
      RecordedRun(directory, label: label), horizontal: horizontal, vertical: vertical)
  }

  package init(_ run: RecordedRun, horizontal: String, vertical: String) throws(RunError) {
    self.init(label: run.label ?? run.name, x: [], y: [])
    for (x, y) in zip(try run.column(horizontal), try run.column(vertical)) {
      guard let x, let y else { continue }
      self.x.append(x)
      self.y.append(y)
    }
    guard !x.isEmpty else {
      throw .missing(path: run.table, what: "a row with both '\(horizontal)' and '\(vertical)'")
    }
  }

  /// Mean and standard deviation at the places that all of several curves have; `nil` without such places.
  init?(mean curves: [Curve], label: String) {
    let tables = curves.map { Dictionary(zip($0.x, $0.y), uniquingKeysWith: { $1 }) }
    let places = tables[0].keys.filter { x in tables.allSatisfy { $0[x] != nil } }.sorted()
    guard !places.isEmpty, curves.count > 1 else { return nil }
    self.init(label: label, x: places, y: places)
    for (index, x) in places.enumerated() {
      let values = tables.map { $0[x]! }
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      y[index] = mean
      deviation.append((squares / Double(values.count - 1)).squareRoot())
    }
  }
}

extension Curve {
  /// A curve for each run; runs that differ only in their seeds make one, mean and band.
  package static func grouped(
    _ runs: [RecordedRun], horizontal: String, vertical: String
  ) throws(RunError) -> [Curve] {
    var groups: [[RecordedRun]] = []
    for run in runs {
      let place = groups.firstIndex { group in
        group[0].isRepeated(by: run) && !group.contains { $0.seed == run.seed }
      }
      if let place { groups[place].append(run) } else { groups.append([run]) }
    }
    var result: [Curve] = []
    for group in groups {
      var curves: [Curve] = []
      for run in group {
        curves.append(try Curve(run, horizontal: horizontal, vertical: vertical))
      }
      let name = group[0].label ?? RecordedRun.commonName(group.map(\.name))
      if let mean = Curve(mean: curves, label: "\(name) (\(group.count) seeds)") {
        result.append(mean)
      } else {
        result += curves
      }
    }
    return result
  }
}
