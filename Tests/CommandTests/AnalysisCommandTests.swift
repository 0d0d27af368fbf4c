import Foundation
import TestSupport
import Testing

/// `bred compare` and `bred analyse`, as a user runs them.
@Suite struct AnalysisCommandTests {
  private let folder = TemporaryDirectory()

  private func sac(_ seed: Int, _ more: String...) throws -> String {
    let path = folder.file("runs/hopper-medium-v2/sac/seed-\(seed)")
    _ = try CommandRunner.run(
      [
        "sac", "--env", "hopper", "--output", path, "--quiet", "--seed", "\(seed)", "--set",
        "networks.hiddenUnits=8", "--set", "online.environmentSteps=60", "--set",
        "online.blockSteps=20", "--set", "online.updatesPerStep=0.1", "--set",
        "evaluation.episodes=1",
      ] + more)
    return path
  }

  @Test func runsAreComparedAndDrawn() throws {
    for seed in 0..<2 { _ = try sac(seed) }
    let runs = folder.file("runs")
    let result = try CommandRunner.run("compare", runs, "--json", "--resamples", "200")
    #expect(result.status == 0 && result.errors.isEmpty)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let rows = try #require(object["rows"] as? [[String: Any]])
    #expect(rows.count == 1 && rows[0]["task"] as? String == "hopper-medium-v2")
    #expect(rows[0]["method"] as? String == "sac" && rows[0]["seeds"] as? [Int] == [0, 1])
    let final = try #require(rows[0]["final"] as? [String: Any])
    #expect((final["mean"] as? [String: Any])?["lower"] != nil)
    let curves = folder.file("curves.csv")
    let csv = try CommandRunner.run(
      "compare", runs, "--format", "csv", "--curves", curves, "--at", "40")
    #expect(csv.status == 0 && csv.output.split(separator: "\n").count == 2)
    #expect(
      try String(contentsOfFile: curves, encoding: .utf8).split(separator: "\n").count == 1 + 8)
    for (arguments, words) in [
      (["compare", folder.file("none")], "a run directory not found"),
      (["compare", runs, "--column", "x"], "--column is 'x'"),
      (["compare", runs, "--against", "x"], "'x' among the labels sac"),
      (["compare", runs, "--resamples", "1"], "--resamples is 1, allowed"),
      (["compare", runs, "--json", "--format", "csv"], "exclude each other"),
    ] {
      let refused = try CommandRunner.run(arguments)
      #expect(refused.status != 0 && refused.errors.contains(words), "\(refused.errors)")
    }

    let pictures = try ["interval", "deviation"].map { band in
      let path = folder.file("\(band).svg")
      let drawn = try CommandRunner.run(
        "plot", runs, "--output", path, "--band", band, "--column", "eval_return_mean")
      #expect(drawn.status == 0, "\(drawn.errors)")
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    #expect(pictures[0] != pictures[1] && pictures[0].contains("sac (2 seeds)"))
  }

  @Test func aPageIsMadeOfRuns() throws {
    for seed in 0..<2 { _ = try sac(seed) }
    let page = folder.file("page.html")
    let arguments = ["report", folder.file("runs"), "--output", page]
    let made = try CommandRunner.run(arguments)
    #expect(made.status == 0 && made.output.isEmpty && made.errors.isEmpty, "\(made.errors)")
    let html = try String(contentsOfFile: page, encoding: .utf8)
    for words in [
      "hopper-medium-v2", "sac: score", "mean of 2 seeds", "online.blockSteps", "instead of 1000",
      "bred sac --env hopper", "networks.hiddenUnits=8",
    ] { #expect(html.contains(words), "'\(words)' is not on the page") }
    let again = try CommandRunner.run(arguments)
    #expect(again.status == 1 && again.errors.contains("pass --force to replace it"))
    #expect(try CommandRunner.run(arguments + ["--force", "--threads", "3"]).status == 0)
    #expect(try String(contentsOfFile: page, encoding: .utf8) == html)
    let none = try CommandRunner.run("report", folder.path + "/none", "--output", page + "2")
    #expect(none.status == 1 && none.errors.contains("a run directory not found"))
  }

  @Test func biasIsMeasuredAgentByAgent() throws {
    let run = try sac(0, "--set", "online.agentInterval=1")
    func analyse(_ name: String, _ more: String...) throws -> CommandRunner.Result {
      try CommandRunner.run(
        [
          "analyse", "q-bias", run, "--output", folder.file(name), "--states", "5", "--rollouts",
          "2", "--horizon", "30",
        ] + more)
    }
    func table(_ name: String) throws -> String {
      try String(contentsOfFile: folder.file(name), encoding: .utf8)
    }
    let first = try analyse("one.csv", "--threads", "1")
    #expect(first.status == 0, "\(first.errors)")
    #expect(try table("one.csv").split(separator: "\n").count == 4)
    #expect(try analyse("two.csv", "--threads", "2", "--quiet").errors.isEmpty)
    #expect(try table("one.csv") == table("two.csv"))
    // An analysis that was stopped after its first agent.
    let whole = try table("one.csv")
    let lines = whole.split(separator: "\n").prefix(2).joined(separator: "\n") + "\n"
    try lines.write(toFile: folder.file("one.csv"), atomically: true, encoding: .utf8)
    let again = try analyse("one.csv", "--resume")
    #expect(again.errorLines.count == 2, "\(again.errors)")
    #expect(try table("one.csv") == whole)
    #expect(try analyse("one.csv").errors.contains("exists already"))
    let other = try analyse("one.csv", "--resume", "--seed", "1")
    #expect(other.status == 1 && other.errors.contains("seed 1"))
    let plain = try CommandRunner.run(
      "analyse", "q-bias", folder.path, "--output", folder.file("x.csv"))
    #expect(plain.status == 1 && plain.errors.contains("online.agentInterval"))
  }
}
