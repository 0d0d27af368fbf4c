public import DenseMath

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the scores of several runs say, after Agarwal et al. 2021 (arXiv:2108.13264), whose package `rliable`
/// gives the same numbers.
///
/// Scores stand in one list for each task, one number for each run. Runs are independent, within a task and
/// between tasks; lists may differ in length, and none may be empty.
public enum SeedStatistics {
  /// A number with the bounds of its 95 % interval; without bounds where a single run tells nothing of them.
  public struct Estimate: Sendable, Equatable, Encodable {
    /// The statistic of the scores as they are.
    public var value: Double
    /// Lower bound of the interval.
    public var lower: Double?
    /// Upper bound of the interval.
    public var upper: Double?

    public init(value: Double, lower: Double? = nil, upper: Double? = nil) {
      self.value = value
      self.lower = lower
      self.upper = upper
    }
  }

  // MARK: Numbers

  /// The arithmetic mean; NaN of no values.
  public static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// The mean without the lowest and the highest quarter, all tasks and runs together; of each quarter the
  /// whole runs only, as in SciPy's `trim_mean`.
  public static func interquartileMean(_ tasks: [[Double]]) -> Double {
    let sorted = tasks.flatMap { $0 }.sorted()
    let cut = sorted.count / 4
    return mean(Array(sorted[cut..<sorted.count - cut]))
  }

  /// By how much runs stay below `goal`, on average; what lies beyond counts as reached.
  public static func optimalityGap(_ tasks: [[Double]], goal: Double = 100) -> Double {
    goal - mean(tasks.flatMap { $0.map { min($0, goal) } })
  }

  /// Share of runs above each threshold, averaged over tasks.
  public static func performanceProfile(_ tasks: [[Double]], thresholds: [Double]) -> [Double] {
    thresholds.map { threshold in
      mean(tasks.map { runs in mean(runs.map { $0 > threshold ? 1 : 0 }) })
    }
  }

  /// P(X > Y) for a run of each method on the same task, ties counting half, averaged over tasks.
  public static func probabilityOfImprovement(_ x: [[Double]], over y: [[Double]]) -> Double {
    precondition(x.count == y.count, "\(x.count) and \(y.count) tasks")
    return mean(
      zip(x, y).map { first, second in
        var wins = 0.0
        for a in first { for b in second { wins += a > b ? 1 : a == b ? 0.5 : 0 } }
        return wins / Double(first.count * second.count)
      })
  }

  /// Mean height of a curve between its first and its last place, points joined by straight lines; of one
  /// point its height.
  public static func areaUnderCurve(_ x: [Double], _ y: [Double]) -> Double {
    guard x.count > 1, x[x.count - 1] > x[0] else { return y.last ?? .nan }
    var area = 0.0
    for i in 1..<x.count { area += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2 }
    return area / (x[x.count - 1] - x[0])
  }

  // MARK: Intervals

  /// Mean and Student's 95 % interval of one task's runs.
  public static func meanWithInterval(_ values: [Double]) -> Estimate {
    let middle = mean(values)
    guard values.count > 1 else { return Estimate(value: middle) }
    let half = studentQuantile(degreesOfFreedom: values.count - 1) * standardError(values)
    return Estimate(value: middle, lower: middle - half, upper: middle + half)
  }

  /// Of values as a sample: n − 1 in the denominator.
  public static func standardDeviation(_ values: [Double]) -> Double {
    let middle = mean(values)
    let squares = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    return (squares / Double(values.count - 1)).squareRoot()
  }

  static func standardError(_ values: [Double]) -> Double {
    standardDeviation(values) / Double(values.count).squareRoot()
  }

  /// As many resamples as `rliable` draws.
  public static let usualResamples = 50_000

  /// A statistic with its 95 % percentile interval: runs are drawn anew with replacement, each task's from
  /// its own (stratified bootstrap). Without bounds where no task has two runs.
  ///
  /// Equal seeds give equal bounds, whatever the number of threads.
  /// - Parameters:
  ///   - methods: scores by method, then task, then run; `statistic` gets as many.
  ///   - statistic: called on all threads.
  public static func bootstrap(
    _ methods: [[[Double]]], resamples: Int = usualResamples, seed: UInt64 = 0, pool: WorkerPool,
    _ statistic: ([[[Double]]]) -> Double
  ) -> Estimate {
    let value = statistic(methods)
    guard methods.contains(where: { $0.contains { $0.count > 1 } }) else {
      return Estimate(value: value)
    }
    let key = RandomStream.Key(seed: seed, purpose: "analysis/bootstrap")
    var values = [Double](repeating: 0, count: resamples)
    let length = 500
    values.withUnsafeMutableBufferPointer { values in
      // Each piece writes to its own places.
      nonisolated(unsafe) let values = values
      pool.run((resamples + length - 1) / length) { piece, _ in
        var drawn = methods
        for resample in piece * length..<min(resamples, (piece + 1) * length) {
          var stream = key.stream(step: UInt64(resample))
          for method in methods.indices {
            for task in methods[method].indices {
              let runs = methods[method][task]
              for run in runs.indices {
                drawn[method][task][run] = runs[stream.index(below: runs.count)]
              }
            }
          }
          values[resample] = statistic(drawn)
        }
      }
    }
    values.sort()
    return Estimate(value: value, lower: quantile(values, 0.025), upper: quantile(values, 0.975))
  }

  /// Of sorted values, between neighbours in proportion.
  static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    let place = share * Double(sorted.count - 1)
    let below = Int(place)
    guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
    return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
  }

  // MARK: Student's distribution

  /// Its 97.5 % quantile.
  public static func studentQuantile(degreesOfFreedom n: Int) -> Double {
    // The distribution function has no inverse in elementary terms; it rises, so halving finds it.
    var (low, high) = (1.9, 13.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if studentProbability(middle, n) < 0.975 { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// P(T ≤ t) for t > 0 and a whole number of degrees of freedom (Abramowitz and Stegun, 26.7.3 and 26.7.4).
  private static func studentProbability(_ t: Double, _ n: Int) -> Double {
    let angle = atan(t / Double(n).squareRoot())
    let cosine = cos(angle)
    let isOdd = n % 2 == 1
    var term = isOdd ? cosine : 1
    var sum = isOdd ? (n > 1 ? cosine : 0) : 1
    for k in stride(from: isOdd ? 3 : 2, to: n, by: 2) {
      term *= Double(k - 1) / Double(k) * cosine * cosine
      sum += term
    }
    let both = isOdd ? 2 / Double.pi * (angle + sin(angle) * sum) : sin(angle) * sum
    return 0.5 + both / 2
  }
}
