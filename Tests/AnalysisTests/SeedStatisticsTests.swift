import DenseMath
import TestSupport
import Testing

@testable import Analysis

/// Against `rliable` and SciPy: `Tests/Fixtures/statistics`.
@Suite struct SeedStatisticsTests {
  private let reference = JSON(fixture: "statistics/seeds.json")
  private let pool = WorkerPool(threads: 2)

  private func tasks(_ name: String) -> [[Double]] {
    (0..<reference[name].count).map { reference[name][$0].doubles }
  }

  private func expect(_ actual: Double?, _ expected: Double, _ tolerance: Double = 1e-9) {
    #expect(abs((actual ?? .nan) - expected) <= tolerance, "\(String(describing: actual))")
  }

  @Test func numbersAreThoseOfRliable() {
    let (x, y) = (tasks("x"), tasks("y"))
    expect(SeedStatistics.interquartileMean(x), reference["iqm"].double)
    expect(SeedStatistics.interquartileMean([x[0]]), reference["iqmOfOneTask"].double)
    for index in 0..<3 {
      let few = reference["iqmOfAFew"][index]
      expect(SeedStatistics.interquartileMean([few[0].doubles]), few[1].double)
    }
    expect(SeedStatistics.mean(x.flatMap { $0 }), reference["mean"].double)
    expect(SeedStatistics.optimalityGap(x), reference["optimalityGap"].double)
    expect(
      SeedStatistics.probabilityOfImprovement(x, over: y),
      reference["probabilityOfImprovement"].double)
    let profile = SeedStatistics.performanceProfile(
      x, thresholds: reference["thresholds"].doubles)
    for (actual, expected) in zip(profile, reference["profile"].doubles) {
      expect(actual, expected)
    }
    let curve = reference["curve"]
    expect(
      SeedStatistics.areaUnderCurve(curve[0].doubles, curve[1].doubles), reference["area"].double)
    #expect(SeedStatistics.areaUnderCurve([3], [7]) == 7)
  }

  /// SciPy's `trim_mean` with a quarter and NumPy's `quantile`.
  @Test func quartersAndRanksAreThoseOfSciPy() {
    expect(SeedStatistics.interquartileMean([[0, 0, 3, 4], [5, 6, 100, 200]]), 4.5)
    expect(SeedStatistics.interquartileMean([[0, 3, 4, 5, 100]]), 4)
    expect(SeedStatistics.quantile([1, 2, 3, 4], 0.5), 2.5)
    expect(SeedStatistics.quantile([1, 2, 3, 4], 0.9), 3.7)
    expect(SeedStatistics.quantile([1, 2, 3, 4], 1), 4)
  }

  @Test func studentsIntervalIsSciPys() {
    for index in 0..<reference["student"].count {
      let (n, expected) = (
        reference["student"][index][0].int, reference["student"][index][1].double
      )
      expect(SeedStatistics.studentQuantile(degreesOfFreedom: n), expected, 1e-8)
    }
    let estimate = SeedStatistics.meanWithInterval(tasks("x")[0])
    expect(estimate.lower, reference["meanInterval"].doubles[0], 1e-8)
    expect(estimate.upper, reference["meanInterval"].doubles[1], 1e-8)
    let single = SeedStatistics.meanWithInterval([3])
    #expect(single == SeedStatistics.Estimate(value: 3))
  }

  /// Both draw 50,000 times, each with its own numbers: bounds may differ as rliable's own do from seed to
  /// seed, or by a step between the values that so few runs can give.
  @Test func bootstrapIntervalsAreRliables() {
    let (x, y) = (tasks("x"), tasks("y"))
    func compare(_ name: String, _ methods: [[[Double]]], _ statistic: ([[[Double]]]) -> Double) {
      let found = SeedStatistics.bootstrap(methods, pool: pool, statistic)
      let bounds = reference[name]["bounds"].doubles
      let scatter = reference[name]["scatter"].doubles
      let step = 0.002 * (bounds[1] - bounds[0])
      expect(found.lower, bounds[0], 4 * scatter[0] + step)
      expect(found.upper, bounds[1], 4 * scatter[1] + step)
    }
    compare("iqmInterval", [x]) { SeedStatistics.interquartileMean($0[0]) }
    compare("iqmIntervalOfOneTask", [[x[0]]]) { SeedStatistics.interquartileMean($0[0]) }
    compare("gapInterval", [x]) { SeedStatistics.optimalityGap($0[0]) }
    compare("improvementInterval", [x, y]) {
      SeedStatistics.probabilityOfImprovement($0[0], over: $0[1])
    }
  }

  @Test func bootstrapIsTheSameForAnyNumberOfThreads() {
    let x = tasks("x")
    let found = [1, 2, 3, 8].map { threads in
      let pool = WorkerPool(threads: threads)
      defer { pool.shutDown() }
      return SeedStatistics.bootstrap([x], resamples: 3001, pool: pool) {
        SeedStatistics.interquartileMean($0[0])
      }
    }
    #expect(found.allSatisfy { $0 == found[0] })
    let other = SeedStatistics.bootstrap([x], resamples: 3001, seed: 1, pool: pool) {
      SeedStatistics.interquartileMean($0[0])
    }
    #expect(other != found[0])
  }

  @Test func singleRunsHaveNoBounds() {
    let found = SeedStatistics.bootstrap([[[4], [6]]], pool: pool) {
      SeedStatistics.interquartileMean($0[0])
    }
    #expect(found == SeedStatistics.Estimate(value: 5))
  }
}
