import DenseMath
import RLCore
import Testing

@testable import Algorithms

/// Agents side by side are the agents they would be alone.
@Suite struct AgentTeamTests {
  private func train(members: Int, threads: Int, updates: Int) throws -> [NamedTensors] {
    var settings = CQLSettings()
    settings.batchSize = 70
    settings.sampledActions = 3
    let team = try AgentTeam(members: members, pool: WorkerPool(threads: threads)) { member, pool in
      var setup = AgentSetup(observationSize: 5, actionSize: 3)
      setup.hiddenSizes = [24, 24]
      setup.seed = UInt64(100 + member)
      return try Agent(ConservativeQLearning.self, settings, setup, pool: pool)
    }
    try team.update(
      updates,
      fill: { member, agent, batch in
        batch = AlgorithmInvariantsTests.batch(agent, step: 10 * member + agent.updateCount)
      }, done: { _, _ in })
    return team.agents.map(\.state)
  }

  @Test(arguments: [1, 2, 5, 8]) func memberIsTheSameAgentWhateverTheTeam(threads: Int) throws {
    let alone = try train(members: 1, threads: 1, updates: 4)
    let team = try train(members: 3, threads: threads, updates: 4)
    #expect(team[0] == alone[0])
    #expect(team[1] != alone[0] && team[2] != team[1])
    #expect(try train(members: 5, threads: threads, updates: 4)[2] == team[2])
  }

  @Test func groupsFollowFromMembersAndThreads() {
    // Few threads work together, many are split.
    #expect(AgentTeam.groups(members: 5, threads: 2) == 1)
    #expect(AgentTeam.groups(members: 1, threads: 64) == 1)
    #expect(AgentTeam.groups(members: 5, threads: 40) == 5)
    #expect(AgentTeam.groups(members: 2, threads: 32) == 2)
  }

  @Test func errorOfTheFirstMemberIsThrown() throws {
    let team = try AgentTeam(members: 3, pool: WorkerPool(threads: 2)) { member, pool in
      var setup = AgentSetup(observationSize: 5, actionSize: 3)
      setup.hiddenSizes = [8]
      return try Agent(BehaviorCloning.self, BehaviorCloning.Settings(), setup, pool: pool)
    }
    #expect(throws: TrainingError.nonFiniteInput(column: "rewards", row: 1, updateCount: 0)) {
      try team.update(
        2,
        fill: { member, agent, batch in
          batch = AlgorithmInvariantsTests.batch(agent, step: 0)
          if member >= 1 { batch.rewards[member] = .nan }
        }, done: { _, _ in })
    }
    #expect(team.agents[0].updateCount == 2 && team.agents[1].updateCount == 0)
  }
}
