import Agents
import Foundation
import Autodiff
import RLCore
import TestSupport
import Testing

/// Weights that do not fit: what is said, and that nothing is touched.
@Suite struct BadWeightsTests: RefusalTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  private func finetune(ensemble: String, _ more: String...) -> [String] {
    [
      "finetune", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble", ensemble,
      "--output", folder.file("out"), "--quiet",
    ] + Workshop.small + more
  }

  @Test func missingEnsemble() throws {
    try refuse(finetune(ensemble: folder.file("none")), status: 1, saying: folder.file("none"))
    try refuse(finetune(ensemble: folder.path), status: 1, saying: "member-0")
  }

  @Test func brokenEnsembles() throws {
    let copy = folder.file("agents")
    try FileManager.default.copyItem(atPath: workshop.ensemble, toPath: copy)
    let actor = URL(fileURLWithPath: "\(copy)/member-1/actor.safetensors")
    let whole = try Data(contentsOf: actor)
    try whole.prefix(whole.count - 7).write(to: actor)
    try refuse(finetune(ensemble: copy), status: 1, saying: actor.path)
    try Data(contentsOf: URL(fileURLWithPath: "\(copy)/member-1/critic1.safetensors"))
      .write(to: actor)
    try refuse(finetune(ensemble: copy), status: 1, saying: actor.path)
    try FileManager.default.removeItem(at: actor)
    try refuse(finetune(ensemble: copy), status: 1, saying: "actor.safetensors")
  }

  /// Nothing would use them, and the configuration on the disk would be wrong.
  @Test func agentsOfOtherWidths() throws {
    let distill = [
      "distill", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble",
      workshop.ensemble, "--no-add-to-ensemble", "--output", folder.file("out"), "--quiet",
    ]
    for command in [finetune(ensemble: workshop.ensemble), distill + Workshop.small] {
      try refuse(
        command + ["--set", "networks.hiddenUnits=32"], status: 1, saying: workshop.ensemble,
        "expected [32, 32], found [16, 16]", "--set networks.hiddenUnits=16")
    }
  }

  /// A policy for these sizes, which names this task.
  private func policy(_ sizes: (Int, Int), environment: String?) throws -> String {
    let shape = NetworkShape(inputSize: sizes.0, hiddenSizes: [8], outputSize: 2 * sizes.1)
    var file = NetworkFile(Network(shape: shape), role: .policy)
    file.metadata["environment"] = environment
    let path = folder.file("policy.safetensors")
    try file.write(to: path)
    return path
  }

  @Test func policyOfAnotherRobot() throws {
    let actor = "\(workshop.ensemble)/member-0/actor.safetensors"
    try refuse(
      ["evaluate", "--env", "halfcheetah", "--policy", actor], status: 1, saying: actor,
      "expected halfcheetah, found hopper")
    let unnamed = try policy((11, 3), environment: nil)
    try refuse(
      ["evaluate", "--env", "halfcheetah", "--policy", unnamed], status: 1, saying: unnamed, "17",
      "11")
    // Equal sizes do not make them the same.
    let walker = try policy((17, 6), environment: "walker2d")
    try refuse(
      ["evaluate", "--env", "halfcheetah", "--policy", walker], status: 1, saying: walker,
      "expected halfcheetah, found walker2d")
    try refuse(
      ["evaluate", "--env", "hopper", "--policy", workshop.dataset], status: 1,
      saying: workshop.dataset, "an HDF5 file")
  }

  @Test func ensembleOfAnotherRobot() throws {
    let copy = folder.file("agents")
    try FileManager.default.copyItem(atPath: workshop.ensemble, toPath: copy)
    for member in 0..<2 {
      try FileManager.default.removeItem(atPath: "\(copy)/member-\(member)/agent.json")
      for name in TemporaryDirectory.names("\(copy)/member-\(member)") {
        let path = "\(copy)/member-\(member)/\(name)"
        var file = try NetworkFile.read(path, as: name.hasPrefix("actor") ? .policy : .critic)
        file.metadata["environment"] = "walker2d"
        try file.write(to: path)
      }
    }
    try refuse(
      finetune(ensemble: copy), status: 1, saying: copy, "expected hopper, found walker2d")
  }

  /// Without --env the task is the one that the file names.
  @Test func taskOfThePolicy() throws {
    let actor = "\(workshop.ensemble)/member-0/actor.safetensors"
    func evaluate(_ policy: String, _ more: String...) throws -> CommandRunner.Result {
      try CommandRunner.run(
        ["evaluate", "--policy", policy, "--episodes", "2", "--json"] + more)
    }
    for path in [actor, workshop.ensemble] {
      let found = try evaluate(path)
      #expect(found.status == 0 && found.output.contains("\"hopper\""), "\(found.errors)")
      #expect(try evaluate(path, "--env", "hopper").output == found.output)
    }
    // A name as others write it.
    let other = try evaluate(try policy((17, 6), environment: "Walker2d-v2"))
    #expect(other.status == 0 && other.output.contains("\"walker2d\""), "\(other.errors)")
    let unnamed = try policy((11, 3), environment: nil)
    try refuse(["evaluate", "--policy", unnamed], status: 1, saying: unnamed, "--env")
  }

  @Test func distilledFromOtherAgents() throws {
    let copy = folder.file("agents")
    try FileManager.default.copyItem(atPath: workshop.ensemble, toPath: copy)
    let distilled = try CommandRunner.run(
      [
        "distill", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble", copy,
        "--output", folder.file("distilled"), "--quiet",
      ] + Workshop.small)
    #expect(distilled.status == 0, "\(distilled.errors)")
    let actor = "\(copy)/member-1/actor.safetensors"
    let before = try NetworkFile.read(actor, as: .policy)
    var after = before
    after.metadata["note"] = "somebody was here"
    try after.write(to: actor)
    try refuse(
      finetune(ensemble: copy, "--resume"), status: 1, saying: "\(copy)/distilled.safetensors",
      "'member-1/actor.safetensors' has changed since")
    try before.write(to: actor)
    let tuned = try CommandRunner.run(finetune(ensemble: copy, "--resume"))
    #expect(tuned.status == 0, "\(tuned.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("out/distillation")))
  }

  /// What a stage made is what its directory stands for.
  @Test func aDistillationsDirectoryIsItsPolicy() throws {
    let distilled = try CommandRunner.run(
      [
        "distill", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble",
        workshop.ensemble, "--no-add-to-ensemble", "--output", folder.file("distilled"), "--quiet",
      ] + Workshop.small)
    #expect(distilled.status == 0, "\(distilled.errors)")
    let results = try ["", "/weights", "/weights/distilled.safetensors"].map { place in
      try CommandRunner.run(
        "evaluate", "--policy", folder.file("distilled") + place, "--episodes", "2", "--json")
    }
    #expect(results.allSatisfy { $0.status == 0 && $0.output.contains("\"hopper\"") })
    #expect(Set(results.map(\.output)).count == 1)
    let members = try CommandRunner.run(
      "evaluate", "--policy", workshop.ensemble, "--episodes", "2", "--json")
    #expect(members.status == 0 && members.output != results[0].output)
  }

  @Test func distillingTwiceKeepsTheFirst() throws {
    let copy = folder.file("agents")
    try FileManager.default.copyItem(atPath: workshop.ensemble, toPath: copy)
    func distill(_ output: String) -> [String] {
      [
        "distill", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble", copy,
        "--output", folder.file(output), "--quiet",
      ] + Workshop.small
    }
    #expect(try CommandRunner.run(distill("first")).status == 0)
    try refuse(distill("second"), status: 1, saying: "distilled.safetensors")
  }
}
