import DenseMath
import Autodiff
import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One measured operation next to the matrix products it contains.
public struct BenchmarkResult: Sendable, Codable {
  /// One of ``BenchmarkSuite/names``, or one that begins with ``BenchmarkSuite/trainedName``.
  public var name: String
  /// Median over repetitions of the mean time of one operation.
  public var milliseconds: Double
  /// Operations in a second: 1000/``milliseconds``.
  public var perSecond: Double
  /// The same products alone, measured between our repetitions; `nil` where there are none.
  public var floorMilliseconds: Double?
  /// Fastest and slowest repetition.
  public var minimumMilliseconds: Double
  /// Slowest repetition.
  public var maximumMilliseconds: Double

  /// Median over repetitions of (ours / floor).
  public var ratio: Double?

  /// Processor time of all threads, and its ratio to the floor's: on a machine that others use too it
  /// says more than the clock, except that threads that wait for each other spend some.
  public var processorMilliseconds: Double
  /// The same against the floor's; `nil` where there is none.
  public var processorRatio: Double?
  /// What `CostModel` expects, where it covers the operation.
  public var predictedMilliseconds: Double?
  /// How a CQL update's critics went through all actions.
  public var passes: PassShares?
}

/// What a CQL update's passes over all actions did and what they left out.
public struct PassShares: Sendable, Codable {
  /// States whose actions were worked off in groups; the others in whole rows.
  public var inGroups: Double
  /// In groups, hidden units that were on for at least one of sixteen actions.
  public var unitsOn: Double?
  /// Rows whose gradient was left out.
  public var skippedRows: Double

  init?(_ tally: PassTally) {
    let states = tally.groupedStates + tally.denseStates
    if states == 0 { return nil }
    inGroups = Double(tally.groupedStates) / Double(states)
    unitsOn = tally.units == 0 ? nil : Double(tally.unitsOn) / Double(tally.units)
    skippedRows = 1 - Double(tally.keptRows) / Double(tally.rows)
  }
}

/// An operation that can be timed, and its floor.
struct BenchmarkCase {
  let name: String
  /// Calls per repetition.
  let iterations: Int
  /// Operations in one call.
  var operationsPerCall = 1
  /// Operations in one call of `floor`, where they differ.
  var floorOperationsPerCall: Int?
  let operation: () throws -> Void
  let floor: (() -> Void)?
  /// What the passes have done so far, in a CQL update.
  var tally: (() -> PassTally)?

  func measure(repetitions: Int) throws -> BenchmarkResult {
    for _ in 0..<max(1, iterations / 4) {
      try operation()
      floor?()
    }
    var ours: [Duration] = []
    var floors: [Duration] = []
    for _ in 0..<repetitions {
      ours.append(try time(operation, operationsPerCall))
      if let floor { floors.append(time(floor, floorOperationsPerCall ?? operationsPerCall)) }
    }
    func ratio(_ part: (Duration) -> Double) -> Double? {
      floors.isEmpty ? nil : Self.median(zip(ours, floors).map { part($0) / part($1) })
    }
    let median = Self.median(ours.map(\.clock))
    return BenchmarkResult(
      name: name, milliseconds: median, perSecond: 1e3 / median,
      floorMilliseconds: floors.isEmpty ? nil : Self.median(floors.map(\.clock)),
      minimumMilliseconds: ours.map(\.clock).min()!, maximumMilliseconds: ours.map(\.clock).max()!,
      ratio: ratio(\.clock), processorMilliseconds: Self.median(ours.map(\.processor)),
      processorRatio: ratio(\.processor), passes: tally.flatMap { PassShares($0()) })
  }

  /// Milliseconds of one operation.
  private struct Duration {
    var clock: Double
    var processor: Double
  }

  private func time(
    _ body: () throws -> Void, _ operationsPerCall: Int
  ) rethrows -> Duration {
    let (clock, processor) = (milliseconds(CLOCK_MONOTONIC), milliseconds(CLOCK_PROCESS_CPUTIME_ID))
    for _ in 0..<iterations { try body() }
    let operations = Double(iterations * operationsPerCall)
    return Duration(
      clock: (milliseconds(CLOCK_MONOTONIC) - clock) / operations,
      processor: (milliseconds(CLOCK_PROCESS_CPUTIME_ID) - processor) / operations)
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// Time of one call.
func seconds(_ body: () -> Void) -> Double {
  let start = milliseconds(CLOCK_MONOTONIC)
  body()
  return (milliseconds(CLOCK_MONOTONIC) - start) / 1e3
}

private func milliseconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) * 1e-6
}
