import Algorithms
import Autodiff
import DenseMath
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Agents

/// Agents to files and back: for every algorithm of the registry, and for parts that none of them has.
@Suite struct AgentFilesTests {
  private let folder = TemporaryDirectory()

  static let origin = AgentFiles.Origin(environment: "hopper", producer: "test 1")

  static let cases: [(String, Int, Int)] =
    AlgorithmRegistry.names.map { ($0, 1, 1) }
    + [("sac", 1, 3), ("sac", 3, 1), ("sac", 3, 3), ("patchwork", 1, 1), ("patchwork", 2, 1)]

  private static func type(_ name: String) throws -> any Algorithm.Type {
    name == Patchwork.name ? Patchwork.self : try AlgorithmRegistry.named(name)
  }

  /// Written, read into an agent with other weights, and written again: the same bytes and the same agent.
  @Test(arguments: cases)
  func roundTrip(name: String, ensemble: Int, actors: Int) throws {
    let type = try Self.type(name)
    let agent = try TestAgents.make(type, ensembleSize: ensemble, actorMembers: actors)
    if name == Patchwork.name {
      // Nothing is learned there: targets of their own come from elsewhere.
      let other = try TestAgents.make(type, seed: 99, ensembleSize: ensemble)
      for part in ["actor", "critic", "value"] {
        try agent.load(agent.networks(part)!, into: part, targets: other.networks(part)!)
      }
    } else {
      try TestAgents.train(agent)
    }
    var origin = Self.origin
    origin.settings = TestAgents.settings(type)
    try AgentFiles.write(online: agent, to: folder.file("a"), origin: origin)

    let copy = try TestAgents.make(
      type, seed: 1234, ensembleSize: ensemble, actorMembers: actors)
    #expect(TestAgents.actions(copy.policy) != TestAgents.actions(agent.policy))
    let loaded = try AgentFiles.load(folder.file("a"), into: copy)
    #expect(loaded.leftAside.isEmpty && loaded.environment == "hopper")
    for part in agent.networkNames {
      for targets in [false, true] {
        #expect(
          copy.networks(part, targets: targets)?.map(\.parameters)
            == agent.networks(part, targets: targets)?.map(\.parameters), "\(part)")
      }
    }
    #expect(copy.numbers == agent.numbers)
    #expect(TestAgents.actions(copy.policy) == TestAgents.actions(agent.policy))

    try AgentFiles.write(online: copy, to: folder.file("b"), origin: origin)
    let (a, b) = (
      TestAgents.contents(folder.file("a")), TestAgents.contents(folder.file("b"))
    )
    #expect(a == b && a.count > ensemble)

    // What the files alone give acts like the agent.
    let stored = try StoredPolicy.read(folder.file("a"))
    #expect(stored.environment == "hopper")
    #expect(TestAgents.actions(stored.policy) == TestAgents.actions(agent.policy))
  }

  @Test func layout() throws {
    func names(_ name: String, _ ensemble: Int, _ actors: Int) throws -> [String] {
      let agent = try TestAgents.make(
        Self.type(name), ensembleSize: ensemble, actorMembers: actors)
      let path = folder.file("\(name)-\(ensemble)-\(actors)")
      try AgentFiles.write(online: agent, to: path, origin: Self.origin)
      #expect(
        TemporaryDirectory.names(path).filter { $0.hasPrefix("member-") }.count == ensemble)
      return TemporaryDirectory.names("\(path)/member-0")
        + TemporaryDirectory.names(path)
        .filter { !$0.hasPrefix("member-") }
    }
    func files(_ names: String...) -> [String] {
      names.map { $0.contains(".") ? $0 : "\($0).safetensors" }
    }
    #expect(
      try names("sac", 3, 1)
        == files("actor", "agent.json", "critic1", "critic2", "target1", "target2", "policy"))
    #expect(
      try names("sac", 3, 3)
        == files("actor", "agent.json", "critic1", "critic2", "target1", "target2"))
    #expect(
      try names("sac", 1, 2)
        == files("actor1", "actor2", "agent.json", "critic1", "critic2", "target1", "target2"))
    #expect(
      try names("patchwork", 1, 1)
        == files(
          "actor-target", "actor", "agent.json", "critic1", "critic2", "critic3", "encoder",
          "target1", "target2", "target3", "value-target", "value", "policy"))
  }

  /// Member i has critics 2i and 2i + 1, and the actor of its number or the only one.
  @Test func partsAreDealtOut() throws {
    for actors in [1, 3] {
      let agent = try TestAgents.make(
        SoftActorCritic.self, ensembleSize: 3, actorMembers: actors)
      let members = AgentFiles.members(of: agent, origin: Self.origin)
      let critics = agent.networks("critic")!
      for (index, member) in members.enumerated() {
        #expect(
          member.part("critic")!.networks.map(\.network.parameters)
            == critics[2 * index...2 * index + 1].map(\.parameters))
        let actor = agent.networks("actor")![actors == 1 ? 0 : index]
        #expect(member.actors.map(\.network.parameters) == [actor.parameters])
        #expect(member.part("actor")!.isShared == (actors == 1))
      }
    }
  }

  @Test func severalAgentsAreMembers() throws {
    let agents = try (0..<3).map {
      try TestAgents.make(ConservativeQLearning.self, seed: UInt64($0))
    }
    try AgentFiles.write(agents: agents, to: folder.file("e"), origin: Self.origin)
    let read = try EnsembleDirectory.read(folder.file("e"))
    for (member, agent) in zip(read.members, agents) {
      #expect(TestAgents.actions(member.policy!) == TestAgents.actions(agent.policy))
    }
    #expect(read.members.count == 3 && read.policy is MixturePolicy)
    #expect(!TemporaryDirectory.names(folder.file("e")).contains("policy.safetensors"))

    // Their critics begin an online agent, whose one actor comes from elsewhere.
    let online = try TestAgents.make(SoftActorCritic.self, seed: 50, ensembleSize: 3)
    let distilled = NetworkFile(
      try TestAgents.make(BehaviorCloning.self, seed: 60).networks("actor")![0], role: .policy)
    let loaded = try AgentFiles.load(
      read.members, into: online, actors: [distilled], numbers: false, named: "e")
    #expect(loaded.leftAside == ["multiplier"])
    #expect(
      online.networks("critic")!.map(\.parameters)
        == agents.flatMap { $0.networks("critic")!.map(\.parameters) })
    #expect(online.networks("actor")![0].parameters == distilled.network.parameters)
    // Without one, three actors are too many for it.
    #expect(throws: EnsembleDirectoryError.self) {
      try AgentFiles.load(read.members, into: online, named: "e")
    }
  }

  @Test func numbersOfSeveralMembers() throws {
    let online = try TestAgents.make(SoftActorCritic.self, ensembleSize: 2, actorMembers: 2)
    var members = AgentFiles.members(of: online, origin: Self.origin)
    (members[0].numbers["temperature"], members[1].numbers["temperature"]) = (0.25, 0.75)
    try AgentFiles.load(members, into: online, named: "e")
    #expect(abs(online.numbers["temperature"]! - 0.5) < 1e-6)
    (members[0].numbers["temperature"], members[1].numbers["temperature"]) = (1, 3)
    try AgentFiles.load(members, into: online, numbers: false, named: "e")
    #expect(abs(online.numbers["temperature"]! - 0.5) < 1e-6)
  }

  /// Weights made elsewhere have no numbers that were trained in place of the deviations.
  @Test(arguments: ["awac", "iql"]) func deviationsWithoutTheirOrigin(name: String) throws {
    let agent = try TestAgents.make(Self.type(name))
    try TestAgents.train(agent)
    var member = AgentFiles.members(of: agent, origin: Self.origin)[0]
    let index = try #require(member.parts.firstIndex { $0.name == "actor" })
    member.parts[index].networks[0].trainedLogStds = nil
    let copy = try TestAgents.make(Self.type(name), seed: 77)
    try AgentFiles.load([member], into: copy, named: "elsewhere")
    let found = try #require(copy.policy as? PlainGaussianPolicy)
    let expected = try #require(agent.policy as? PlainGaussianPolicy)
    for (a, b) in zip(found.logStds, expected.logStds) { #expect(abs(a - b) < 1e-4) }
  }

  @Test func refusedLoads() throws {
    func refusal(_ source: String, into target: String) throws -> String {
      let members = AgentFiles.members(
        of: try TestAgents.make(Self.type(source)), origin: Self.origin)
      let agent = try TestAgents.make(Self.type(target))
      let before = agent.networks("actor")!.map(\.parameters)
      defer { #expect(agent.networks("actor")!.map(\.parameters) == before) }
      do {
        try AgentFiles.load(members, into: agent, named: "FILES")
        return "accepted"
      } catch { return "\(error)" }
    }
    // The same sizes, another kind of policy.
    #expect(
      try refusal("iql", into: "td3")
        == "FILES: part 'actor': expected 1 × deterministic 5 → 12 → 9 → 3, "
        + "found 1 × gaussian 5 → 12 → 9 → 3")
    #expect(try refusal("td3", into: "sac").contains("expected 1 × tanh-gaussian 5 → 12 → 9 → 6"))
    let sac = try TestAgents.make(SoftActorCritic.self)
    #expect(throws: EnsembleDirectoryError.self) {
      try AgentFiles.load(
        AgentFiles.members(of: TestAgents.make(BehaviorCloning.self), origin: Self.origin),
        into: sac, named: "FILES")
    }
  }

  // MARK: agent.json

  private func written(_ name: String = "patchwork") throws -> String {
    let path = folder.file("w")
    var origin = Self.origin
    origin.settings = TestAgents.settings(try Self.type(name))
    let normalizer = ObservationNormalizer(mean: [1, 2, 3, 4, 5], std: [1, 1, 2, 2, 2])
    try AgentFiles.write(
      agents: [try TestAgents.make(Self.type(name), normalizer: normalizer)], to: path,
      origin: origin)
    return "\(path)/member-0"
  }

  @Test func manifest() throws {
    let read = try EnsembleDirectory.readAgent(try written())
    #expect(read.algorithm == "patchwork" && read.environment == "hopper")
    #expect(read.producer == "test 1" && read.policyPart == "actor")
    #expect(abs(read.numbers["multiplier"]! - 2.5) < 1e-6)
    #expect(read.actors[0].normalizer?.mean == [1, 2, 3, 4, 5])
    #expect(read.policy is NormalizedPolicy)
    #expect(read.part("critic")!.networks.allSatisfy { $0.normalizer == nil })
    let settings = try #require(read.settings)
    #expect(try settings.decoded(as: Patchwork.Settings.self) == Patchwork.Settings())
    var other = Patchwork.Settings()
    (other.batchSize, other.openNumber, other.choice) = (9, 0.125, .second)
    #expect(try JSONValue(other).decoded(as: Patchwork.Settings.self) == other)
    #expect(throws: StateError.self) {
      try JSONValue.object(["batchSize": .text("many")]).decoded(as: Patchwork.Settings.self)
    }
    let copy = try TestAgents.make(Patchwork.self, seed: 3)
    #expect(try AgentFiles.load([read], into: copy, named: "w").normalizer?.std[2] == 2)
  }

  @Test func refusedManifests() throws {
    let member = try written()
    let path = "\(member)/agent.json"
    // Without its checksum, as a file written by hand.
    let original = try String(contentsOfFile: path, encoding: .utf8)
      .replacing(/"checksum" : "[0-9a-f]*",\n/, with: "")
    func refusal(_ old: String, _ new: String) throws -> String {
      #expect(original.contains(old), "\(original)")
      try original.replacingOccurrences(of: old, with: new).write(
        toFile: path, atomically: true, encoding: .utf8)
      do throws(EnsembleDirectoryError) {
        _ = try EnsembleDirectory.readAgent(member)
        return "accepted"
      } catch { return error.description }
    }
    func expect(_ words: String, _ message: String) {
      #expect(message.contains(words), "\(message)")
      #expect(message.contains(member))
    }
    #expect(try refusal("hopper", "hopper") == "accepted")
    expect("it is not JSON", try refusal("{", "["))
    expect("'algorithm' is missing", try refusal("\"algorithm\"", "\"algorythm\""))
    expect(
      "'version' is 7, this program reads 1", try refusal("\"version\" : 1", "\"version\" : 7"))
    expect(
      "'../value' is no name of a part",
      try refusal("\"name\" : \"value\"", "\"name\" : \"../value\""))
    expect("kind 'tree'", try refusal("\"kind\" : \"network\"", "\"kind\" : \"tree\""))
    expect(
      "critic4.safetensors: the file is missing",
      try refusal("\"networks\" : 3", "\"networks\" : 4"))
    expect("has 0 networks", try refusal("\"networks\" : 3", "\"networks\" : 0"))
    expect("'parts.0.networks'", try refusal("\"networks\" : 1", "\"networks\" : \"one\""))
    expect(
      "'policyPart' is 'driver', the parts are actor, critic",
      try refusal("\"policyPart\" : \"actor\"", "\"policyPart\" : \"driver\""))
    expect(
      "'kind': expected tanh-gaussian, found deterministic",
      try refusal("\"kind\" : \"deterministic\"", "\"kind\" : \"tanh-gaussian\""))
    expect(
      "'environment': expected walker2d as in the files beside it, found hopper",
      try refusal("\"environment\" : \"hopper\"", "\"environment\" : \"walker2d\""))
  }

  /// An agent without `agent.json` written over one with it is read as what it is.
  @Test func olderLayoutReplacesTheNewer() throws {
    let agent = try TestAgents.make(SoftActorCritic.self)
    var stored = AgentFiles.members(of: agent, origin: Self.origin)[0]
    try EnsembleDirectory.write(stored, to: folder.file("m"))
    stored.algorithm = nil
    stored.parts[1].targets = nil
    try EnsembleDirectory.write(stored, to: folder.file("m"))
    let read = try EnsembleDirectory.readAgent(folder.file("m"))
    #expect(read.algorithm == nil && read.parts[1].targets == nil && read.numbers.isEmpty)
    #expect(TestAgents.actions(read.policy!) == TestAgents.actions(agent.policy))
  }

  /// Agents whose policies cannot be mixed act from their files by the mean of their actions, as in training.
  @Test(arguments: ["td3", "bcq", "iql"]) func agentsThatActByTheirMean(name: String) throws {
    let type = try AlgorithmRegistry.named(name)
    let agents = try (0..<2).map { try TestAgents.make(type, seed: UInt64($0)) }
    var origin = Self.origin
    origin.settings = TestAgents.settings(type)
    try AgentFiles.write(agents: agents, to: folder.file("e"), origin: origin)
    let together = try StoredPolicy.read(folder.file("e")).policy
    #expect(together is MeanPolicy)
    #expect(TestAgents.actions(together) == TestAgents.actions(ActingEnsemble.policy(of: agents)))
  }

  @Test func policiesThatCannotActTogether() throws {
    let agents = try (0..<2).map { try TestAgents.make(TwinDelayedDDPG.self, seed: UInt64($0)) }
    try AgentFiles.write(agents: agents, to: folder.file("e"), origin: Self.origin)
    // What makes a policy of several parts is not known here.
    for member in 0..<2 {
      var stored = try EnsembleDirectory.readAgent(folder.file("e/member-\(member)"))
      stored.policyPart = nil
      stored.algorithm = "unheard-of"
      try EnsembleDirectory.write(stored, index: member, to: folder.file("u"))
    }
    let error = #expect(throws: EnsembleDirectoryError.self) {
      try StoredPolicy.read(folder.file("u"))
    }
    #expect(error?.description.contains("of 2 members") == true)
    let one = try StoredPolicy.read(folder.file("e/member-1"))
    #expect(TestAgents.actions(one.policy) == TestAgents.actions(agents[1].policy))
    let file = try StoredPolicy.read(folder.file("e/member-1/actor.safetensors"))
    #expect(TestAgents.actions(file.policy) == TestAgents.actions(agents[1].policy))
  }

  /// One mixture sees one kind of observations.
  @Test func mixturesAgreeOnTheirNormalizer() throws {
    let members = try (0..<2).map { (seed: UInt64) in
      let normalizer = ObservationNormalizer(
        mean: [1, 2, 3, 4, 5], std: [1, 1, 1, 1, 2 + Float(seed)])
      return AgentFiles.members(
        of: try TestAgents.make(SoftActorCritic.self, seed: seed, normalizer: normalizer),
        origin: Self.origin)[0]
    }
    #expect(EnsembleDirectory(members: members).policy == nil)
    let same = EnsembleDirectory(members: [members[1], members[1]])
    #expect((same.policy as? NormalizedPolicy)?.normalizer.std[4] == 3)
    try EnsembleDirectory(members: members).write(to: folder.file("e"))
    let error = #expect(throws: EnsembleDirectoryError.self) {
      try EnsembleDirectory.read(folder.file("e"))
    }
    #expect(error?.description.contains("normaliser of observations") == true)
  }

  /// Agents with a normaliser act from their files as they did, whatever their policy is made of; a policy of
  /// one network does from its file alone.
  @Test(arguments: AlgorithmRegistry.names) func normalizersStayWithAgents(name: String) throws {
    let normalizer = ObservationNormalizer(mean: [1, 2, -3, 0, 5], std: [1, 0.5, 2, 2, 3])
    let type = try AlgorithmRegistry.named(name)
    var origin = Self.origin
    origin.settings = TestAgents.settings(type)
    let agent = try TestAgents.make(type, normalizer: normalizer)
    try AgentFiles.write(online: agent, to: folder.file("w"), origin: origin)
    let read = try EnsembleDirectory.read(folder.file("w")).members[0]
    #expect(read.normalizer == normalizer)
    let actions = TestAgents.actions(agent.policy)
    #expect(TestAgents.actions(try #require(read.policy)) == actions)
    #expect(actions != TestAgents.actions(try TestAgents.make(type).policy))
    let file = folder.file("w/\(AgentFiles.policyName)")
    if FileManager.default.fileExists(atPath: file) {
      #expect(TestAgents.actions(try StoredPolicy.read(file).policy) == actions)
      let network = try #require(NetworkFile(agent.policy))
      #expect(TestAgents.actions(try #require(network.policy)) == actions)
    }
  }
}
