import Foundation
import TestSupport
import Testing

/// Stopping changes nothing, and neither does the number of threads.
@Suite struct ResumeTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  private func pipeline(_ output: String, threads: Int, _ more: String...) throws -> [String] {
    let file = folder.file("hopper.yaml")
    try "environment: hopper\n".write(toFile: file, atomically: true, encoding: .utf8)
    return [
      "run", file, "--dataset", workshop.dataset, "--output", folder.file(output), "--threads",
      "\(threads)", "--quiet",
    ] + Workshop.small + more
  }

  private func results(_ output: String) -> [String: Data] {
    untimedResults(in: folder.file(output))
  }

  @Test func threadsAndKillsLeaveNoTrace() throws {
    #expect(try CommandRunner.run(pipeline("whole", threads: 1)).status == 0)
    let whole = results("whole")
    #expect(whole.keys.filter { $0.hasSuffix("progress.csv") }.count == 3)
    #expect(whole.keys.contains("finetune/weights/policy.safetensors"))

    #expect(try CommandRunner.run(pipeline("threads", threads: 3)).status == 0)
    #expect(results("threads") == whole)

    // Kill without warning, each time after at least one more file was written.
    let kills = try CommandRunner.killAtMilestones(
      pipeline("killed", threads: 2, "--resume"), times: 6, in: folder.file("killed")
    ) { $0.contains("step-") }
    #expect(kills > 0)
    #expect(try CommandRunner.run(pipeline("killed", threads: 2, "--resume")).status == 0)
    #expect(results("killed") == whole)
  }

  @Test func interruptionWritesACheckpoint() throws {
    let arguments = try pipeline("stopped", threads: 2, "--set", "pretrain.gradientSteps=100000")
    let run = try CommandRunner.start(arguments)
    let table = folder.file("stopped/pretrain/progress.csv")
    while run.process.isRunning && !FileManager.default.fileExists(atPath: table) { usleep(1000) }
    // While it works, nobody else may.
    let second = try CommandRunner.run(arguments + ["--resume"])
    #expect(second.status == 1)
    #expect(second.errors.contains("another process"))
    kill(run.process.processIdentifier, SIGINT)
    let result = try run.wait()
    #expect(result.status == 130)
    #expect(result.errors.contains("--resume"))
    #expect(!TemporaryDirectory.names(folder.file("stopped/pretrain/checkpoints")).isEmpty)
    #expect(!FileManager.default.fileExists(atPath: folder.file("stopped/summary.json")))
  }

  @Test func oneAgentNeedsNoDistillation() throws {
    let run = try CommandRunner.run(
      pipeline("one", threads: 1, "--set", "pretrain.members=1", "--set", "finetune.replay=uniform")
    )
    #expect(run.status == 0, "\(run.errors)")
    let files = results("one").keys
    #expect(files.contains("finetune/weights/policy.safetensors"))
    #expect(!files.contains { $0.contains("distill") })
  }

  @Test func fineTuningDistilsWhereNobodyHas() throws {
    let run = try CommandRunner.run(
      [
        "finetune", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble",
        workshop.ensemble, "--output", folder.file("tuned"), "--quiet", "--resume",
      ] + Workshop.small)
    #expect(run.status == 0, "\(run.errors)")
    let files = contents(of: folder.path).keys
    #expect(files.contains("tuned/distillation/weights/distilled.safetensors"))
    // For as long as it was told to: three epochs and the names of the columns.
    let table = try String(
      contentsOfFile: folder.file("tuned/distillation/progress.csv"), encoding: .utf8)
    #expect(table.split(separator: "\n").count == 4)
    // The ensemble is somebody else's and stays as it was.
    #expect(!TemporaryDirectory.names(workshop.ensemble).contains("distilled.safetensors"))
  }

  @Test func aBrokenCheckpointIsPassedOver() throws {
    #expect(try CommandRunner.run(pipeline("whole", threads: 2)).status == 0)
    let whole = results("whole")
    // As if the power had gone in the last stage, while its newest checkpoint was not on the disk yet.
    let stage = folder.file("whole/finetune")
    for name in ["whole/summary.json", "whole/finetune/summary.json"] {
      try FileManager.default.removeItem(atPath: folder.file(name))
    }
    let newest = try #require(TemporaryDirectory.names("\(stage)/checkpoints").last)
    let file = URL(fileURLWithPath: "\(stage)/checkpoints/\(newest)")
    try Data(contentsOf: file).prefix(1000).write(to: file)
    let result = try CommandRunner.run(pipeline("whole", threads: 2, "--resume"))
    #expect(result.status == 0)
    #expect(result.errors.contains(newest))
    #expect(results("whole") == whole)
  }

  @Test func aFinishedRunIsNotRepeated() throws {
    #expect(try CommandRunner.run(pipeline("twice", threads: 1)).status == 0)
    let before = contents(of: folder.file("twice"))
    let again = try CommandRunner.run(pipeline("twice", threads: 1, "--resume", "--json"))
    #expect(again.status == 0)
    #expect(again.output.hasPrefix("{") && again.output.contains("\"finalScore\""))
    #expect(contents(of: folder.file("twice")) == before)
  }
}
