import Foundation
import TestSupport
import Testing

/// Fine-tuning with the members' live mixture, and what is done with its several actors.
@Suite struct MixtureTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  private func finetune(_ output: String, _ more: String...) -> [String] {
    [
      "finetune", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble",
      workshop.ensemble, "--output", folder.file(output), "--quiet", "--set",
      "finetune.actor=mixture",
    ] + Workshop.small + more
  }

  private func weights(_ output: String) -> [String: Data] {
    contents(of: folder.file("\(output)/weights"))
  }

  private func returns(_ policy: String) throws -> [Double] {
    let result = try CommandRunner.run(
      "evaluate", "--env", "hopper", "--policy", policy, "--episodes", "2", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    return try #require((object as? [String: Any])?["returns"] as? [Double])
  }

  /// Column `name` of a run's `progress.csv`, first epoch that has a value.
  private func firstValue(_ name: String, in output: String) throws -> Double {
    let text = try String(contentsOfFile: folder.file("\(output)/progress.csv"), encoding: .utf8)
    let rows = text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false)
    }
    let column = try #require(rows[0].firstIndex { $0 == name })
    return try #require(rows.dropFirst().lazy.compactMap { Double($0[column]) }.first)
  }

  @Test func killsLeaveNoTrace() throws {
    #expect(try CommandRunner.run(finetune("whole", "--threads", "1")).status == 0)
    let whole = weights("whole")
    #expect(whole["policy.safetensors"] == nil)
    #expect(!FileManager.default.fileExists(atPath: folder.file("whole/distillation")))
    let actors = (0..<2).map { whole["member-\($0)/actor.safetensors"] }
    #expect(actors[0] != nil && actors[0] != actors[1])
    for member in 0..<2 {
      let file = "member-\(member)/actor.safetensors"
      let start = FileManager.default.contents(atPath: "\(workshop.ensemble)/\(file)")
      #expect(whole[file] != start, "member \(member) did not learn")
    }

    let arguments = finetune("killed", "--threads", "2", "--resume")
    let kills = try CommandRunner.killAtMilestones(
      arguments, times: 2, in: folder.file("killed")
    ) { $0.contains("step-") }
    #expect(kills > 0)
    #expect(try CommandRunner.run(arguments).status == 0)
    #expect(weights("killed") == whole)
  }

  @Test func pipelineSkipsTheDistillation() throws {
    let file = folder.file("hopper.yaml")
    try "environment: hopper\nfinetune:\n  actor: mixture\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    let command = [
      "run", file, "--dataset", workshop.dataset, "--output", folder.file("run"), "--quiet",
    ]
    // What is said of a distillation that does not happen is a mistake.
    let refused = try CommandRunner.run(command + Workshop.small)
    #expect(refused.status == 2 && refused.errors.contains("distillation.epochs"))
    let run = try CommandRunner.run(command + Workshop.smallWithoutDistillation)
    #expect(run.status == 0, "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("run/distill")))
    #expect(weights("run/finetune")["member-1/actor.safetensors"] != nil)
  }

  @Test func directoryActsAsItsMixture() throws {
    let one = folder.file("one")
    try FileManager.default.createDirectory(atPath: one, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: "\(workshop.ensemble)/member-0", toPath: "\(one)/member-0")
    let alone = try returns("\(one)/member-0/actor.safetensors")
    #expect(try returns(one) == alone)
    // Equal members make the mixture that each of them is.
    try FileManager.default.copyItem(atPath: "\(one)/member-0", toPath: "\(one)/member-1")
    for (pair, single) in zip(try returns(one), alone) { #expect(abs(pair - single) < 0.01) }
    #expect(try returns(workshop.ensemble) != alone)
  }

  @Test func mixtureOfOneIsThePolicy() throws {
    let one = folder.file("one")
    try FileManager.default.createDirectory(atPath: one, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: "\(workshop.ensemble)/member-0", toPath: "\(one)/member-0")
    #expect(try CommandRunner.run(finetune("mixture", "--ensemble", one)).status == 0)
    let distilled = finetune("distilled", "--ensemble", one, "--set", "finetune.actor=distilled")
    #expect(try CommandRunner.run(distilled).status == 0)
    #expect(weights("mixture") == weights("distilled"))
    #expect(weights("mixture")["policy.safetensors"] != nil)
  }

  @Test func temperatureOfTheMembers() throws {
    // A high rate, so that 40 updates move the temperature far from 1.
    let made = try CommandRunner.run(
      [
        "pretrain", "--env", "hopper", "--dataset", workshop.dataset, "--output",
        folder.file("agents"), "--quiet",
      ] + Workshop.small + ["--set", "pretrain.policyLearningRate=0.05"])
    #expect(made.status == 0)
    let ensemble = ["--ensemble", folder.file("agents/weights")]
    #expect(try CommandRunner.run(finetune("fixed") + ensemble).status == 0)
    let members = finetune("members", "--set", "finetune.startTemperature=members")
    #expect(try CommandRunner.run(members + ensemble).status == 0)
    #expect(abs(try firstValue("temperature", in: "fixed") - 1) < 0.1)
    #expect(abs(try firstValue("temperature", in: "members") - 1) > 0.2)
  }

  @Test func temperatureThatNobodyRecorded() throws {
    let copy = folder.file("agents")
    try FileManager.default.copyItem(atPath: workshop.ensemble, toPath: copy)
    let manifest = "\(copy)/member-1/agent.json"
    let text = try String(contentsOfFile: manifest, encoding: .utf8)
    #expect(text.contains("\"temperature\""))
    // Without its checksum, as a file written by hand.
    try text.replacing("\"temperature\"", with: "\"temperatura\"")
      .replacing(/"checksum" : "[0-9a-f]*",\n/, with: "")
      .write(toFile: manifest, atomically: true, encoding: .utf8)
    let result = try CommandRunner.run(
      finetune("out", "--ensemble", copy, "--set", "finetune.startTemperature=members"))
    #expect(result.status == 1)
    #expect(result.errors.contains("\(copy)/member-1") && result.errors.contains("'temperature'"))
    #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
  }
}
