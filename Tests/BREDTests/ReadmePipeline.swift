// The README shows the lines between the markers; a test compares the two and runs this one.

// README begin
import BRED

func pipeline(data: String, members: Int, updates: Int, blocks: Int) throws -> Evaluation {
  let (robot, pool) = (EnvironmentKind.hopper, WorkerPool())
  let (size, space) = (256, robot.specification)
  let transitions = try D4RLDataset(contentsOf: data).transitions()
  let offline = ReplayBuffer(transitions)
  let empty = Batch(
    size: size, observationSize: space.observationSize, actionSize: space.actionSize)

  // Independent conservative agents on the dataset.
  let cql = ConservativeQLearning(
    configuration: .init(), observationSize: space.observationSize, actionSize: space.actionSize,
    seeds: (0..<members).map { UInt64(4 * $0) }, pool: pool)
  var batches = Array(repeating: empty, count: members)
  for step in 0..<updates {
    for member in 0..<members {
      var stream = RandomStream(seed: 0, purpose: "offline/\(member)", step: UInt64(step))
      try offline.sample(0..<size, of: &batches[member], using: &stream)
    }
    _ = try cql.update(on: batches)
  }

  // Their policies into one.
  var brief = PolicyDistillation.Configuration()
  (brief.epochs, brief.stepsPerEpoch) = (20, updates / 10 + 1)
  let distillation = PolicyDistillation(
    configuration: brief, members: (0..<members).map(cql.policy(ofMember:)),
    observations: transitions.observations, seed: 0, pool: pool)
  while !distillation.isFinished { _ = try distillation.runEpoch() }

  // Online, with balanced replay and the mean of all critics.
  var settings = SoftActorCritic.Configuration()
  settings.criticPairs = members
  let agent = SoftActorCritic(
    configuration: settings, observationSize: space.observationSize,
    actionSize: space.actionSize, actors: [distillation.policy.network],
    critics: (0..<members).flatMap(cql.critics(ofMember:)), seed: 0, pool: pool)
  let sampler = BalancedSampler(schedule: try LinearSchedule(initialFraction: 0.5))
  let collector = Collector(try robot.makeEnvironment(), seed: 0)
  var online = ReplayBuffer(
    capacity: 1000 * blocks, observationSize: space.observationSize,
    actionSize: space.actionSize, positionSize: space.positionSize,
    velocitySize: space.velocitySize)
  for block in 1...blocks {
    collector.collectBlock(of: 1000, agent.policy) { online.append(ReplayRow($0)) }
    for _ in 0..<(block == 1 ? 10 : 1) * updates {
      var stream = RandomStream(seed: 0, purpose: "online", step: UInt64(agent.updateCount))
      try sampler.sample(
        into: &batches[0], offline: offline, online: online, environmentSteps: 1000 * block,
        using: &stream)
      _ = try agent.update(on: [batches[0]])
    }
  }
  return try Rollouts(robot, pool: pool).evaluate(agent.policy, budget: .episodes(5), seed: 0)
}
// README end
