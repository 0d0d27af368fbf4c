import Datasets
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// `bred dataset recipe`: six files from nothing.
@Suite struct RecipeTests {
  let folder = TemporaryDirectory()
  private static let kinds = [
    "random", "medium", "expert", "medium-expert", "medium-replay", "full-replay",
  ]

  private func arguments(_ output: String, _ more: String...) -> [String] {
    let settings = [
      "networks.hiddenUnits=16", "evaluation.episodes=1", "sac.blockSteps=100",
      "sac.updatesPerStep=0.2", "sac.checkpointInterval=1", "recipe.environmentSteps=600",
      "recipe.policyInterval=2", "recipe.rows=250", "recipe.candidateEpisodes=2",
      "recipe.mediumFraction=0.01",
    ]
    return ["dataset", "recipe", "--env", "hopper", "--seed", "5", "--output", folder.file(output)]
      + settings.flatMap { ["--set", $0] } + ["--quiet"] + more
  }

  /// The datasets, the tables and the policies, but not the clocks.
  private func results(_ output: String) -> [String: Data] {
    contents(of: folder.file(output)).filter { name, _ in
      !name.hasPrefix("sac/") && !name.hasSuffix("summary.json")
    }
  }

  @Test func sixFilesByTheRecipe() throws {
    let run = try CommandRunner.run(arguments("set", "--json"))
    #expect(run.status == 0, "\(run.errors)")
    func dataset(_ kind: String) throws -> D4RLDataset {
      try D4RLDataset(contentsOf: folder.file("set/hopper-\(kind).hdf5"))
    }
    for kind in ["random", "medium", "expert"] { #expect(try dataset(kind).rows == 250) }
    let full = try dataset("full-replay")
    #expect(full.rows == 600)

    // Its best candidate is the expert, and the first of all reaches a hundredth of that.
    let table = try String(contentsOfFile: folder.file("set/candidates.csv"), encoding: .utf8)
    let candidates = table.split(separator: "\n").dropFirst().map {
      $0.split(separator: ",").compactMap { Double($0) }
    }
    #expect(candidates.map { $0[0] } == [2, 4, 6])
    let best = try #require(candidates.max { $0[3] < $1[3] })
    func stated(_ kind: String, _ name: String) throws -> String? {
      try dataset(kind).metadata.first { $0.name == name }?.value
    }
    #expect(try stated("expert", "iteration") == "\(Int(best[0]))")
    #expect(try stated("medium", "iteration") == "2")
    #expect(try stated("random", "algorithm") == "random")
    // Every file says how to make it, settings included; those of the recipe itself by one command.
    let commands = try Self.kinds.dropLast().map { try stated($0, "command") }
    #expect(Set(commands).count == 1)
    for kind in Self.kinds {
      let command = try #require(try stated(kind, "command"))
      let stage = kind == "full-replay" ? "sac" : "dataset recipe"
      #expect(
        command.hasPrefix("bred \(stage) --env hopper --seed 5 --set networks.hiddenUnits=16"))
      #expect(command.contains(" --set online.updatesPerStep="))
      #expect(command.contains("--set recipe.rows=250") == (kind != "full-replay"))
    }

    // The replay up to the medium policy is the beginning of the whole replay.
    let replay = try dataset("medium-replay")
    #expect(replay.rows == 200)
    let whole = try HDF5File(reading: full.path).dataset("observations").read(Float.self)
    #expect(
      try HDF5File(reading: replay.path).dataset("observations").read(Float.self)
        == Array(whole.prefix(200 * 11)))
    #expect(try replay.storedPolicy() == dataset("medium").storedPolicy())
    #expect(try replay.storedPolicy() != nil && replay.storedPolicy() != full.storedPolicy())

    let medium = try HDF5File(reading: dataset("medium").path)
    let ends = try zip(
      medium.dataset("terminals").readFlags(), medium.dataset("timeouts").readFlags()
    ).map { $0 || $1 }
    let end = try #require(ends.lastIndex(of: true)) + 1
    #expect(end < 250)
    #expect(try dataset("medium-expert").rows == end + 250)

    // Every file agrees with the simulator.
    for kind in Self.kinds {
      let check = try CommandRunner.run(
        "dataset", "verify", folder.file("set/hopper-\(kind).hdf5"), "--env", "hopper", "--json")
      let found =
        try JSONSerialization.jsonObject(with: Data(check.output.utf8)) as? [String: Any]
      #expect(try #require(found?["maxObservationError"] as? Double) < 1e-5, "\(kind)")
      #expect(found?["terminalMismatches"] as? Int == 0, "\(kind)")
    }
    let rows = try String(contentsOfFile: folder.file("set/datasets.csv"), encoding: .utf8)
    #expect(
      rows.split(separator: "\n").dropFirst().map { $0.prefix { $0 != "," } }
        == Self.kinds.map { $0[...] })
  }

  @Test func killsAndThreadsLeaveNoTrace() throws {
    #expect(try CommandRunner.run(arguments("whole", "--threads", "1")).status == 0)
    let whole = results("whole")
    #expect(whole.keys.filter { $0.hasSuffix(".hdf5") }.count == 6)
    let kills = try CommandRunner.killAtMilestones(
      arguments("killed", "--threads", "2", "--resume"), times: 8, in: folder.file("killed")
    ) { $0.contains("step-") || ($0.hasSuffix(".hdf5") && !$0.contains("partial")) }
    #expect(kills > 2)
    let last = try CommandRunner.run(arguments("killed", "--threads", "2", "--resume"))
    #expect(last.status == 0, "\(last.errors)")
    #expect(results("killed") == whole)
  }

  /// A finished run of `bred sac` with the recipe's settings is taken as it is.
  @Test func aFinishedRunIsTaken() throws {
    let settings = [
      "networks.hiddenUnits=16", "evaluation.episodes=1", "sac.blockSteps=100",
      "sac.updatesPerStep=0.2", "sac.checkpointInterval=1", "sac.environmentSteps=600",
      "sac.policyInterval=2", "evaluation.interval=2",
    ]
    let sac = try CommandRunner.run(
      ["sac", "--env", "hopper", "--seed", "5", "--output", folder.file("taken/sac"), "--quiet"]
        + settings.flatMap { ["--set", $0] })
    #expect(sac.status == 0, "\(sac.errors)")
    let manifest = try Data(contentsOf: URL(fileURLWithPath: folder.file("taken/sac/config.yaml")))
    #expect(try CommandRunner.run(arguments("taken", "--resume")).status == 0)
    #expect(try CommandRunner.run(arguments("own")).status == 0)
    #expect(results("taken") == results("own"))
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder.file("taken/sac/config.yaml"))) == manifest)
  }

  @Test(arguments: [
    ["sac.environmentSteps=700", "recipe.environmentSteps"],
    ["evaluation.interval=3", "recipe.policyInterval"],
    ["sac.bufferCapacity=500", "the replay must hold all 600 steps"],
    ["recipe.policyInterval=7", "no policy would be kept"],
    ["recipe.mediumFraction=0", "allowed"],
  ])
  func contradictions(setting: [String]) throws {
    let run = try CommandRunner.run(arguments("bad", "--set", setting[0]))
    #expect(run.status == 2)
    #expect(run.errors.contains(setting[1]), "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("bad")))
  }
}
