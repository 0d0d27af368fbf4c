import Foundation
import TestSupport
import Testing

/// `bred dataset …` as scripts call it.
@Suite struct DatasetCommandTests {
  let folder = TemporaryDirectory()
  private let fixture = Resources.fixture("datasets/d4rl-v2.hdf5").path

  private func object(_ result: CommandRunner.Result) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  @Test func inspectHasTheKeysThatScriptsRelyOn() throws {
    let result = try CommandRunner.run("dataset", "inspect", fixture, "--json")
    #expect(result.status == 0, "\(result.errors)")
    let found = try object(result)
    #expect(found["rows"] as? Int == 60)
    #expect(found["observationSize"] as? Int == 11)
    #expect(found["actionSize"] as? Int == 3)
    #expect(found["transitions"] as? Int == 58)
    #expect(found["episodes"] as? Int == 4)
    #expect(found["completeEpisodes"] as? Int == 3)
    #expect(found["terminals"] as? Int == 2)
    #expect(found["timeouts"] as? Int == 1)
    #expect(found["environment"] as? String == "hopper")
    #expect(found["version"] as? String == "v2")
    for key in ["returnMean", "returnMin", "returnMax", "normalizedScore"] {
      #expect(found[key] is Double)
    }
    #expect(found["warnings"] is [String])
    let columns = try #require(found["columns"] as? [[String: Any]])
    #expect(columns.first?["name"] as? String == "actions")
    #expect(columns.first?["shape"] as? [Int] == [60, 3])
    #expect(columns.first?["type"] as? String == "float32")
  }

  @Test func inspectForPeople() throws {
    let page = try CommandRunner.run("dataset", "inspect", fixture)
    #expect(page.status == 0)
    for word in [
      "hopper, layout v2", "percentiles", "D4RL score", "deflate 4", "! the last episode is cut",
      "angle of thigh_joint (rad)",
    ] {
      #expect(page.output.contains(word), "'\(word)' is not in \(page.output)")
    }
    let table = try CommandRunner.run("dataset", "inspect", fixture, fixture)
    #expect(table.output.split(separator: "\n").count == 3)
  }

  @Test func report() throws {
    let page = folder.file("page.html")
    let made = try CommandRunner.run(
      "dataset", "inspect", fixture, "--report", page, "--json", "--coverage", "0,forward")
    #expect(made.status == 0, "\(made.errors)")
    #expect(try object(made)["rows"] as? Int == 60)
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains("Coverage: observations 0 and 5"))
    let again = try CommandRunner.run("dataset", "inspect", fixture, "--report", page)
    #expect(again.status == 1 && again.output.isEmpty && again.errors.contains("already exists"))
    #expect(
      try CommandRunner.run("dataset", "inspect", fixture, "--report", page, "--force").status == 0)
    let copy = folder.file("copy.hdf5")
    try FileManager.default.copyItem(atPath: fixture, toPath: copy)
    for (arguments, status, word) in [
      ([copy, "--report", copy, "--force"], 1, "already exists"),
      ([copy, copy, "--report", folder.file("x")], 2, "--report takes one file, 2 were given"),
      ([copy, "--coverage", "0,1"], 2, "--coverage needs --report"),
      ([copy, "--report", folder.file("x"), "--coverage", "0,99"], 1, "0 to 10"),
      ([copy, "--report", folder.file("copy.hdf5/x")], 1, "Not a directory"),
    ] as [([String], Int32, String)] {
      let result = try CommandRunner.run(["dataset", "inspect"] + arguments)
      #expect(result.status == status, "\(arguments): \(result.errors)")
      #expect(result.errors.contains(word), "\(result.errors)")
      #expect(result.output.isEmpty)
    }
    #expect(folder.contents == ["copy.hdf5", "page.html"])
    #expect(
      FileManager.default.contents(atPath: copy) == FileManager.default.contents(atPath: fixture))
  }

  /// The policy that made a file is stored in it, and gives the log-probabilities that are.
  @Test func storedPolicyIsVerified() throws {
    let file = folder.file("policy.hdf5")
    let actor = "\(Workshop.shared.ensemble)/member-0/actor.safetensors"
    let made = try CommandRunner.run(
      "dataset", "collect", "--env", "hopper", "--policy", actor, "--steps", "200", "--output",
      file, "--quiet")
    #expect(made.status == 0, "\(made.errors)")
    let result = try CommandRunner.run("dataset", "verify", file, "--env", "hopper", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let found = try object(result)
    #expect(try #require(found["logProbsChecked"] as? Int) > 100)
    #expect(try #require(found["maxLogProbError"] as? Double) < 0.01)
    let text = try CommandRunner.run("dataset", "verify", file, "--env", "hopper")
    #expect(text.output.contains("log-probabilities"))
  }

  @Test func collectThenVerify() throws {
    let file = folder.file("random.hdf5")
    let made = try CommandRunner.run(
      "dataset", "collect", "--env", "hopper", "--random", "--steps", "300", "--seed", "4",
      "--output", file, "--quiet", "--threads", "2")
    #expect(made.status == 0, "\(made.errors)")
    let again = try CommandRunner.run(
      "dataset", "collect", "--env", "hopper", "--random", "--steps", "300", "--seed", "4",
      "--output", folder.file("again.hdf5"), "--quiet", "--threads", "1")
    #expect(again.status == 0)
    #expect(
      FileManager.default.contents(atPath: file)
        == FileManager.default.contents(atPath: folder.file("again.hdf5")))
    let result = try CommandRunner.run("dataset", "verify", file, "--env", "hopper", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let found = try object(result)
    #expect(found["checked"] as? Int == 300)
    #expect(found["terminalMismatches"] as? Int == 0)
    for key in ["maxObservationError", "maxRewardError", "medianObservationError"] {
      let value = try #require(found[key] as? Double)
      #expect(value < 1e-4)
    }
  }

  @Test func editing() throws {
    let (one, two) = (folder.file("one.hdf5"), folder.file("two.hdf5"))
    for (file, seed) in [(one, "1"), (two, "2")] {
      try CommandRunner.run(
        "dataset", "collect", "--env", "hopper", "--random", "--steps", "200", "--seed", seed,
        "--output", file, "--quiet")
    }
    for arguments in [
      ["merge", one, two], ["stitch", one, two], ["slice", one, "--first", "1", "--count", "3"],
      ["relabel", one, "--env", "hopper"],
    ] {
      let output = folder.file("\(arguments[0]).hdf5")
      let made = try CommandRunner.run(["dataset"] + arguments + ["--output", output])
      #expect(made.status == 0, "\(made.errors)")
      let seen = try CommandRunner.run("dataset", "inspect", output, "--json")
      #expect(seen.status == 0, "\(seen.errors)")
    }
  }

  /// One clear error, the right exit code, and nothing touched.
  @Test func badInput() throws {
    let precious = folder.file("precious.hdf5")
    try Data("not HDF5".utf8).write(to: URL(fileURLWithPath: precious))
    let whole = try Data(contentsOf: URL(fileURLWithPath: fixture))
    let truncated = folder.file("truncated.hdf5")
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: truncated))
    let before = folder.contents
    let collect = ["collect", "--env", "hopper", "--steps", "10"]
    for (arguments, status, word) in [
      (["inspect", folder.file("none.hdf5")], 1, "No such file"),
      (["inspect", folder.path], 1, "is a directory"),
      (["inspect", precious], 1, "not an HDF5 file"),
      (["inspect", truncated], 1, "truncated"),
      (["verify", fixture, "--env", "walker2d"], 1, "17 columns (walker2d)"),
      (["verify", fixture, "--env", "ant"], 2, "not a known environment"),
      (collect + ["--random", "--output", precious], 1, "already exists"),
      (collect + ["--random", "--output", "\(precious)/x"], 1, "Not a directory"),
      (collect + ["--output", folder.file("x")], 2, "either --policy FILE or --random"),
      (collect + ["--policy", precious, "--output", folder.file("x")], 1, precious),
      (
        ["collect", "--env", "hopper", "--steps", "0", "--random", "--output", "x"], 2,
        "--steps is 0"
      ),
    ] as [([String], Int32, String)] {
      let result = try CommandRunner.run(["dataset"] + arguments)
      #expect(result.status == status, "\(arguments): \(result.errors)")
      #expect(result.errors.contains(word), "'\(word)' is not in: \(result.errors)")
      #expect(result.output.isEmpty)
    }
    #expect(folder.contents == before)
    #expect(try Data(contentsOf: URL(fileURLWithPath: precious)) == Data("not HDF5".utf8))
  }
}
