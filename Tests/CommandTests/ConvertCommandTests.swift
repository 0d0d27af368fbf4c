import Foundation
import TestSupport
import Testing

/// `bred dataset convert` and `list`, and names of the cache instead of files.
@Suite struct ConvertCommandTests {
  let folder = TemporaryDirectory()
  private let fixture = Resources.fixture("datasets/d4rl-v2.hdf5").path

  private func object(_ result: CommandRunner.Result) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any],
      "\(result.errors)")
  }

  private var caches: [String: String] {
    [
      "D4RL_DATASET_DIR": folder.file("d4rl"), "MINARI_DATASETS_PATH": folder.file("minari") + "/",
    ]
  }

  private func run(_ arguments: [String]) throws -> CommandRunner.Result {
    try CommandRunner.start(arguments, environment: caches).wait()
  }

  /// Puts the fixture where D4RL would have hopper-medium-v2.
  private func fillCache() throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: folder.file("d4rl"), withIntermediateDirectories: true)
    try manager.copyItem(atPath: fixture, toPath: folder.file("d4rl/hopper_medium-v2.hdf5"))
  }

  @Test func bothWays() throws {
    let there = try run([
      "dataset", "convert", fixture, "--output", folder.file("hopper"), "--id",
      "bred/hopper/small-v0", "--json",
    ])
    #expect(there.status == 0, "\(there.errors)")
    let report = try object(there)
    #expect(report["format"] as? String == "minari")
    #expect(report["rows"] as? Int == 60)
    #expect(report["episodes"] as? Int == 4)
    let metadata = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: folder.file("hopper/data/metadata.json"))))
        as? [String: Any])
    #expect(metadata["dataset_id"] as? String == "bred/hopper/small-v0")
    #expect(metadata["total_steps"] as? Int == 60)
    #expect((metadata["env_spec"] as? String)?.contains("\"Hopper-v4\"") == true)

    let back = try run([
      "dataset", "convert", folder.file("hopper"), "--output", folder.file("back.hdf5"),
    ])
    #expect(back.status == 0, "\(back.errors)")
    #expect(back.output == "\(folder.file("back.hdf5")): 60 rows, 4 episodes\n")
    let summaries = try [fixture, folder.file("back.hdf5")].map {
      try object(run(["dataset", "inspect", $0, "--json"]))
    }
    for key in ["rows", "episodes", "terminals", "timeouts", "returnMean", "transitions"] {
      #expect(summaries[0][key] as? Double == summaries[1][key] as? Double, "\(key)")
    }
  }

  @Test func refusals() throws {
    let minari = Resources.fixture("datasets/minari").path
    let output = folder.file("out")
    for (arguments, status, word) in [
      (["convert", fixture, "--output", output, "--id", "no version"], 1, "field 'id'"),
      (["convert", fixture, "--output", output, "--to", "d4rl"], 1, "expected a Minari dataset"),
      (["convert", minari, "--output", output, "--to", "minari"], 1, "expected a D4RL file"),
      (["convert", minari, "--output", output, "--id", "a-v0"], 2, "--id"),
      (["convert", folder.file("none"), "--output", output], 1, "No such file"),
      (["convert", fixture], 2, "--output"),
      (["inspect", minari], 1, "bred dataset convert \(minari)"),
      (["verify", minari, "--env", "hopper"], 1, "bred dataset convert \(minari)"),
      (["inspect", "hopper-medium-v2"], 1, "bred dataset fetch hopper-medium-v2"),
      (["fetch", "hopper-medium"], 2, "bred dataset list"),
    ] as [([String], Int32, String)] {
      let result = try run(["dataset"] + arguments)
      #expect(result.status == status, "\(arguments): \(result.errors)")
      #expect(result.errors.contains(word), "'\(word)' is not in: \(result.errors)")
      #expect(result.output.isEmpty)
    }
    #expect(folder.contents == [])
  }

  @Test func stagesKnowMinariAndNames() throws {
    let minari = Resources.fixture("datasets/minari").path
    for (dataset, word) in [
      (minari, "bred dataset convert \(minari)"),
      ("hopper-expert-v2", "bred dataset fetch hopper-expert-v2"),
    ] {
      let result = try run(
        [
          "pretrain", "--env", "hopper", "--dataset", dataset, "--output", folder.file("out"),
          "--quiet",
        ] + Workshop.small)
      #expect(result.status == 1)
      #expect(result.errors.contains(word), "\(result.errors)")
    }
    try fillCache()
    let result = try run(
      [
        "pretrain", "--env", "hopper", "--dataset", "hopper-medium-v2", "--output",
        folder.file("out"), "--quiet",
      ] + Workshop.small)
    #expect(result.status == 0, "\(result.errors)")
  }

  @Test func list() throws {
    try fillCache()
    try run([
      "dataset", "convert", "hopper-medium-v2", "--output",
      folder.file("minari/d4rl/hopper/medium-v2"),
    ]).requireSuccess()
    let listing = try object(run(["dataset", "list", "--json"]))
    #expect(listing["d4rlFolder"] as? String == folder.file("d4rl"))
    #expect(listing["minariFolder"] as? String == folder.file("minari"))
    let rows = try #require(listing["datasets"] as? [[String: Any]])
    #expect(rows.count == 52)
    let cached = rows.filter { $0["isCached"] as? Bool == true }
    #expect(
      cached.map { $0["name"] as? String } == ["hopper-medium-v2", "d4rl/hopper/medium-v2"])
    #expect(
      cached[0]["bytes"] as? Int == (try Data(contentsOf: URL(fileURLWithPath: fixture))).count)
    #expect(cached[0]["officialBytes"] as? Int == 152_756_557)
    #expect(cached[0]["path"] as? String == folder.file("d4rl/hopper_medium-v2.hdf5"))
    let page = try run(["dataset", "list", "--cached"])
    #expect(page.output.split(separator: "\n").count == 4)
    #expect(page.output.contains("in the cache, official file 152.8 MB"))
    #expect(try run(["dataset", "inspect", "hopper-medium-v2", "--json"]).status == 0)
  }
}

extension CommandRunner.Result {
  /// For preparations that must work.
  func requireSuccess(sourceLocation: SourceLocation = #_sourceLocation) throws {
    try #require(status == 0, "\(errors)", sourceLocation: sourceLocation)
  }
}
