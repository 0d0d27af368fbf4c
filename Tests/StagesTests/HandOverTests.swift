import Algorithms
import Autodiff
import Configuration
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
      settings: configuration.onlineAlgorithm!, task: task, normalizer: nil
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
}
