import DenseMath
import Foundation
import Runs
import TestSupport
import Testing

@testable import Analysis

@Suite struct ComparisonTests {
  private let folder = TemporaryDirectory()
  private let pool = WorkerPool(threads: 2)

  /// A finished run of one stage, with an evaluation every 100 steps.
  private func makeRun(
    _ path: String, seed: Int, _ scores: [Double], tau: Double = 0.005,
    environment: String = "hopper", data: String? = "hopper-medium-v2", digest: String? = nil,
    finished: Bool = true
  ) throws {
    let path = folder.file(path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let header =
      "epoch,environment_steps,gradient_steps,eval_return_mean,eval_normalized_score\n"
    let rows = scores.enumerated().map {
      "\($0),\(100 * $0),\(50 * $0),\(10 * $1),\($1)\n\($0),\(100 * $0 + 50),\(50 * $0),,\n"
    }
    try (header + rows.joined()).write(
      toFile: "\(path)/progress.csv", atomically: true, encoding: .utf8)
    let lines =
      ["environment: \(environment)", "seed: \(seed)"]
      + (data.map { ["dataset:", "  path: \($0)"] } ?? []) + ["online:", "  tau: \(tau)"]
    try lines.joined(separator: "\n").write(
      toFile: "\(path)/config.yaml", atomically: true, encoding: .utf8)
    if finished {
      try "{}".write(toFile: "\(path)/summary.json", atomically: true, encoding: .utf8)
    }
    guard let digest else { return }
    try "{\"inputs\":{\"dataset\":\"\(digest)\"},\"commandLine\":[\"bred\"]}".write(
      toFile: "\(path)/manifest.json", atomically: true, encoding: .utf8)
  }

  private func compare(
    _ arguments: String..., options: Comparison.Options = .init()
  ) throws -> Comparison {
    var options = options
    options.resamples = 1000
    return try Comparison(
      RunTree.runs(
        arguments.map { argument in
          let parts = argument.split(separator: "=").map(String.init)
          return (parts.count == 2 ? "\(parts[0])=" : "") + folder.file(parts[parts.count - 1])
        }), options, pool: pool)
  }

  @Test func aTreeIsComparedByTaskAndMethod() throws {
    for seed in 0..<3 {
      try makeRun(
        "runs/hopper-medium-v2/bred/seed-\(seed)", seed: seed, [10, 60, 20 + Double(seed)])
      try makeRun(
        "runs/hopper-medium-v2/bred-uniform/seed-\(seed)", seed: seed, [10, 10 + Double(seed)],
        tau: 0.1)
      // From scratch: neither dataset nor name of it.
      try makeRun(
        "runs/hopper-medium-v2/sac/seed-\(seed)", seed: seed, [0, 22], tau: 0.2, data: nil)
    }
    let found = try compare("runs")
    #expect(found.rows.map(\.method) == ["bred", "bred-uniform", "sac"])
    #expect(Set(found.rows.map(\.task)) == ["hopper-medium-v2"])
    #expect(found.rows.allSatisfy { $0.seeds == [0, 1, 2] && $0.axis == "environment_steps" })
    let bred = found.rows[0]
    #expect(bred.final?.values == [20, 21, 22] && bred.final?.mean.value == 21)
    // The standard error is 1/√3, the quantile SciPy's stats.t.ppf(0.975, 2).
    #expect(abs((bred.final?.mean.upper ?? 0) - 21 - 4.302652729749462 / 3.0.squareRoot()) < 1e-8)
    #expect(bred.final?.iqm == SeedStatistics.Estimate(value: 21, lower: 20, upper: 22))
    #expect(bred.best?.values == [60, 60, 60])
    // Two trapezia of height 100: 35 and 40 on average.
    #expect(bred.areaUnderCurve?.values[0] == 37.5)
    #expect(found.notes.isEmpty && found.against == nil)
    #expect(bred.runs[1].bestStep == 100 && bred.runs[1].finalStep == 200)

    var options = Comparison.Options()
    options.against = "sac"
    let against = try compare("runs", options: options)
    // Of nine pairs one is a tie, eight are lost.
    #expect(abs((against.rows[0].probabilityOfImprovement?.value ?? 0) - 0.5 / 3) < 1e-12)
    #expect(against.rows[2].probabilityOfImprovement == nil)
    options.against = "nobody"
    #expect(throws: RunError.self) { try compare("runs", options: options) }
  }

  @Test func unfinishedRunsAreNamedAndLeftOut() throws {
    try makeRun("a/seed-0", seed: 0, [1, 2, 3])
    try makeRun("a/seed-1", seed: 1, [5, 6], finished: false)
    let found = try compare("a")
    #expect(found.rows[0].seeds == [0] && found.rows[0].final?.values == [3])
    #expect(found.rows[0].final?.mean == SeedStatistics.Estimate(value: 3))
    #expect(found.notes.count == 1)
    #expect(
      found.notes[0].contains("a/seed-1, which is unfinished, is not counted")
        && found.notes[0].contains("at 100 environment_steps"))
    var options = Comparison.Options()
    options.step = 100
    let early = try compare("a", options: options)
    #expect(early.rows[0].seeds == [0, 1] && early.rows[0].final?.values == [2, 6])
    #expect(early.rows[0].best?.values == [2, 6] && early.notes.isEmpty)
    options.step = 200
    let late = try compare("a", options: options)
    #expect(late.rows[0].seeds == [0] && late.notes.count == 1)
  }

  @Test func otherDataAreNeverAveraged() throws {
    for (index, data) in ["hopper_medium.hdf5", "d/hopper_medium-v2.hdf5"].enumerated() {
      try makeRun("v\(index)", seed: index, [Double(index)], data: data)
    }
    let versions = try compare("v0", "v1")
    #expect(versions.rows.map(\.task) == ["hopper-medium-v0", "hopper-medium-v2"])
    for (index, digest) in ["aa", "bb", "aa"].enumerated() {
      try makeRun("d\(index)", seed: index, [Double(index)], data: "mine.hdf5", digest: digest)
    }
    let files = try compare("d0", "d1", "d2")
    #expect(files.rows.map(\.seeds) == [[0, 2], [1]])
    #expect(files.rows.map(\.task) == ["mine", "mine"])
    let labelled = try compare("m=d0", "m=d1")
    #expect(labelled.rows.map(\.method) == ["m", "m (2)"])
    #expect(labelled.notes == ["mine: 'm' and 'm (2)' differ in dataset"])
  }

  @Test func aMethodsTasksOfOneVersionAreTakenTogether() throws {
    for task in ["hopper-medium-v2", "hopper-expert-v2", "hopper-expert-v0"] {
      for (method, shift) in [("a", 0.0), ("b", 5)] {
        for seed in 0..<2 {
          // What is easy on one task is so for both methods.
          let level = task.hasSuffix("expert-v2") ? 100.0 : task.hasSuffix("v0") ? 200 : 0
          try makeRun(
            "t/\(task)/\(method)/\(seed)", seed: seed, [level + Double(seed) + shift],
            tau: shift, data: task)
        }
      }
    }
    let found = try compare("t")
    #expect(found.rows.count == 6 && found.against == "a")
    #expect(found.aggregates.map(\.method) == ["a", "b"])
    #expect(found.aggregates.allSatisfy { $0.version == "v2" && $0.tasks.count == 2 })
    // Of 5, 6, 105, 106.
    #expect(found.aggregates[1].iqm.value == 55.5)
    #expect(found.aggregates[1].optimalityGap?.value == 47.25)
    #expect(found.aggregates[1].probabilityOfImprovement?.value == 1)
    #expect(found.aggregates[0].probabilityOfImprovement == nil)
    #expect(found.aggregates[1].performanceProfile?.prefix(2) == [1, 0.5])
  }

  @Test func stagesAndLinksAreOneRun() throws {
    for seed in 0..<2 {
      try makeRun("shared/\(seed)", seed: seed, [1])
      try makeRun("p/hopper-medium-v2/bred/seed-\(seed)/finetune", seed: seed, [1, 7])
      let run = folder.file("p/hopper-medium-v2/bred/seed-\(seed)")
      try FileManager.default.createSymbolicLink(
        atPath: "\(run)/pretrain", withDestinationPath: folder.file("shared/\(seed)"))
      for name in ["config.yaml", "summary.json"] {
        try FileManager.default.copyItem(
          atPath: "\(run)/finetune/\(name)", toPath: "\(run)/\(name)")
      }
    }
    // Not begun beyond the link.
    try makeRun("p/hopper-medium-v2/bred/seed-2/pretrain", seed: 2, [1], finished: false)
    try FileManager.default.copyItem(
      atPath: folder.file("p/hopper-medium-v2/bred/seed-2/pretrain/config.yaml"),
      toPath: folder.file("p/hopper-medium-v2/bred/seed-2/config.yaml"))
    // A run, though called like a stage.
    try makeRun("p/distill", seed: 9, [3], tau: 0.7)
    let found = try compare("p")
    #expect(found.rows.count == 2 && found.rows[0].method == "p/distill")
    #expect(found.rows[1].final?.values == [7, 7])
    #expect(found.notes.count == 1 && found.notes[0].contains("no evaluation yet"))
  }

  @Test func argumentsThatAreNoRunsAreRefused() throws {
    try "x".write(toFile: folder.file("file"), atomically: true, encoding: .utf8)
    try FileManager.default.createDirectory(
      atPath: folder.file("empty"), withIntermediateDirectories: true)
    for name in ["file", "empty", "missing"] {
      #expect(throws: RunError.self) { try RunTree.runs(folder.file(name)) }
    }
    try makeRun("a=b/seed-0", seed: 0, [1])
    #expect(try RunTree.runs(folder.file("a=b"))[0].name == "a=b")
    // A directory counts once.
    #expect(try RunTree.runs([folder.file("a=b"), folder.file("a=b/seed-0/")]).count == 1)
  }

  @Test func formats() throws {
    for seed in 0..<2 {
      try makeRun("f/x,y/\(seed)", seed: seed, [1, 2 + Double(seed)])
      try makeRun("f/z/\(seed)", seed: seed, [1, 3], tau: 0.5)
    }
    let found = try compare("f")
    let table = try found.text(.table).split(separator: "\n")
    #expect(table[2].hasPrefix("task              method  seeds  final"))
    #expect(table[3].contains("x,y") && table[3].contains("2.5 [-3.9, 8.9]"))
    let csv = try found.text(.csv).split(separator: "\n")
    #expect(csv.count == 3 && csv[1].hasPrefix("hopper-medium-v2,\"x,y\",2,0 1,environment_steps,"))
    let columns = csv[0].split(separator: ",", omittingEmptySubsequences: false).count
    #expect(
      csv[2].split(separator: ",", omittingEmptySubsequences: false).count == columns)
    let markdown = try found.text(.markdown).split(separator: "\n")
    #expect(markdown[3].hasPrefix("|---|---|") && markdown[4].hasPrefix("| hopper-medium-v2 |"))
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(found.text(.json).utf8)) as? [String: Any])
    let row = try #require((json["rows"] as? [[String: Any]])?.first)
    #expect(row["seeds"] as? [Int] == [0, 1] && row["task"] as? String == "hopper-medium-v2")
    let final = try #require(row["final"] as? [String: Any])
    #expect((final["mean"] as? [String: Double])?["value"] == 2.5)
    #expect((final["iqm"] as? [String: Double])?.keys.sorted() == ["lower", "upper", "value"])

    let curves = try LongTable.csv(RunTree.runs([folder.file("f")])).split(separator: "\n")
    #expect(
      curves[0] == "task,method,seed,stage,environment_steps,gradient_steps,eval_return_mean,"
        + "eval_normalized_score")
    #expect(curves.count == 1 + 4 * 2)
    #expect(curves[4] == "hopper-medium-v2,\"x,y\",1,,100,50,30,3")
  }

  @Test func curvesHaveTheColumnThatWasCompared() throws {
    try makeRun("c/0", seed: 0, [1, 2])
    let other = try LongTable.csv(RunTree.runs([folder.file("c")]), compared: "gradient_steps")
    #expect(try LongTable.csv(RunTree.runs([folder.file("c")])) == other)

    try """
    epoch,environment_steps,gradient_steps,eval_return_mean,eval_normalized_score,q_variance
    0,0,0,10,1,
    0,50,25,,,0.5
    0,70,30,,,
    1,100,50,20,2,0.25

    """.write(toFile: folder.file("c/0/progress.csv"), atomically: true, encoding: .utf8)
    let runs = try RunTree.runs([folder.file("c")])
    let curves = try LongTable.csv(runs, compared: "q_variance").split(separator: "\n")
    #expect(curves[0].hasSuffix(",eval_return_mean,eval_normalized_score,q_variance"))
    let values = curves[1...].map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    #expect(
      values.map { $0.suffix(5).joined(separator: ",") } == [
        "0,0,10,1,", "50,25,,,0.5", "100,50,20,2,0.25",
      ])
    #expect(try !LongTable.csv(runs).contains("50,25"))
  }
}
