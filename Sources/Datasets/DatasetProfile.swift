/// What pictures of a file show, gathered in one pass with memory for one block of rows.
///
/// Values that are not finite are passed over, as in ``ColumnStatistics``.
package struct DatasetProfile: Sendable {
  /// Counts of values in bins of equal width.
  package struct Histogram: Sendable, Equatable {
    package let lower: Double
    package let upper: Double
    package private(set) var counts: [Int]
    private let scale: Double

    package init(lower: Double, upper: Double, bins: Int) {
      let scale = Double(bins) / (upper - lower)
      let valid = lower.isFinite && upper.isFinite && upper > lower && scale.isFinite
      let single = lower.isFinite ? lower : 0
      (self.lower, self.upper) = valid ? (lower, upper) : (single, single)
      counts = [Int](repeating: 0, count: valid ? bins : 1)
      self.scale = valid ? scale : 0
    }

    /// Of values at hand.
    package init(_ values: [Double], bins: Int) {
      let finite = values.filter(\.isFinite)
      self.init(lower: finite.min() ?? 0, upper: finite.max() ?? 0, bins: bins)
      for value in finite { add(value) }
    }

    package mutating func add(_ value: Double) {
      guard value.isFinite else { return }
      counts[DatasetProfile.bin((value - lower) * scale, of: counts.count)] += 1
    }
  }

  /// How often rows fall into the cells of a grid over two columns of the observations.
  package struct Coverage: Sendable, Equatable {
    package let columns: (x: Int, y: Int)
    /// The frame; rows outside are counted apart.
    package let x: ClosedRange<Double>
    package let y: ClosedRange<Double>
    package let size: Int
    /// Row by row from the lowest y, `[size, size]`.
    package private(set) var counts: [Int]
    package private(set) var outside = 0

    init(columns: (x: Int, y: Int), _ statistics: ColumnStatistics, size: Int) {
      self.columns = columns
      self.size = size
      counts = [Int](repeating: 0, count: size * size)
      x = Self.frame(columns.x, statistics)
      y = Self.frame(columns.y, statistics)
    }

    /// All values, or five deviations around the mean, whichever is narrower: one wild row must not
    /// shrink the rest to a dot.
    private static func frame(_ column: Int, _ statistics: ColumnStatistics) -> ClosedRange<Double>
    {
      let (mean, deviation) = (statistics.mean[column], statistics.deviation[column])
      guard mean.isFinite else { return 0...1 }
      let lower = max(Double(statistics.minimum[column]), mean - 5 * deviation)
      let upper = min(Double(statistics.maximum[column]), mean + 5 * deviation)
      let margin = max(abs(mean), 1) * 1e-3
      return upper - lower > margin * 1e-3 ? lower...upper : mean - margin...mean + margin
    }

    mutating func add(_ xValue: Double, _ yValue: Double) {
      guard xValue.isFinite, yValue.isFinite else { return }
      guard x.contains(xValue), y.contains(yValue) else {
        outside += 1
        return
      }
      func cell(_ value: Double, _ range: ClosedRange<Double>) -> Int {
        DatasetProfile.bin(
          (value - range.lowerBound) / (range.upperBound - range.lowerBound) * Double(size),
          of: size)
      }
      counts[cell(yValue, y) * size + cell(xValue, x)] += 1
    }

    package static func == (left: Coverage, right: Coverage) -> Bool {
      left.columns == right.columns && left.x == right.x && left.y == right.y
        && left.counts == right.counts && left.outside == right.outside
    }
  }

  /// Rewards of some consecutive steps of all episodes.
  package struct StepRewards: Sendable, Equatable {
    /// Number of the first step, from 0.
    package let step: Int
    /// Episodes that got so far.
    package let episodes: Int
    package let mean: Double
    package let deviation: Double
  }

  /// Of each column of observations, actions and rewards.
  package private(set) var histograms: [String: [Histogram]] = [:]
  /// `nil` where there is no such pair of columns.
  package private(set) var coverage: Coverage?
  /// Steps of one entry of ``rewards``.
  package private(set) var stepsPerBin = 1
  package private(set) var rewards: [StepRewards] = []

  private static let columnBins = 28
  private static let coverageCells = 64
  private static let rewardBins = 250

  /// - Parameters:
  ///   - summary: of the same file, whose ranges and episodes are used.
  ///   - coverage: two columns of the observations.
  package init(
    _ dataset: D4RLDataset, _ summary: DatasetSummary, coverage columns: (x: Int, y: Int)?
  ) throws(DatasetError) {
    let names = ["observations", "actions", "rewards"]
    for name in names {
      guard let found = summary.statistics[name] else { continue }
      histograms[name] = (0..<found.size).map {
        Histogram(
          lower: Double(found.minimum[$0]), upper: Double(found.maximum[$0]),
          bins: Self.columnBins)
      }
    }
    if let columns, let statistics = summary.statistics["observations"],
      (0..<statistics.size).contains(columns.x), (0..<statistics.size).contains(columns.y)
    {
      coverage = Coverage(columns: columns, statistics, size: Self.coverageCells)
    }
    var steps = StepSums(summary.episodeList, bins: Self.rewardBins)
    let blockRows = DatasetScan.blockRows(dataset)
    for start in stride(from: 0, to: dataset.rows, by: blockRows) {
      let rows = start..<min(dataset.rows, start + blockRows)
      for name in names where histograms[name] != nil {
        let values = try dataset.read(Float.self, name, rows: rows)
        add(values, to: name)
        if name == "rewards" { steps.add(values) }
        guard name == "observations", let columns, coverage != nil else { continue }
        let width = dataset.observationSize
        for row in 0..<rows.count {
          coverage!.add(
            Double(values[row * width + columns.x]), Double(values[row * width + columns.y]))
        }
      }
    }
    stepsPerBin = steps.width
    rewards = steps.results
  }

  /// The bin of a place counted in bins. The file may have changed since its ranges were found.
  private static func bin(_ place: Double, of count: Int) -> Int {
    Int(max(0, min(Double(count - 1), place)))
  }

  private mutating func add(_ values: [Float], to name: String) {
    let width = histograms[name]!.count
    var column = 0
    for value in values {
      histograms[name]![column].add(Double(value))
      column += 1
      if column == width { column = 0 }
    }
  }

  /// Sums of rewards by the number of the step in its episode.
  private struct StepSums {
    let episodes: [DatasetSummary.EpisodeRecord]
    /// Steps of one bin.
    let width: Int
    private var counts: [Int]
    private var sums: [Double]
    private var squares: [Double]
    /// Where the rows so far end: an episode and a step of it.
    private var episode = 0
    private var step = 0

    init(_ episodes: [DatasetSummary.EpisodeRecord], bins: Int) {
      self.episodes = episodes
      let longest = episodes.map(\.length).max() ?? 0
      width = max(1, (longest + bins - 1) / bins)
      let count = (longest + width - 1) / width
      counts = [Int](repeating: 0, count: count)
      sums = [Double](repeating: 0, count: count)
      squares = sums
    }

    mutating func add(_ rewards: [Float]) {
      for reward in rewards where episode < episodes.count {
        if reward.isFinite {
          let (bin, value) = (step / width, Double(reward))
          counts[bin] += 1
          sums[bin] += value
          squares[bin] += value * value
        }
        step += 1
        if step == episodes[episode].length { (episode, step) = (episode + 1, 0) }
      }
    }

    var results: [StepRewards] {
      var alive = [Int](repeating: 0, count: counts.count + 1)
      for episode in episodes where episode.length > 0 {
        alive[(episode.length - 1) / width] += 1
      }
      for bin in counts.indices.reversed() { alive[bin] += alive[bin + 1] }
      return counts.indices.filter { counts[$0] > 0 }.map { bin in
        let count = Double(counts[bin])
        let mean = sums[bin] / count
        return StepRewards(
          step: bin * width, episodes: alive[bin], mean: mean,
          deviation: max(0, squares[bin] / count - mean * mean).squareRoot())
      }
    }
  }
}
