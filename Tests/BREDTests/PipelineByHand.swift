import BRED

/// The same pipeline with the loop in one's own hands, nothing on disk.
func pipelineByHand(
  data: String, members: Int, updates: Int, blocks: Int
) throws -> Evaluation {
  let (robot, pool) = (EnvironmentKind.hopper, WorkerPool())
  let transitions = try D4RLDataset(contentsOf: data).transitions()
  let offline = ReplayBuffer(transitions)
  var setup = AgentSetup(robot.specification)

  // Independent conservative agents on the dataset.
  let team = try AgentTeam(members: members, pool: pool) { member, pool in
    setup.seed = UInt64(member)
    return try Agent(ConservativeQLearning.self, CQLSettings(), setup, pool: pool)
  }
  try team.update(
    updates,
    fill: { member, agent, batch in
      var stream = RandomStream(
        seed: UInt64(member), purpose: "offline", step: UInt64(agent.updateCount))
      try offline.sample(0..<batch.size, of: &batch, using: &stream)
    }, done: { _, _ in })

  // Their policies into one.
  var brief = PolicyDistillation.Configuration()
  (brief.epochs, brief.stepsPerEpoch) = (20, updates / 10 + 1)
  let distillation = PolicyDistillation(
    configuration: brief, members: team.agents.compactMap { $0.policy as? GaussianPolicy },
    observations: transitions.observations, seed: 0, pool: pool)
  while !distillation.isFinished { _ = try distillation.runEpoch() }

  // Online: one agent with all critics and the distilled policy.
  setup.ensembleSize = members
  let agent = try Agent(SoftActorCritic.self, SoftActorCritic.Settings(), setup, pool: pool)
  try agent.load([distillation.policy.network], into: "actor")
  try agent.load(team.agents.flatMap { $0.networks("critic")! }, into: "critic")
  let sampler = BalancedSampler(schedule: try LinearSchedule(initialFraction: 0.5))
  let collector = Collector(try robot.makeEnvironment(), seed: 0)
  let space = robot.specification
  var online = ReplayBuffer(
    capacity: 1000 * blocks, observationSize: space.observationSize,
    actionSize: space.actionSize, positionSize: space.positionSize,
    velocitySize: space.velocitySize)
  var batch = Batch(
    size: agent.batchSize, observationSize: space.observationSize, actionSize: space.actionSize)
  for block in 1...blocks {
    collector.collectBlock(of: 1000, agent.policy) { online.append(ReplayRow($0)) }
    for _ in 0..<(block == 1 ? 10 : 1) * updates {
      var stream = RandomStream(seed: 0, purpose: "online", step: UInt64(agent.updateCount))
      try sampler.sample(
        into: &batch, offline: offline, online: online, environmentSteps: 1000 * block,
        using: &stream)
      _ = try agent.update(on: batch)
    }
  }
  return try Rollouts(robot, pool: pool).evaluate(agent.policy, budget: .episodes(5), seed: 0)
}
