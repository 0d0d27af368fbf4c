import Configuration
import Foundation
import RLCore
import Stages
import TestSupport
import Testing

/// Every method by name runs, on sizes that take a moment.
@Suite struct MethodTests {
  static let methods = ConfigurationLibrary.methods.names
  static let tasks = ConfigurationLibrary.tasks.names
  let folder = TemporaryDirectory()

  private func configuration(
    _ method: String, _ task: String, set overrides: [String] = []
  ) throws -> ExperimentConfiguration {
    try ExperimentConfiguration.resolve(
      ConfigurationSources(
        method: ConfigurationLibrary.methods.layer(method),
        task: ConfigurationLibrary.tasks.layer(task), overrides: overrides),
      catalog: .registered
    ).configuration
  }

  /// `--set` texts that make a run small; a method is told only what it has.
  private func tiny(
    _ method: String, _ task: String, set more: [String] = []
  ) throws -> [String] {
    let values = try configuration(method, task, set: more).values
    var result: [String] = []
    func set(_ key: String, _ value: String) {
      if values.contains(where: { $0.key == key }) { result.append("\(key)=\(value)") }
    }
    func number(_ key: String) -> Double {
      values.first { $0.key == key }?.value.number ?? 0
    }
    set("networks.hiddenUnits", "8")
    set("evaluation.episodes", "1")
    set("offline.members", number("offline.members") > 1 ? "2" : "1")
    set("offline.gradientSteps", "20")
    set("offline.epochSteps", "10")
    set("distillation.epochs", "2")
    set("distillation.epochSteps", "3")
    let isStepwise = values.contains { $0.key == "online.epochSteps" }
    // An episode of halfcheetah has 1000 steps.
    let isEpisodic = values.contains { $0.value == .text("episodes") }
    set("online.environmentSteps", isEpisodic ? "1040" : "60")
    set(isStepwise ? "online.epochSteps" : "online.blockSteps", isEpisodic ? "500" : "20")
    let isFast = number("online.updatesPerStep") > 1
    set("online.updatesPerStep", isEpisodic ? "0.02" : isFast ? "2" : "0.5")
    if number("online.firstBlockMultiplier") > 1 { set("online.firstBlockMultiplier", "2") }
    for key in ["online.randomSteps", "online.warmupSteps"] where number(key) > 0 { set(key, "10") }
    set("online.checkpointInterval", "1")
    for stage in ["offline", "online"] {
      for (name, value) in [
        ("batchSize", 8), ("critics", 3), ("autoencoderWidth", 8), ("firstWidth", 8),
        ("secondWidth", 8), ("actingCandidates", 3), ("vaeWidth", 8), ("vaeSteps", 5),
      ] {
        for line in values where line.key.hasPrefix("\(stage).") && line.key.hasSuffix(".\(name)") {
          // Critics that come from offline agents are as many as these have.
          if name != "critics" || line.value.number! > 3 { set(line.key, "\(value)") }
        }
      }
    }
    return (result + more).flatMap { ["--set", $0] }
  }

  /// Episodes are long enough that some of their returns are known.
  private func dataset(_ robot: String) throws -> String {
    let path = folder.file("\(robot).hdf5")
    let made = try CommandRunner.run(
      "sac", "--env", robot, "--output", folder.file("maker"), "--replay-dataset", path, "--quiet",
      "--set", "networks.hiddenUnits=8", "--set", "sac.environmentSteps=1000", "--set",
      "sac.blockSteps=500", "--set", "sac.updatesPerStep=0.002", "--set", "evaluation.episodes=1")
    #expect(made.status == 0, "\(made.errors)")
    return path
  }

  private func command(
    _ method: String, _ task: String, _ dataset: String, _ output: String, _ more: String...,
    set overrides: [String] = []
  ) throws -> [String] {
    try [
      "run", "--task", task, "--method", method, "--seed", "3", "--dataset", dataset, "--output",
      folder.file(output), "--quiet",
    ] + more + tiny(method, task, set: overrides)
  }

  /// Weights of every stage.
  private func results(_ output: String) -> [String: Data] {
    contents(of: folder.file(output)).filter {
      $0.key.hasSuffix(".safetensors") && $0.key.contains("weights/")
    }
  }

  @Test func everyMethodFitsEveryTask() throws {
    #expect(Self.methods.count >= 20)
    for method in Self.methods {
      for task in Self.tasks {
        let values = try configuration(method, task)
        #expect(task.hasPrefix(values.environment))
        #expect(!values.readsDataset || values.dataset.path == task)
        let again = try ExperimentConfiguration.parse(yaml: values.yaml(), catalog: .registered)
        #expect(again == values, "\(method) on \(task)")
      }
    }
  }

  @Test func aTasksValuesReachTheMethodsThatHaveThem() throws {
    func value(_ method: String, _ task: String, _ key: String) throws -> SettingScalar? {
      try configuration(method, task).values.first { $0.key == key }?.value
    }
    let weight = "offline.cql.conservativeWeight"
    #expect(try value("bred", "walker2d-medium-v0", weight) == .number(10))
    #expect(try value("bred", "walker2d-expert-v0", weight) == .number(5))
    #expect(try value("iql", "walker2d-medium-v0", weight) == nil)
    #expect(
      try value("bred", "halfcheetah-medium-v2", "online.initialOnlineFraction") == .number(0.75))
    let layers = "networks.hiddenLayers"
    #expect(try value("cql-ft", "halfcheetah-medium-expert-v0", layers) == .integer(3))
    #expect(try value("cql-ft", "hopper-medium-expert-v0", layers) == .integer(2))
    let rate = "online.sac.policyLearningRate"
    #expect(try value("bred", "hopper-medium-expert-v2", rate) == .number(5e-6))
    #expect(try value("sac", "hopper-medium-expert-v2", rate) == .number(3e-4))
    #expect(try value("edac", "hopper-medium-v2", "offline.edac.critics") == .integer(50))
  }

  /// One dataset for all, so that each run is a second's work.
  @Test func everyMethodRuns() throws {
    let data = try dataset("hopper")
    for method in Self.methods {
      let arguments = try command(method, "hopper-medium-v2", data, method)
      let run = try CommandRunner.run(arguments)
      #expect(run.status == 0, "\(method): \(run.errors)")
      #expect(!results(method).isEmpty, "\(method)")
      let again = try CommandRunner.run(arguments + ["--resume", "--json"])
      #expect(again.status == 0 && again.output.contains("finalScore"), "\(method)")
    }
  }

  /// Whatever learns online, on whatever replay its method has, takes balanced replay by one key; the
  /// ablations of figure 8 take all schemes.
  @Test func everyOnlineMethodTakesOtherReplays() throws {
    let data = try dataset("hopper")
    for method in Self.methods {
      let own = try configuration(method, "hopper-medium-v2")
      guard own.trainsOnline else { continue }
      var others = own.online.replay == .balanced ? [] : ["balanced"]
      if ["td3-ft", "sac-d-ft"].contains(method) { others += ["online-only", "half"] }
      for replay in others {
        let output = "\(method)-\(replay)"
        let run = try CommandRunner.run(
          command(method, "hopper-medium-v2", data, output, set: ["online.replay=\(replay)"]))
        #expect(run.status == 0, "\(output): \(run.errors)")
        #expect(!results(output).isEmpty, "\(output)")
      }
    }
  }

  /// An actor that the algorithm has no use for is passed over, aloud and without distilling for it.
  @Test func nothingIsDistilledForAnAlgorithmOfOneAgent() throws {
    let data = try dataset("hopper")
    let arguments = try command(
      "td3-ft", "hopper-medium-v2", data, "alone", set: ["online.actor=distilled"]
    ).filter { $0 != "--quiet" }
    let run = try CommandRunner.run(arguments)
    #expect(run.status == 0 && run.errors.contains("takes over no ensemble"), "\(run.errors)")
    #expect(!results("alone").keys.contains { $0.contains("distilled") })
  }

  /// What ends offline by default goes on online by a key.
  @Test(arguments: ["td3-bc", "td3"]) func agentsOfTD3BCGoOn(algorithm: String) throws {
    let data = try dataset("hopper")
    let run = try CommandRunner.run(
      command(
        "td3-bc", "hopper-medium-v2", data, "on",
        set: ["online.algorithm=\(algorithm)", "online.firstBlockMultiplier=1"]))
    #expect(run.status == 0, "\(run.errors)")
    // The policy alone knows how observations were normalised.
    let policy = folder.file("on/finetune/weights/policy.safetensors")
    for (command, place) in [("evaluate", policy), ("evaluate", folder.file("on"))] {
      let played = try CommandRunner.run(
        command, "--policy", place, "--episodes", "1", "--seed", "1", "--json")
      #expect(played.status == 0 && played.output.contains("\"mean\""), "\(played.errors)")
    }
    let made = folder.file("made.hdf5")
    let collected = try CommandRunner.run(
      "dataset", "collect", "--env", "hopper", "--policy", policy, "--steps", "50", "--output", made
    )
    #expect(collected.status == 0, "\(collected.errors)")
    #expect(FileManager.default.fileExists(atPath: made))
  }

  @Test(
    .enabled(if: Resources.longTests, "BRED_LONG_TESTS is not set"),
    arguments: Set(tasks.map { String($0.prefix { $0 != "-" }) }).sorted())
  func killsLeaveNoTrace(robot: String) throws {
    let data = try dataset(robot)
    for method in Self.methods {
      let task = "\(robot)-medium-v2"
      let whole = try CommandRunner.run(command(method, task, data, "\(method)-whole"))
      #expect(whole.status == 0, "\(method): \(whole.errors)")
      let arguments = try command(method, task, data, "\(method)-killed", "--resume")
      let kills = try CommandRunner.killAtMilestones(
        arguments, times: 1, in: folder.file("\(method)-killed")
      ) { $0.contains("step-") }
      #expect(kills > 0, "\(method)")
      #expect(try CommandRunner.run(arguments).status == 0, "\(method)")
      #expect(results("\(method)-killed") == results("\(method)-whole"), "\(method)")
    }
  }

  /// `make library` writes the page.
  @Test func thePageIsThatOfTheFiles() throws {
    let page = Resources.package.appendingPathComponent("docs/methods.md")
    let result = try CommandRunner.run("method", "document")
    #expect(try result.output == String(contentsOf: page, encoding: .utf8))
  }

  @Test func listsAndShow() throws {
    for (kind, names) in [("method", Self.methods), ("task", Self.tasks)] {
      let result = try CommandRunner.run(kind, "list", "--json")
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
      let items = try #require(object["\(kind)s"] as? [[String: Any]])
      #expect(items.compactMap { $0["name"] as? String } == names)
      let text = try CommandRunner.run(kind, "list")
      #expect(text.output.split(separator: "\n").count == names.count)
    }
    let shown = try CommandRunner.run("method", "show", "td3-ft", "--task", "hopper-medium-v2")
    func origin(_ key: String) -> Substring? {
      shown.output.split(separator: "\n").first { $0.contains(" \(key):") }?.split(separator: "#")
        .last
    }
    #expect(origin("replay") == " method td3-ft")
    #expect(origin("path") == " task hopper-medium-v2")
    #expect(origin("members") == " defaults")
    let robot = try CommandRunner.run("method", "show", "bred", "--task", "walker2d")
    #expect(robot.output.hasPrefix("environment: walker2d"))
    let unknown = try CommandRunner.run("method", "show", "brad")
    #expect(unknown.status == 2 && unknown.errors.contains("bred"))
  }

  @Test func layersLieOverEachOther() throws {
    let data = try dataset("hopper")
    let method = folder.file("own.yaml")
    try "offline: {members: 1, gradientSteps: 6}\nonline: {algorithm: none}\n".write(
      toFile: method, atomically: true, encoding: .utf8)
    let file = folder.file("file.yaml")
    try "offline: {gradientSteps: 4}\nevaluation: {episodes: 1}\n".write(
      toFile: file, atomically: true, encoding: .utf8)
    let run = try CommandRunner.run(
      "run", "--task", "hopper", "--method", method, "--config", file, "--dataset", data,
      "--output", folder.file("run"), "--quiet", "--set", "networks.hiddenUnits=8")
    #expect(run.status == 0, "\(run.errors)")
    let yaml = try String(contentsOfFile: folder.file("run/config.yaml"), encoding: .utf8)
    for line in ["environment: hopper", "members: 1", "gradientSteps: 4", "hiddenUnits: 8"] {
      #expect(yaml.contains(line))
    }
    let nothing = try CommandRunner.run("run", "--output", folder.file("nothing"))
    #expect(nothing.status == 2 && nothing.errors.contains("--task"))
    let missing = try CommandRunner.start(
      ["run", "--task", "hopper-medium-v2", "--output", folder.file("missing")],
      environment: ["D4RL_DATASET_DIR": folder.path]
    ).wait()
    #expect(missing.status == 1 && missing.errors.contains("bred dataset fetch hopper-medium-v2"))
    let needless = try CommandRunner.run(
      "run", "--method", "bred", "--dataset", data, "--output", folder.file("needless"), "--set",
      "online.replay=density-ratio")
    #expect(needless.status == 2 && needless.errors.contains("off2on"), "\(needless.errors)")
  }
}
