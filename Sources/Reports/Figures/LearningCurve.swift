package import Analysis
import Foundation
package import Runs

/// How far a band over runs reaches from their mean, up and down.
package enum CurveBand: String, CaseIterable, Sendable {
  /// Student's 95 % interval of the mean.
  case interval
  /// One standard deviation of the runs.
  case deviation

  func halfHeight(_ values: [Double]) -> Double {
    let deviation = SeedStatistics.standardDeviation(values)
    switch self {
    case .deviation: return deviation
    case .interval:
      return SeedStatistics.studentQuantile(degreesOfFreedom: values.count - 1) * deviation
        / Double(values.count).squareRoot()
    }
  }
}

/// One line of a picture: points and a name, with a band where it is the mean of several runs.
package struct Curve: Sendable, Equatable {
  package var label: String
  package var x: [Double]
  package var y: [Double]
  /// Half the height of the band at each point; empty without a band.
  package var band: [Double] = []

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
    self.init(label: run.displayName, x: [], y: [])
    for (x, y) in zip(try run.column(horizontal), try run.column(vertical)) {
      guard let x, let y else { continue }
      self.x.append(x)
      self.y.append(y)
    }
    guard !x.isEmpty else {
      throw .missing(path: run.table, what: "a row with both '\(horizontal)' and '\(vertical)'")
    }
  }

  /// Mean and band at the places that all of several curves have; `nil` without such places.
  init?(mean curves: [Curve], label: String, _ kind: CurveBand) {
    guard curves.count > 1 else { return nil }
    let tables = curves.map { Dictionary(zip($0.x, $0.y), uniquingKeysWith: { $1 }) }
    let places = tables[0].keys.filter { x in tables.allSatisfy { $0[x] != nil } }.sorted()
    guard !places.isEmpty else { return nil }
    self.init(label: label, x: places, y: places)
    for (index, x) in places.enumerated() {
      let values = tables.map { $0[x]! }
      y[index] = SeedStatistics.mean(values)
      band.append(kind.halfHeight(values))
    }
  }
}

extension Curve {
  /// A curve for each run; runs that differ only in their seeds make one, mean and band.
  package static func grouped(
    _ runs: [RecordedRun], horizontal: String, vertical: String, band: CurveBand = .interval
  ) throws(RunError) -> [Curve] {
    let groups = RunGroup.groups(of: runs)
    let severalTasks = Set(groups.map(\.task)).count > 1
    func prefix(_ group: RunGroup) -> String { severalTasks ? "\(group.task) " : "" }
    var result: [Curve] = []
    for group in groups {
      // A run that is still in an earlier stage has a curve of its own.
      for stage in Set(group.runs.map(\.stage)).sorted() {
        let same = group.runs.filter { $0.stage == stage }
        var curves: [Curve] = []
        for run in same {
          curves.append(try Curve(run, horizontal: horizontal, vertical: vertical))
          curves[curves.count - 1].label =
            prefix(group) + (same.count > 1 ? run.displayName : group.label)
        }
        let name = "\(prefix(group))\(group.label) (\(same.count) seeds)"
        if let mean = Curve(mean: curves, label: name, band) {
          result.append(mean)
        } else {
          result += curves
        }
      }
    }
    return result
  }
}
