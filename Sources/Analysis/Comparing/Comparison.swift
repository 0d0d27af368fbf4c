package import DenseMath
package import Runs

/// Scores of runs by task and method, over their seeds.
package struct Comparison: Encodable {
  /// What is compared, and by how many draws.
  package struct Options {
    /// Of `progress.csv`.
    package var column = "eval_normalized_score"
    /// Evaluations up to this place count, the last of them as the final one; `nil`: all of finished runs.
    package var step: Int?
    /// Of the bootstrap.
    package var resamples = SeedStatistics.usualResamples
    /// Label whose runs the others are held against; `nil`: the first of two.
    package var against: String?

    package init() {}
  }

  package struct Run: Encodable {
    package let directory: String
    package let seed: Int?
    package let finished: Bool
    /// Whether it takes part in the statistics.
    package let counted: Bool
    /// Of its last evaluation.
    package let lastStep: Double?
    package let final: Double?
    package let finalStep: Double?
    package let best: Double?
    package let bestStep: Double?
    package let areaUnderCurve: Double?
  }

  /// One number of each run, over the runs.
  package struct Summary: Encodable {
    package let values: [Double]
    /// With Student's interval.
    package let mean: SeedStatistics.Estimate
    /// With the interval of a stratified bootstrap.
    package let iqm: SeedStatistics.Estimate

    init(_ values: [Double], resamples: Int, pool: WorkerPool) {
      self.values = values
      mean = SeedStatistics.meanWithInterval(values)
      iqm = SeedStatistics.bootstrap([[values]], resamples: resamples, pool: pool) {
        SeedStatistics.interquartileMean($0[0])
      }
    }
  }

  /// A method on a task.
  package struct Row: Encodable {
    package let task: String
    package let method: String
    /// Of the runs that take part.
    package let seeds: [Int]
    /// What steps are counted in.
    package let axis: String
    package let runs: [Run]
    package var final: Summary?
    package var best: Summary?
    package var areaUnderCurve: Summary?
    /// P(X > Y): of a run of this method over one of ``Comparison/against``.
    package var probabilityOfImprovement: SeedStatistics.Estimate?

    var finals: [Double] { final?.values ?? [] }
  }

  /// A method over its tasks, all of one version.
  package struct Aggregate: Encodable {
    package let method: String
    /// Of the datasets: `v0`, `v2`, or nothing.
    package let version: String
    package let tasks: [String]
    package let iqm: SeedStatistics.Estimate
    /// To a score of 100; `nil` for other columns than the score.
    package let optimalityGap: SeedStatistics.Estimate?
    /// Share of runs above each of ``Comparison/thresholds``.
    package let performanceProfile: [Double]?
    package let probabilityOfImprovement: SeedStatistics.Estimate?
  }

  package let column: String
  package let step: Int?
  package let resamples: Int
  package let against: String?
  package let rows: [Row]
  package let aggregates: [Aggregate]
  /// Of the performance profiles.
  package let thresholds = stride(from: 0.0, through: 120, by: 10).map { $0 }
  /// What a reader should know: runs that are left out, groups of nearly the same name.
  package private(set) var notes: [String]

  /// - Throws: ``RunError`` where the column or the label is in none of the runs.
  package init(
    _ runs: [RecordedRun], _ options: Options = Options(), pool: WorkerPool
  ) throws(RunError) {
    column = options.column
    step = options.step
    resamples = options.resamples
    let groups = RunGroup.groups(of: runs)
    var rows: [Row] = []
    notes = []
    for group in groups {
      rows.append(try Row(group, options, pool: pool))
      notes += Comparison.notes(on: rows[rows.count - 1], step: options.step)
      if let twin = groups.first(where: {
        $0.task == group.task && group.label.hasPrefix("\($0.label) (")
      }) {
        notes.append(
          "\(group.task): '\(twin.label)' and '\(group.label)' differ in "
            + group.difference(from: twin))
      }
    }
    let labels = rows.map(\.method).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    if let wanted = options.against, !labels.contains(wanted) {
      throw .missing(
        path: "--against", what: "'\(wanted)' among the labels \(labels.joined(separator: ", "))")
    }
    let against = options.against ?? (labels.count == 2 ? labels[0] : nil)
    self.against = against
    if let against {
      for index in rows.indices where rows[index].method != against {
        guard
          let other = rows.first(where: { $0.method == against && $0.task == rows[index].task })
        else { continue }
        rows[index].probabilityOfImprovement = Comparison.improvement(
          [rows[index]], over: [other], options, pool)
      }
    }
    self.rows = rows
    var aggregates: [Aggregate] = []
    for label in labels {
      let own = rows.filter { $0.method == label && !$0.finals.isEmpty }
      for version in Set(own.map { Comparison.version($0.task) }).sorted() {
        let tasks = own.filter { Comparison.version($0.task) == version }
        guard tasks.count > 1 else { continue }
        let others = rows.filter { $0.method == against }
        aggregates.append(
          Comparison.aggregate(tasks, label, version, others, thresholds, options, pool))
      }
    }
    self.aggregates = aggregates
  }

  /// `v2` of `hopper-medium-v2`; scores of different versions cannot be averaged.
  static func version(_ task: String) -> String {
    task.firstMatch(of: /-(v[0-9]+)$/).map { String($0.1) } ?? ""
  }

  private static func aggregate(
    _ tasks: [Row], _ label: String, _ version: String, _ others: [Row], _ thresholds: [Double],
    _ options: Options, _ pool: WorkerPool
  ) -> Aggregate {
    let scores = tasks.map(\.finals)
    let isScore = options.column == Options().column
    let pairs = tasks.compactMap { row in
      others.first { $0.task == row.task && $0.method != label }.map { (row, $0) }
    }
    return Aggregate(
      method: label, version: version, tasks: tasks.map(\.task),
      iqm: SeedStatistics.bootstrap([scores], resamples: options.resamples, pool: pool) {
        SeedStatistics.interquartileMean($0[0])
      },
      optimalityGap: isScore
        ? SeedStatistics.bootstrap([scores], resamples: options.resamples, pool: pool) {
          SeedStatistics.optimalityGap($0[0])
        } : nil,
      performanceProfile: isScore
        ? SeedStatistics.performanceProfile(scores, thresholds: thresholds) : nil,
      probabilityOfImprovement: improvement(
        pairs.map(\.0), over: pairs.map(\.1), options, pool))
  }

  private static func improvement(
    _ rows: [Row], over others: [Row], _ options: Options, _ pool: WorkerPool
  ) -> SeedStatistics.Estimate? {
    let pairs = zip(rows, others).filter { !$0.finals.isEmpty && !$1.finals.isEmpty }
    guard !pairs.isEmpty else { return nil }
    return SeedStatistics.bootstrap(
      [pairs.map(\.0.finals), pairs.map(\.1.finals)], resamples: options.resamples, pool: pool
    ) { SeedStatistics.probabilityOfImprovement($0[0], over: $0[1]) }
  }

  private static func notes(on row: Row, step: Int?) -> [String] {
    row.runs.filter { !$0.counted }.map { run in
      let state = run.finished ? "" : ", which is unfinished,"
      let place =
        run.lastStep.map { "its last evaluation is at \(Int($0)) \(row.axis)" }
        ?? "it has no evaluation yet"
      return "\(row.task), \(row.method): \(run.directory)\(state) is not counted: \(place)"
        + (step == nil && run.lastStep != nil ? "; --at STEP compares what there is" : "")
    }
  }
}

extension Comparison.Row {
  init(
    _ group: RunGroup, _ options: Comparison.Options, pool: WorkerPool
  ) throws(RunError) {
    task = group.task
    method = group.label
    // Steps of different stages are not the same.
    let reached = RecordedRun.stages.first { stage in group.runs.contains { $0.stage == stage } }
    let stage = reached ?? ""
    axis = RecordedRun.axis(
      of: group.runs.filter { $0.stage == stage }, vertical: options.column)
    var runs: [Comparison.Run] = []
    for run in group.runs {
      let points =
        run.stage == stage ? try Comparison.Points(run, axis, options.column) : .init()
      runs.append(Comparison.Run(run, points, step: options.step))
    }
    self.runs = runs
    let counted = runs.filter(\.counted)
    seeds = counted.compactMap(\.seed)
    guard !counted.isEmpty else { return }
    func summary(_ values: [Double?]) -> Comparison.Summary {
      Comparison.Summary(values.compactMap { $0 }, resamples: options.resamples, pool: pool)
    }
    final = summary(counted.map(\.final))
    best = summary(counted.map(\.best))
    areaUnderCurve = summary(counted.map(\.areaUnderCurve))
  }
}

extension Comparison {
  /// A run's evaluations.
  struct Points {
    var x: [Double] = []
    var y: [Double] = []

    init() {}

    init(_ run: RecordedRun, _ axis: String, _ column: String) throws(RunError) {
      for (x, y) in zip(try run.column(axis), try run.column(column)) {
        guard let x, let y else { continue }
        self.x.append(x)
        self.y.append(y)
      }
    }
  }
}

extension Comparison.Run {
  init(_ run: RecordedRun, _ points: Comparison.Points, step: Int?) {
    directory = run.directory
    seed = run.seed
    finished = run.isFinished
    lastStep = points.x.last
    let limit = step.map(Double.init) ?? .infinity
    let indices = points.x.indices.prefix { points.x[$0] <= limit }
    counted =
      !indices.isEmpty && (step == nil ? run.isFinished : (points.x.last ?? 0) >= limit)
    let (x, y) = (Array(points.x[indices]), Array(points.y[indices]))
    let top = y.indices.max { y[$0] < y[$1] }
    (final, finalStep) = (y.last, x.last)
    (best, bestStep) = (top.map { y[$0] }, top.map { x[$0] })
    areaUnderCurve = y.isEmpty ? nil : SeedStatistics.areaUnderCurve(x, y)
  }
}
