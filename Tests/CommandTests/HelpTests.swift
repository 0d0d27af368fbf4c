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

  /// The commands below one, from its help.
  private func subcommands(_ command: [String]) throws -> [[String]] {
    let help = try CommandRunner.run(command + ["--help"]).output
    guard let list = help.components(separatedBy: "SUBCOMMANDS:\n").dropFirst().first else {
      return []
    }
    return list.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
      .compactMap {
        $0.wholeMatch(of: #/  ([a-z][a-z0-9-]*)( .*)?/#).map { command + [String($0.1)] }
      }
  }

  /// Texts fill the lines of a terminal of 80 columns, and examples keep their own lines: what is wrapped
  /// twice, by whoever wrote it and by the terminal's width, is ragged.
  @Test func helpFitsATerminal() throws {
    var (todo, seen) = ([[String]()], 0)
    while let command = todo.popLast() {
      seen += 1
      todo += try subcommands(command)
      let help = try CommandRunner.run(command + ["--help"]).output
      let overview = help.components(separatedBy: "USAGE:")[0]
      for paragraph in overview.components(separatedBy: "\n\n") {
        let lines = paragraph.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(command)")
        for (line, next) in zip(lines, lines.dropFirst()) {
          if lines[0].hasPrefix("Example") {
            #expect(next.hasPrefix("  "), "\(command): \(next)")
          } else if !line.hasPrefix(" ") && !next.hasPrefix(" ") {
            let word = next.prefix { $0 != " " }
            #expect(line.count + 1 + word.count >= 80, "\(command): \(line)")
          }
        }
      }
    }
    #expect(seen > 40)
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
    let page = Resources.package.appendingPathComponent("docs/settings.md")
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
