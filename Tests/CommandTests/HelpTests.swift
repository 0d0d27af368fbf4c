import Foundation
import TestSupport
import Testing

@Suite struct HelpTests {
  @Test(arguments: [
    [], ["run"], ["pretrain"], ["distill"], ["finetune"], ["sac"], ["evaluate"], ["doctor"],
    ["render"], ["report"], ["compare"], ["plot"], ["analyse"], ["analyse", "q-bias"],
    ["analyse", "density"],
    ["environment"], ["environment", "list"], ["environment", "describe"],
  ])
  func everyCommandExplainsItself(command: [String]) throws {
    let result = try CommandRunner.run(command + ["--help"])
    #expect(result.status == 0)
    #expect(result.errors.isEmpty)
    #expect(result.output.contains("USAGE: bred"))
    #expect(result.output.contains("bred \(command.first ?? "run")"))
  }

  @Test func aliasesNameTheRobot() throws {
    let policy = "\(Workshop.shared.ensemble)/member-0/actor.safetensors"
    let results = try ["--env", "--env-id", "--task"].map { option in
      try CommandRunner.run(
        "evaluate", option, "hopper-medium-v2", "--policy", policy, "--episodes", "2", "--json")
    }
    #expect(results.allSatisfy { $0.status == 0 })
    #expect(Set(results.map(\.output)).count == 1)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(results[0].output.utf8)) as? [String: Any])
    #expect(object["environment"] as? String == "hopper")
    #expect((object["returns"] as? [Double])?.count == 2)
    #expect((object["lengths"] as? [Int])?.count == 2)
    for key in ["mean", "std", "normalizedScore", "episodes"] { #expect(object[key] != nil) }
  }

  @Test func doctorFindsTheLibraries() throws {
    let result = try CommandRunner.run("doctor", "--json")
    #expect(result.status == 0)
    for word in ["MuJoCo", "HDF5", "OpenBLAS", "blasKernel", "cpuFeatures"] {
      #expect(result.output.contains(word))
    }
  }

  /// `make settings` writes the page.
  @Test func theSettingsPageIsThatOfTheDeclarations() throws {
    let result = try CommandRunner.run("settings")
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../docs/settings.md").standardized
    #expect(try result.output == String(contentsOf: page, encoding: .utf8))
    #expect(result.output.contains("| `online.finalTimestep` | 125000 | a whole number ≥ 1 |"))
  }

  @Test func describeTellsEveryNumber() throws {
    let result = try CommandRunner.run("environment", "describe", "walker2d", "--json")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect((object["observations"] as? [Any])?.count == 17)
    #expect((object["actions"] as? [Any])?.count == 6)
  }
}
