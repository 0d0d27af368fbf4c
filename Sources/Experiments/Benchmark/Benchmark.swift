import DenseMath
import Learners
import Networks
import RLCore

/// One measured operation next to the matrix products it contains.
public struct BenchmarkResult: Sendable, Codable {
  public var name: String
  /// Median over repetitions of the mean time of one operation.
  public var milliseconds: Double
  public var perSecond: Double
  /// The same products alone, measured between our repetitions; `nil` where there are none.
  public var floorMilliseconds: Double?
  /// Fastest and slowest repetition.
  public var minimumMilliseconds: Double
  public var maximumMilliseconds: Double

  /// Median over repetitions of (ours / floor).
  public var ratio: Double?
}

/// An operation that can be timed, and its floor.
struct BenchmarkCase {
  let name: String
  /// Calls per repetition.
  let iterations: Int
  /// Operations in one call.
  var operationsPerCall = 1
  let operation: () -> Void
  let floor: (() -> Void)?

  func measure(repetitions: Int) -> BenchmarkResult {
    let clock = ContinuousClock()
    func time(_ body: () -> Void) -> Double {
      let start = clock.now
      for _ in 0..<iterations { body() }
      let elapsed = start.duration(to: clock.now).components
      return (Double(elapsed.seconds) * 1e3 + Double(elapsed.attoseconds) * 1e-15)
        / Double(iterations * operationsPerCall)
    }
    for _ in 0..<max(1, iterations / 4) {
      operation()
      floor?()
    }
    var ours: [Double] = []
    var floors: [Double] = []
    for _ in 0..<repetitions {
      ours.append(time(operation))
      if let floor { floors.append(time(floor)) }
    }
    let ratios = zip(ours, floors).map { $0 / $1 }
    let median = Self.median(ours)
    return BenchmarkResult(
      name: name, milliseconds: median, perSecond: 1e3 / median,
      floorMilliseconds: floors.isEmpty ? nil : Self.median(floors),
      minimumMilliseconds: ours.min()!, maximumMilliseconds: ours.max()!,
      ratio: ratios.isEmpty ? nil : Self.median(ratios))
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
