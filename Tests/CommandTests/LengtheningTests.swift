import Foundation
import TestSupport
import Testing

/// A finished run goes on when more is asked of it, and ends as if it had been longer from the start.
@Suite struct LengtheningTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  private func files(_ output: String) -> [String: Data] {
    var result: [String: Data] = [:]
    for (name, data) in contents(of: folder.file(output)) {
      if name.hasSuffix(".safetensors") && name.contains("weights/") { result[name] = data }
      guard name.hasSuffix("progress.csv") else { continue }
      let rows = String(decoding: data, as: UTF8.self).split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false)
      }
      let timed = rows[0].indices.filter {
        ["wall_seconds", "updates_per_second"].contains(rows[0][$0])
      }
      let untimed = rows.map { row in
        row.indices.filter { !timed.contains($0) }.map { String(row[$0]) }.joined(separator: ",")
      }
      result[name] = Data(untimed.joined(separator: "\n").utf8)
    }
    return result
  }

  /// Runs `command` in two pieces and in one; both must leave the same bytes.
  private func compare(_ command: [String], _ key: String, _ short: Int, _ long: Int) throws {
    func run(_ output: String, _ length: Int, _ more: String...) throws -> CommandRunner.Result {
      let result = try CommandRunner.run(
        command + ["--output", folder.file(output), "--set", "\(key)=\(length)"] + more)
      #expect(result.status == 0, "\(result.errors)")
      return result
    }
    _ = try run("whole", long)
    _ = try run("pieces", short)
    let second = try run("pieces", long, "--resume")
    #expect(second.errors.contains("Steps from \(short) to \(long); kept are"), "\(second.errors)")
    let whole = files("whole")
    #expect(whole.count > 1)
    #expect(files("pieces") == whole)
    // And then it is finished.
    let before = contents(of: folder.file("pieces"))
    _ = try run("pieces", long, "--resume")
    #expect(contents(of: folder.file("pieces")) == before)
    // Nothing can be undone.
    let shorter = try CommandRunner.run(
      command + ["--output", folder.file("pieces"), "--set", "\(key)=\(short)", "--resume"])
    #expect(shorter.status == 1 && shorter.errors.contains("another configuration"))
  }

  @Test func offline() throws {
    try compare(
      ["pretrain", "--env", "hopper", "--dataset", workshop.dataset] + Workshop.small
        + ["--set", "evaluation.interval=1"], "pretrain.gradientSteps", 20, 50)
  }

  /// The buffer is as long as the run, or shorter than both, or between them.
  @Test(arguments: [1_000, 300, 150]) func online(capacity: Int) throws {
    try compare(
      [
        "sac", "--env", "hopper", "--set", "networks.hiddenUnits=16", "--set",
        "online.blockSteps=100", "--set", "online.updatesPerStep=0.1", "--set",
        "evaluation.episodes=1", "--set", "evaluation.interval=1", "--set",
        "online.bufferCapacity=\(capacity)",
      ], "online.environmentSteps", 200, 400)
  }

  @Test func distillation() throws {
    let command =
      [
        "distill", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble",
        workshop.ensemble, "--no-add-to-ensemble",
      ] + Workshop.small
    func run(_ output: String, _ epochs: Int) throws -> CommandRunner.Result {
      try CommandRunner.run(
        command + [
          "--output", folder.file(output), "--resume", "--set", "distillation.epochs=\(epochs)",
        ])
    }
    for (output, epochs) in [("whole", 5), ("pieces", 2), ("pieces", 5)] {
      let result = try run(output, epochs)
      #expect(result.status == 0, "\(result.errors)")
    }
    // The table keeps the evaluation at the former end, so that weights alone are compared.
    let name = "weights/distilled.safetensors"
    #expect(files("pieces")[name] != nil && files("pieces")[name] == files("whole")[name])
  }

  @Test func pipelinesGrowAtTheirEnd() throws {
    let file = folder.file("hopper.yaml")
    try "environment: hopper\n".write(toFile: file, atomically: true, encoding: .utf8)
    func run(_ more: String...) throws -> CommandRunner.Result {
      try CommandRunner.run(
        ["run", file, "--dataset", workshop.dataset, "--output", folder.file("run"), "--quiet"]
          + Workshop.small + more)
    }
    #expect(try run().status == 0)
    let before = contents(of: folder.path)
    for (key, stage) in [
      ("pretrain.gradientSteps", "distill"), ("distillation.epochs", "finetune"),
    ] {
      let refused = try run("--resume", "--set", "\(key)=1000")
      #expect(refused.status == 1)
      for words in ["cannot grow", "'\(stage)' has begun", folder.file("run")] {
        #expect(refused.errors.contains(words), "\(refused.errors)")
      }
    }
    #expect(contents(of: folder.path) == before)
    let longer = try run("--resume", "--set", "finetune.environmentSteps=600")
    #expect(longer.status == 0, "\(longer.errors)")
    let summary = try String(contentsOfFile: folder.file("run/summary.json"), encoding: .utf8)
    #expect(summary.contains("\"finalStep\" : 600"))
  }
}
