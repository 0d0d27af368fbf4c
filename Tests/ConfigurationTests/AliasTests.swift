import RLCore
import Testing

@testable import Configuration

/// Keys of the first versions.
@Suite struct AliasTests {
  @Test func olderSpellingsMeanTheSame() throws {
    let old = try resolve(
      """
      pretrain:
        members: 2
        gradientSteps: 10
        conservativeWeight: 10
        backup: min-max-q
      finetune:
        initialOnlineFraction: 0.75
        policyLearningRate: 3e-5
      """)
    let new = try resolve(
      set: [
        "offline.members=2", "offline.gradientSteps=10", "offline.cql.conservativeWeight=10",
        "offline.cql.backup=minimum-of-maxima", "online.initialOnlineFraction=0.75",
        "online.sac.policyLearningRate=3e-5",
      ])
    #expect(old.configuration == new.configuration)
    #expect(old.configuration != ExperimentConfiguration(catalog: fakes))
    #expect(old.origin(of: "offline.cql.conservativeWeight") == "test.yaml")
    #expect(!old.configuration.yaml().contains("pretrain"))
    let scratch = try resolve(set: ["sac.bufferCapacity=9", "sac.batchSize=3"]).configuration
    #expect(scratch.online.bufferCapacity == 9)
    #expect(scratch.onlineAlgorithm(as: FakeSAC.self)?.batchSize == 3)
  }

  /// One by one, every older key sets its key and no other.
  @Test func everyAliasReachesItsKey() throws {
    let schema = fakes.schema
    var reached = 0
    for alias in ConfigurationAliases.all {
      guard let entry = schema.entry(alias.key) else { continue }
      reached += 1
      let value: String
      switch entry.declaration.kind {
      case .choice(let names): value = names.last!
      case .number: value = "0.0625"
      default: value = "7"
      }
      var stack = SettingStack(schema)
      try stack.lay(.overrides(["\(alias.alias)=\(value)"]))
      #expect(Array(stack.given.keys) == [alias.key])
      #expect(stack.value(alias.key) != entry.fallback || value == "\(entry.fallback)")
    }
    #expect(reached > 25)
  }

  @Test(arguments: [
    ["pretrain.members=2", "offline.members=2"], ["offline.members=2", "pretrain.members=3"],
    ["sac.batchSize=2", "finetune.batchSize=2"],
  ])
  func bothSpellingsAtOnceAreRefused(overrides: [String]) {
    guard case .contradiction(let file, let keys, _) = failure(set: overrides) else {
      Issue.record("\(String(describing: failure(set: overrides)))")
      return
    }
    #expect(file == "--set \(overrides[1])")
    #expect(keys == overrides.map { $0.split(separator: "=").first.map(String.init) ?? "" })
  }

  @Test func aHigherLayerMaySpellItsOwnWay() throws {
    let read = try resolve("pretrain:\n  members: 2\n", set: ["offline.members=3"]).configuration
    #expect(read.offline.members == 3)
    let back = try resolve("offline:\n  members: 2\n", set: ["pretrain.members=3"]).configuration
    #expect(back.offline.members == 3)
  }

  /// Errors speak the user's spelling.
  @Test func refusalsNameTheOlderSpelling() {
    guard case .outOfRange(_, "pretrain.members", "0", _) = failure("pretrain:\n  members: 0\n")
    else {
      Issue.record("\(String(describing: failure("pretrain:\n  members: 0\n")))")
      return
    }
    let error = failure(set: ["finetune.replay=uniform", "finetune.schedule=linear"])
    guard case .contradiction(_, ["finetune.schedule", "online.replay"], _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  /// Without the algorithm there is nothing that the older key could mean.
  @Test func olderKeysNeedTheirAlgorithm() {
    let sources = ConfigurationSources(overrides: ["pretrain.conservativeWeight=1"])
    #expect(throws: ConfigurationError.self) {
      try ExperimentConfiguration.resolve(sources, catalog: AlgorithmCatalog(["iql": FakeIQL.self]))
    }
  }
}
