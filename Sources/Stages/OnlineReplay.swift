import Algorithms
import Configuration
import DenseMath
import Environments
import RLCore
import Replay

/// The two buffers of online training and the scheme that mixes them.
final class OnlineReplay {
  private let offline: ReplayBuffer
  private(set) var online: ReplayBuffer
  private let sampler: (any ReplaySampler)?
  /// With `replay: density-ratio` one for each agent, touched by its thread alone; otherwise none.
  private var priorities: [MemberPriorities] = []
  private let keepsOffline: Bool
  private let rewardScale: Float
  private let specification: EnvironmentSpecification
  /// γ of returns-to-go; `nil` where nobody asks for these.
  private let returnDiscount: Double?
  /// The running episode, held back until its returns are known.
  private var running: [ReplayRow] = []

  /// The dataset, if there is one, room for online steps, and the configured scheme.
  init(
    _ settings: OnlineSettings, data: OfflineData?, task: ControlTask, columns: [ExtraColumn],
    discount: Double, members: Int
  ) throws {
    let specification = task.specification
    self.specification = specification
    returnDiscount = columns.contains(.returnToGo) ? discount : nil
    keepsOffline = data != nil
    rewardScale = data?.rewardScale ?? 1
    offline =
      data?.buffer
      ?? ReplayBuffer(
        capacity: 1, observationSize: specification.observationSize,
        actionSize: specification.actionSize)
    online = ReplayBuffer(
      capacity: min(settings.bufferCapacity, settings.environmentSteps),
      observationSize: specification.observationSize, actionSize: specification.actionSize,
      positionSize: specification.positionSize, velocitySize: specification.velocitySize,
      keepsReturns: returnDiscount != nil)
    sampler = try settings.sampler
    guard sampler == nil else { return }
    for _ in 0..<members {
      priorities.append(
        MemberPriorities(
          try PriorityReplay(
            offlineCount: offline.count, onlineCapacity: online.capacity,
            initialFraction: settings.initialOnlineFraction, firstRows: settings.firstRows)))
    }
  }

  func append(_ step: CollectedStep) {
    if returnDiscount == nil {
      online.append(ReplayRow(step))
    } else {
      running.append(ReplayRow(step))
    }
  }

  /// Whether all rows so far are those of an episode that is not over.
  var isWaiting: Bool { online.count == 0 && !running.isEmpty }

  /// The episode is over, whether or not its last transition was kept.
  func endEpisode() {
    guard let discount = returnDiscount else { return }
    var sum = 0.0
    for index in running.indices.reversed() {
      sum = Double(running[index].reward) + discount * sum
      running[index].returnToGo = Float(sum)
    }
    for row in running { online.append(row) }
    running = []
  }

  /// - Parameters:
  ///   - member: the agent that the minibatch is for.
  ///   - environmentSteps: t of the schedule, held during a block of updates.
  func sample(
    into batch: inout Batch, member: Int, environmentSteps: Int,
    using generator: inout RandomStream
  ) throws(ReplayError) {
    if let sampler {
      try sampler.sample(
        into: &batch, offline: offline, online: online, environmentSteps: environmentSteps,
        using: &generator)
    } else {
      try priorities[member].replay.sample(
        into: &batch, offline: offline, online: online, using: &generator)
    }
    batch.scaleRewards(by: rewardScale)
  }

  /// What the agent says of the rows of its last minibatch, where that decides how often they come.
  func learn(from agent: Agent, member: Int) {
    guard sampler == nil, let found = agent.priorities else { return }
    priorities[member].replay.setPriorities(found)
  }

  func onlineFraction(environmentSteps: Int) -> Double {
    guard let sampler else {
      return priorities.reduce(0) { $0 + $1.replay.onlineFraction } / Double(priorities.count)
    }
    return sampler.onlineFraction(
      offlineCount: keepsOffline ? offline.count : 0, onlineCount: online.count,
      environmentSteps: environmentSteps)
  }

  /// The online buffer and the running episode; the dataset is read again.
  var state: NamedTensors {
    var state = online.state
    for (member, own) in priorities.enumerated() {
      state.add(own.replay.state, under: "priorities-\(member)")
    }
    if returnDiscount != nil {
      var held = heldBuffer(running.count)
      for row in running { held.append(row) }
      state.add(held.state, under: "running")
      state["runningCount"] = Tensor(.int64([Int64(running.count)]))
    }
    return state
  }

  /// Room for the rows of a running episode.
  private func heldBuffer(_ count: Int) -> ReplayBuffer {
    ReplayBuffer(
      capacity: max(1, count), observationSize: specification.observationSize,
      actionSize: specification.actionSize, positionSize: specification.positionSize,
      velocitySize: specification.velocitySize)
  }

  func restore(_ state: NamedTensors) throws(StateError) {
    try online.restore(state)
    for (member, own) in priorities.enumerated() {
      try own.replay.restore(state.part("priorities-\(member)"))
    }
    guard returnDiscount != nil else { return }
    let count = Int(try state.integers("runningCount", count: 1)[0])
    var held = heldBuffer(count)
    try held.restore(state.part("running"))
    running = (0..<count).map { held[$0] }
  }
}

/// Priorities of one agent's rows, of which its thread alone makes use.
private final class MemberPriorities: @unchecked Sendable {
  var replay: PriorityReplay

  init(_ replay: PriorityReplay) { self.replay = replay }
}

extension OnlineSettings {
  /// Online rows that are there when updates begin.
  fileprivate var firstRows: Int {
    max(blockSteps, max(randomSteps, warmupSteps))
  }

  /// The scheme of ``replay``; `nil` where it needs the agents' priorities.
  var sampler: (any ReplaySampler)? {
    get throws(ReplayError) {
      switch (replay, schedule) {
      case (.densityRatio, _): nil
      case (.uniform, _): UniformSampler()
      case (.onlineOnly, _): OnlineOnlySampler()
      case (.half, _): BalancedSampler(schedule: try ConstantSchedule(fraction: 0.5))
      case (.balanced, .linear):
        BalancedSampler(
          schedule: try LinearSchedule(
            initialFraction: initialOnlineFraction, finalStep: finalTimestep))
      case (.balanced, .exponential):
        BalancedSampler(
          schedule: try ExponentialSchedule(
            initialFraction: initialOnlineFraction, finalStep: finalTimestep))
      }
    }
  }
}
