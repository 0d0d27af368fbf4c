import Algorithms
import Autodiff
import Configuration
import Datasets
import DenseMath
import RLCore
import TestSupport
import Testing

@testable import Agents
@testable import Stages

/// What agents of the online stage begin with.
@Suite struct HandOverTests: TinyStages {
  let folder = TemporaryDirectory()
  private let task: ControlTask

  init() throws {
    task = try ControlTask("hopper")
    try makeDataset()
  }

  private func team(
    _ loaded: LoadedAgents, _ settings: [String], distilled: GaussianPolicy? = nil
  ) throws -> AgentTeam {
    let configuration = try configuration([.online], settings)
    return try HandOver(
      configuration, type: AlgorithmRegistry.named(configuration.online.algorithm),
      settings: configuration.onlineAlgorithm!, task: task,
      data: OfflineData(configuration, task: task)
    ).team(from: loaded, distilled: distilled, pool: WorkerPool(threads: 1))
  }

  private func parameters(_ networks: [Network]?) -> [[Float]] {
    (networks ?? []).map(\.parameters)
  }

  private func stored(_ member: StoredAgent, _ part: String) -> [[Float]] {
    member.part(part)!.networks.map(\.network.parameters)
  }

  private func storedTargets(_ member: StoredAgent) -> [[Float]] {
    member.part("critic")!.targets!.map(\.network.parameters)
  }

  /// The first members' critics with fresh targets, and the one policy or the mixture.
  @Test func oneAgentTakesTheFirstMembersOver() throws {
    let loaded = try AgentStore.read(agents("cql", "offline.members=3"), task: task)
    let first = Array(loaded.members.prefix(2))
    let critics = first.flatMap { stored($0, "critic") }
    #expect(critics != loaded.members.suffix(2).flatMap { stored($0, "critic") })
    #expect(critics != first.flatMap(storedTargets))
    let distilled = try loaded.gaussianPolicies()[1]

    let own = ["online.members=2", "online.startTemperature=members"]
    let joint = try team(loaded, own + ["online.actor=distilled"], distilled: distilled).agents
    #expect(joint.count == 1)
    #expect(parameters(joint[0].networks("critic")) == critics)
    #expect(parameters(joint[0].networks("critic", targets: true)) == critics)
    #expect(parameters(joint[0].networks("actor")) == [distilled.network.parameters])
    let temperatures = first.map { $0.numbers["temperature"]! }
    #expect(Set(temperatures).count == 2)
    let mean = (temperatures[0] + temperatures[1]) / 2
    #expect(abs(joint[0].numbers["temperature"]! - mean) < 1e-6)
    // Interaction has begun, after no update.
    #expect(try joint[0].state.integers("updateCount", count: 2) == [0, 0])

    let mixed = try team(loaded, own + ["online.actor=mixture"]).agents[0]
    #expect(parameters(mixed.networks("actor")) == first.flatMap { stored($0, "actor") })
    #expect(mixed.policy is MixturePolicy)
  }

  /// Agents of the same algorithm keep their targets and what else they have learned; those of another begin
  /// with copies and their own numbers.
  @Test func agentsByThemselvesGoOn() throws {
    let loaded = try AgentStore.read(agents(), task: task)
    let same = ["online.actor=independent", "online.algorithm=cql"]
    for (agent, member) in zip(try team(loaded, same).agents, loaded.members) {
      #expect(parameters(agent.networks("critic")) == stored(member, "critic"))
      #expect(parameters(agent.networks("critic", targets: true)) == storedTargets(member))
      #expect(abs(agent.numbers["temperature"]! - member.numbers["temperature"]!) < 1e-6)
    }
    for (agent, member) in zip(
      try team(loaded, ["online.actor=independent"]).agents, loaded.members)
    {
      #expect(parameters(agent.networks("critic", targets: true)) == stored(member, "critic"))
      #expect(abs(agent.numbers["temperature"]! - 1) < 1e-6)
      #expect(abs(member.numbers["temperature"]! - 1) > 1e-4)
    }
  }

  /// One number for each critic and its target, and the mean over the data is that of their returns.
  @Test func criticsStartAtTheReturnsOfTheData() throws {
    let more = ["dataset.observations=normalized", "offline.cql.discount=0.9"]
    let loaded = try AgentStore.read(agents("cql", more[0], more[1]), task: task)
    let known = try D4RLDataset(contentsOf: dataset).knownReturns(discount: 0.9)
    let mean = known.returns.reduce(0) { $0 + Double($1) } / Double(known.returns.count)
    let settings = ["online.actor=independent", "online.algorithm=cql", "online.cql.discount=0.9"]
    let shifted = try team(loaded, settings + ["online.startValues=data-returns"]).agents
    for (agent, member) in zip(shifted, loaded.members) {
      let critics = agent.networks("critic")!
      for (index, critic) in critics.enumerated() {
        let value = ValueEstimate(members: [[critic]], normalizer: agent.parts.normalizer)
        let q = value(known.observations, known.actions, pool: WorkerPool(threads: 1))
        #expect(abs(q.reduce(0, +) / Double(q.count) - mean) < 1e-4 * abs(mean))
        let (before, after) = (stored(member, "critic")[index], critic.parameters)
        let offset = after.last! - before.last!
        #expect(abs(offset) > 1)
        #expect(after.dropLast() == before.dropLast())
        let target = agent.networks("critic", targets: true)![index].parameters
        #expect(target == storedTargets(member)[index].dropLast() + [target.last!])
        #expect(abs(target.last! - storedTargets(member)[index].last! - offset) < 1e-5)
      }
    }
  }

  /// What would leave a value behind, or has none, is refused, and so is a replay without data.
  @Test func valuesThatCannotStartThereAreRefused() throws {
    for (settings, word) in [
      (["online.algorithm=iql", "online.iql.batchSize=8"], "value of states"),
      (["online.algorithm=bc", "online.bc.batchSize=8"], "no critics"),
      (["online.replay=online-only"], "no data is read"),
    ] {
      let error = try #require(throws: ConfigurationError.self) {
        let configuration = try configuration(
          [.online], settings + ["online.startValues=data-returns", "online.actor=independent"])
        try OnlineStageCheck.handOver(configuration, task: task)
      }
      #expect("\(error)".contains(word), "\(error)")
    }
  }
}
