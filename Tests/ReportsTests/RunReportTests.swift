import Analysis
import Configuration
import DenseMath
import Foundation
import Runs
import Stages
import TestSupport
import Testing

@testable import Reports

@Suite struct RunReportTests {
  let folder = TemporaryDirectory()
  private let pool = WorkerPool(threads: 1)

  private func write(_ text: String, _ path: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private func json(_ object: [String: Any], _ path: String) throws {
    let data = try JSONSerialization.data(withJSONObject: object)
    try write(String(decoding: data, as: UTF8.self), path)
  }

  /// A stage's directory, as a stage leaves it.
  private func makeStage(
    _ path: String, _ name: String, table: String, seed: Int = 0, warnings: [String] = [],
    command: [String], done: Bool = true, yaml: String
  ) throws {
    try write(table, "\(path)/progress.csv")
    try write(yaml, "\(path)/config.yaml")
    try json(
      [
        "version": "0.1.0", "commit": "abc123", "stage": name, "seed": seed,
        "configurationDigest": "d", "inputs": ["dataset": "5ha256"],
        "machine": [
          "cpu": "A <fast> processor", "processors": 4, "threads": 2, "memoryBytes": 8_000_000_000,
          "operatingSystem": "Some & system", "blasKernel": "SkylakeX",
          "vectorInstructionSet": "avx512",
        ] as [String: Any],
        "libraries": ["MuJoCo": "2.2.2"], "commandLine": command,
        "startedAt": "2026-01-02T03:04:05Z",
        "resumedAt": [] as [String], "warnings": warnings,
      ], "\(path)/manifest.json")
    guard done else { return }
    try json(
      [
        "stage": name, "environment": "hopper", "seed": seed, "finalStep": 200, "bestStep": 100,
        "finalScore": 12.5, "wallSeconds": [name: 125.0], "numbers": [:] as [String: Double],
        "activitySeconds": ["updates": 60.25, "evaluation": 30.5, "other": 1.0],
      ], "\(path)/summary.json")
  }

  /// A run of two stages.
  private func makeRun(
    _ path: String, seed: Int = 0, scores: [Double] = [10, 14, 12.5], done: Bool = true,
    _ more: String..., warnings: [String] = []
  ) throws {
    let yaml = try ExperimentConfiguration.resolve(
      ConfigurationSources(
        method: ConfigurationLibrary.methods.layer("bred"),
        task: ConfigurationLibrary.tasks.layer("hopper-medium-v2"),
        overrides: ["seed=\(seed)", "dataset.path=/data/x.hdf5"] + more), catalog: .registered
    ).configuration.yaml()
    let command = [
      "/usr/bin/bred", "run", "--task", "hopper-medium-v2", "--method=bred", "--seed", "\(seed)",
      "--set", "online.schedule=<linear>", "--output", path, "--resume",
    ]
    try makeStage(
      "\(path)/pretrain", "pretrain",
      table: """
        epoch,environment_steps,gradient_steps,eval_return_mean,eval_normalized_score,member0_td_loss,member1_td_loss,member0_eval_normalized_score
        1,0,1000,100,5,1,3,5
        2,0,2000,200,10,2,4,10

        """, seed: seed, warnings: warnings, command: command, yaml: yaml)
    let rows = scores.enumerated().map { index, score in
      "\(index),\(index * 100),\(index * 7),\(score * 30),\(score),\(0.5 + Double(index) / 10)\n"
    }
    try makeStage(
      "\(path)/finetune", "finetune",
      table:
        "epoch,environment_steps,gradient_steps,eval_return_mean,eval_normalized_score,online_fraction\n"
        + rows.joined(), seed: seed, command: command, done: done, yaml: yaml)
    try write(yaml, "\(path)/config.yaml")
    if done {
      try FileManager.default.copyItem(
        atPath: "\(path)/finetune/summary.json", toPath: "\(path)/summary.json")
    }
  }

  private func report(_ path: String) throws -> String {
    try RunReport(folder.file(path), pool: pool).html()
  }

  @Test func aRunOfStagesIsShown() throws {
    try makeRun(folder.file("my run"), "online.updatesPerStep=2", warnings: ["rows < expected"])
    let html = try report("my run")
    let page = try PageReader(html)
    for words in [
      "my run", "hopper-medium-v2", "pretrain → finetune", "pretrain: score",
      "pretrain: td loss", "mean of the agents", "finetune: score", "finetune: online fraction",
      "rows < expected", "12.5", "14.0", "2:05 min", "60.2", "A <fast> processor", "Some & system",
      "SkylakeX, avx512", "abc123", "5ha256", "/data/x.hdf5", "online.updatesPerStep",
      "instead of 1",
      "method bred and task hopper-medium-v2",
      "bred run --task hopper-medium-v2 --method=bred --seed 0 --set 'online.schedule=<linear>' "
        + "--output '\(folder.file("my run"))'",
      "bred run '\(folder.file("my run"))/config.yaml' --output again",
    ] {
      #expect(page.text.contains(words), "'\(words)' is not on the page")
    }
    // What the run was for comes first.
    let titles = ["finetune: score", "pretrain: score", "pretrain: td loss"].map {
      page.text.range(of: $0)!.lowerBound
    }
    #expect(titles == titles.sorted())
    // One value is marked: that which method and task do not give.
    #expect(html.components(separatedBy: "<tr class=\"marked\">").count == 2)
    #expect(page.elements["figure"] == 4)
    #expect(page.isSelfContained && !html.contains("url(") && !html.contains("@import"))
    #expect(html.contains("prefers-color-scheme:dark") && html.contains("@media print"))
    #expect(try report("my run") == html)
    // Its last stage alone.
    let stage = try PageReader(report("my run/finetune"))
    #expect(stage.text.contains("finetune: score") && !stage.text.contains("pretrain: score"))
  }

  @Test func textIsEscaped() throws {
    let hostile = "<script>alert('x')</script>]]>&amp;\u{1b}[31m"
    try makeRun(folder.file("<b>&'\""), warnings: [hostile])
    let page = try PageReader(report("<b>&'\""))
    #expect(page.elements["script"] == nil)
    #expect(page.text.contains("<script>alert('x')</script>]]>&amp;"))
    #expect(page.text.contains("<b>&'\""))
  }

  @Test func seedsMakeOneCurveWithABand() throws {
    for (seed, last) in [12.5, 20, 31].enumerated() {
      try makeRun(folder.file("runs/bred/seed-\(seed)"), seed: seed, scores: [10, 14, last])
    }
    let html = try report("runs")
    let page = try PageReader(html)
    #expect(page.text.contains("mean of 3 seeds; band: Student's 95 % interval"))
    // 21.17 ± 4.30 standard errors of the mean of three.
    let values = [12.5, 20, 31.0]
    let mean = SeedStatistics.meanWithInterval(values)
    #expect(
      page.text.contains(
        String(format: "%.1f [%.1f, %.1f]", mean.value, mean.lower!, mean.upper!)))
    #expect(html.components(separatedBy: "class=\"band").count > 2)
    #expect(page.text.contains("seed-2") && page.text.contains("0, 1, 2"))
  }

  @Test func severalMethodsAreHeldAgainstEachOther() throws {
    for seed in 0..<2 {
      try makeRun(folder.file("s/bred/seed-\(seed)"), seed: seed)
      try makeRun(
        folder.file("s/uniform/seed-\(seed)"), seed: seed, done: seed == 0, "online.replay=uniform")
    }
    let html = try report("s")
    let page = try PageReader(html)
    #expect(page.elements["figure"] == 1)
    for words in [
      "bred (2 seeds)", "uniform (2 seeds)", "Settings that differ between the groups",
      "balanced: bred; uniform: uniform",
      "Settings of all groups", "3 of 4", "which is unfinished, is not counted", "uniform/seed-1",
    ] { #expect(page.text.contains(words), "'\(words)' is not on the page") }
    #expect(html.contains("class=\"c1\"") && html.contains("<ul class=\"legend\">"))
  }

  /// Files of other versions, and those that are not there.
  @Test func lessThanARun() throws {
    #expect(throws: RunError.self) { try report("nothing") }
    try write(
      "epoch,environment_steps,gradient_steps,eval_normalized_score\n",
      folder.file("a/progress.csv"))
    let empty = try PageReader(report("a"))
    #expect(empty.text.contains("not ended"))
    try write("strange: <1>\nmore: 2\n", folder.file("a/config.yaml"))
    let strange = try PageReader(report("a"))
    #expect(strange.text.contains("strange: <1>\nmore: 2"))
    // A table that grows is cut at its last whole row.
    try write(
      "epoch,environment_steps,gradient_steps,eval_normalized_score\n0,0,0,7.25\n1,100,5",
      folder.file("a/progress.csv"))
    #expect(try PageReader(report("a")).text.contains("7.2"))
  }

  @Test func aPageInTheWayStays() throws {
    try makeRun(folder.file("run"))
    try write("mine", folder.file("page.html"))
    let made = try RunReport(folder.file("run"), pool: pool)
    #expect(throws: RunError.self) {
      try made.write(to: folder.file("page.html"), replacing: false)
    }
    #expect(try String(contentsOfFile: folder.file("page.html"), encoding: .utf8) == "mine")
    try made.write(to: folder.file("page.html"), replacing: true)
    #expect(try String(contentsOfFile: folder.file("page.html"), encoding: .utf8) == made.html())
  }
}
