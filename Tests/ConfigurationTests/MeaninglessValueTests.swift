import RLCore
import Testing

@testable import Configuration

/// A value that another one makes meaningless: refused where somebody wrote both, dropped where it was
/// written for what has been replaced.
@Suite struct MeaninglessValueTests {
  @Test(arguments: [
    ("online:\n  replay: uniform\n  initialOnlineFraction: 0.75\n", "online.replay"),
    ("online:\n  replay: online-only\n  schedule: exponential\n", "online.replay"),
    ("online:\n  replay: half\n  finalTimestep: 5\n", "online.replay"),
    // Even the default's value: it says that somebody believes in it.
    ("online:\n  replay: uniform\n  initialOnlineFraction: 0.5\n", "online.replay"),
    ("offline:\n  cql:\n    lagrangeGap: 5\n", "offline.cql.weighting"),
    ("offline:\n  iql:\n    expectile: 0.9\n", "offline.algorithm"),
    ("offline:\n  algorithm: iql\n  cql:\n    tau: 0.1\n", "offline.algorithm"),
    ("offline:\n  algorithm: none\n  members: 3\n", "offline.algorithm"),
    ("offline:\n  algorithm: none\ndistillation:\n  epochs: 3\n", "offline.algorithm"),
    ("offline:\n  algorithm: none\nonline:\n  actor: mixture\n", "offline.algorithm"),
    (
      "offline:\n  algorithm: none\nonline:\n  replay: online-only\ndataset:\n  observations: normalized\n",
      "online.replay"
    ),
    (
      "offline:\n  algorithm: none\nonline:\n  replay: online-only\ndataset:\n  rewards: return-range\n",
      "online.replay"
    ),
    ("online:\n  algorithm: none\n  blockSteps: 10\n", "online.algorithm"),
    ("online:\n  algorithm: none\ndistillation:\n  epochs: 10\n", "online.algorithm"),
    ("online:\n  actor: mixture\ndistillation:\n  epochs: 3\n", "online.actor"),
    (
      "online:\n  actor: mixture\ndistillation:\n  enabled: false\n  epochs: 3\n",
      "distillation.enabled"
    ),
    (
      "online:\n  startTemperature: members\n  sac:\n    initialTemperature: 0.5\n",
      "online.startTemperature"
    ),
  ])
  func togetherTheyAreRefused(yaml: String, cause: String) {
    guard case .contradiction(let file, let keys, let reason) = failure(yaml) else {
      Issue.record("\(String(describing: failure(yaml)))")
      return
    }
    #expect(file == "test.yaml" && keys.last == cause && !reason.isEmpty)
    // The same from the command line alone, in one layer.
    guard case .contradiction(_, keys, _)? = failure(set: overrides(of: yaml)) else {
      Issue.record("not refused as --set")
      return
    }
  }

  /// `key=value` for each leaf of a small YAML text.
  private func overrides(of yaml: String) -> [String] {
    var path: [String] = []
    return yaml.split(separator: "\n").compactMap { line in
      let depth = line.prefix { $0 == " " }.count / 2
      let parts = line.split(separator: ":", maxSplits: 1)
      let name = parts[0].filter { $0 != " " }
      path = Array(path.prefix(depth)) + [name]
      let value = parts.count > 1 ? parts[1].filter { $0 != " " } : ""
      return value.isEmpty ? nil : "\(path.joined(separator: "."))=\(value)"
    }
  }

  /// A higher layer replaces the replay: what belonged to the old one goes with it.
  @Test func whatWasReplacedIsDropped() throws {
    let balanced = "online:\n  initialOnlineFraction: 0.75\n  schedule: exponential\n"
    for resolved in [
      try resolve(balanced, set: ["online.replay=uniform"]),
      try resolve("online:\n  replay: uniform\n", method: balanced),
      try resolve(set: ["online.replay=uniform"], method: balanced, task: balanced),
    ] {
      let read = resolved.configuration
      #expect(read.online.replay == .uniform)
      #expect(read.online.initialOnlineFraction == OnlineSettings().initialOnlineFraction)
      #expect(resolved.origin(of: "online.initialOnlineFraction") == "defaults")
      #expect(!read.yaml().contains("initialOnlineFraction"))
    }
    let other = try resolve(
      "offline:\n  cql:\n    tau: 0.1\n", set: ["offline.algorithm=iql"]
    ).configuration
    #expect(other.offlineAlgorithm is FakeIQL)
    // …but what a higher layer says of what a lower one has replaced is a mistake.
    let error = failure(
      "online:\n  initialOnlineFraction: 0.75\n", method: "online:\n  replay: uniform\n")
    guard case .contradiction("test.yaml", _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// A task speaks for all methods.
  @Test func aTaskMaySaySomethingOfEveryMethod() throws {
    let task = """
      offline:
        cql:
          conservativeWeight: 10
        iql:
          expectile: 0.9
      online:
        initialOnlineFraction: 0.75
      """
    let uniform = try resolve(method: "online:\n  replay: uniform\n", task: task).configuration
    #expect(uniform.offlineAlgorithm(as: FakeCQL.self)?.conservativeWeight == 10)
    #expect(uniform.online.initialOnlineFraction == 0.5)
    let iql = try resolve(method: "offline:\n  algorithm: iql\n", task: task).configuration
    #expect(iql.offlineAlgorithm(as: FakeIQL.self)?.expectile == 0.9)
    #expect(iql.offlineAlgorithm(as: FakeCQL.self) == nil)
    #expect(iql.online.initialOnlineFraction == 0.75)
    // A method has no such excuse.
    #expect(failure(method: "online:\n  replay: uniform\n  finalTimestep: 5\n") != nil)
  }

  /// One file serves all commands; the stages that a command does not run are left out.
  @Test func otherStagesAreLeftOut() throws {
    let file = """
      offline:
        members: 3
        cql:
          tau: 0.1
      distillation:
        epochs: 7
      online:
        environmentSteps: 1000
        sac:
          batchSize: 32
      """
    func yaml(_ stages: Set<ExperimentStage>) throws -> String {
      try resolve(file, stages: stages).configuration.yaml()
    }
    let offline = try yaml([.offline])
    #expect(offline.contains("members: 3") && offline.contains("tau: 0.1"))
    #expect(!offline.contains("distillation") && !offline.contains("online"))
    let distil = try yaml([.distillation])
    #expect(distil.contains("epochs: 7") && distil.contains("dataset:"))
    #expect(
      !distil.contains("offline") && !distil.contains("online") && !distil.contains("interval"))
    let online = try yaml([.online])
    #expect(online.contains("batchSize: 32") && online.contains("actor: distilled"))
    #expect(!online.contains("members: 3") && !online.contains("epochs"))
    // From scratch, which the file or the method says.
    let scratch = try resolve(
      method: "offline:\n  algorithm: none\nonline:\n  replay: online-only\n", stages: [.online]
    ).configuration
    #expect(!scratch.startsFromAgents && !scratch.readsDataset)
    #expect(scratch.yaml().contains("offline:\n  algorithm: none\n"))
    #expect(!scratch.yaml().contains("actor") && !scratch.yaml().contains("dataset"))
  }

  @Test(arguments: [ExperimentStage.online, .distillation])
  func agentsKeepTheirOwnObservations(stage: ExperimentStage) throws {
    let normalized = "dataset.observations=normalized"
    guard case .contradiction(let origin, let keys, _) = failure(set: [normalized], stages: [stage])
    else {
      Issue.record("not refused")
      return
    }
    #expect(origin == "--set \(normalized)" && keys == ["dataset.observations", "--ensemble"])
    // Methods and files serve other commands as well, and agents that begin here have none.
    let text = "dataset:\n  observations: normalized\n"
    #expect(failure(text, method: text, stages: [stage]) == nil)
    #expect(failure(set: [normalized, "offline.algorithm=none"], stages: [.online]) == nil)
    #expect(failure(set: [normalized]) == nil)
  }

  @Test func whetherToDistilFollowsTheActor() throws {
    func distils(_ overrides: String...) throws -> Bool {
      try resolve(set: overrides).configuration.distils
    }
    #expect(try distils())
    #expect(try !distils("online.actor=mixture"))
    #expect(try !distils("online.actor=independent"))
    #expect(try distils("online.actor=mixture", "distillation.enabled=true"))
    #expect(try !distils("online.actor=mixture", "distillation.enabled=false"))
    #expect(try !distils("offline.algorithm=none"))
    #expect(try !distils("online.algorithm=none"))
    #expect(try distils("online.algorithm=none", "distillation.enabled=true"))
    #expect(try resolve(stages: [.distillation]).configuration.distils)
    #expect(try !resolve(stages: [.online]).configuration.distils)
  }

  @Test(arguments: [
    (["distillation.enabled=false"], ["distillation.enabled", "online.actor"]),
    (
      ["offline.algorithm=none", "online.algorithm=none"],
      ["offline.algorithm", "online.algorithm"]
    ),
    (
      ["offline.cql.cloningSteps=4", "offline.cql.batchSize=1"],
      ["offline.cql.cloningSteps", "offline.cql.batchSize"]
    ),
  ])
  func contradictionsAreRefused(overrides: [String], keys: [String]) {
    guard case .contradiction(let origin, let named, let reason) = failure(set: overrides) else {
      Issue.record("\(String(describing: failure(set: overrides)))")
      return
    }
    #expect(overrides.contains { origin == "--set \($0)" })
    #expect(named == keys && !reason.isEmpty)
  }

  /// Another algorithm's contradiction is nobody's business.
  @Test func whatIsNotChosenContradictsNothing() throws {
    let file = "offline:\n  cql:\n    cloningSteps: 4\n    batchSize: 1\n"
    #expect(failure(file) != nil)
    #expect(failure(file, set: ["offline.algorithm=iql"]) == nil)
  }

  @Test func contradictionsInCodeAreRefusedToo() throws {
    var configuration = ExperimentConfiguration(catalog: fakes)
    var settings = FakeCQL()
    settings.tau = 0.25
    configuration.chooseOffline("cql", settings)
    try configuration.validate()
    #expect(configuration.yaml().contains("tau: 0.25"))
    settings.cloningSteps = 1
    settings.batchSize = 1
    configuration.chooseOffline("cql", settings)
    #expect(throws: ConfigurationError.self) { try configuration.validate() }
    configuration.offline.algorithm = "iql"
    try configuration.validate()
  }

  // MARK: Recipe

  @Test(arguments: [
    ["online.environmentSteps=5"], ["online.policyInterval=1"], ["evaluation.interval=3"],
    ["recipe.environmentSteps=2000001", "online.bufferCapacity=2000000"],
    ["recipe.environmentSteps=5000", "recipe.policyInterval=6"], ["online.algorithm=none"],
  ])
  func recipesTakeTheirOwnValues(overrides: [String]) throws {
    guard case .contradiction = failure(set: overrides, stages: [.recipe]) else {
      Issue.record("\(String(describing: failure(set: overrides, stages: [.recipe])))")
      return
    }
    // A method's are meant for other commands.
    let method = "online:\n  environmentSteps: 5\nevaluation:\n  interval: 3\n"
    let yaml = try resolve(method: method, stages: [.recipe]).configuration.yaml()
    #expect(!yaml.contains("interval: 3") && !yaml.contains("environmentSteps: 5\n"))
    #expect(yaml.contains("recipe:\n  environmentSteps: 1000000\n"))
    #expect(!(try resolve().configuration.yaml().contains("recipe")))
  }
}
