import Configuration
import DenseMath
import Environments
import RLCore
import Replay

/// The two buffers of online training and the scheme that mixes them.
final class OnlineReplay {
  private let offline: ReplayBuffer
  private(set) var online: ReplayBuffer
  private let sampler: any ReplaySampler
  private let keepsOffline: Bool
  private let specification: EnvironmentSpecification
  /// γ of returns-to-go; `nil` where nobody asks for these.
  private let returnDiscount: Double?
  /// The running episode, held back until its returns are known.
  private var running: [ReplayRow] = []

  /// The dataset, if there is one, room for online steps, and the configured scheme.
  init(
    _ settings: OnlineSettings, data: OfflineData?, task: ControlTask, columns: [ExtraColumn],
    discount: Double
  ) throws {
    let specification = task.specification
    self.specification = specification
    returnDiscount = columns.contains(.returnToGo) ? discount : nil
    keepsOffline = data != nil
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
  }

  func append(_ step: CollectedStep) {
    guard let returnDiscount else {
      online.append(ReplayRow(step))
      return
    }
    running.append(ReplayRow(step))
    if step.terminated || step.truncated { flush(returnDiscount) }
  }

  /// The episode is over although its last transition was dropped.
  func endEpisode() { if let returnDiscount { flush(returnDiscount) } }

  private func flush(_ discount: Double) {
    var sum = 0.0
    for index in running.indices.reversed() {
      sum = Double(running[index].reward) + discount * sum
      running[index].returnToGo = Float(sum)
    }
    for row in running { online.append(row) }
    running = []
  }

  /// - Parameter environmentSteps: t of the schedule, held during a block of updates.
  func sample(
    into batch: inout Batch, environmentSteps: Int, using generator: inout RandomStream
  ) throws(ReplayError) {
    try sampler.sample(
      into: &batch, offline: offline, online: online, environmentSteps: environmentSteps,
      using: &generator)
  }

  func onlineFraction(environmentSteps: Int) -> Double {
    sampler.onlineFraction(
      offlineCount: keepsOffline ? offline.count : 0, onlineCount: online.count,
      environmentSteps: environmentSteps)
  }

  /// The online buffer and the running episode; the dataset is read again.
  var state: NamedTensors {
    var state = online.state
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
    guard returnDiscount != nil else { return }
    let count = Int(try state.integers("runningCount", count: 1)[0])
    var held = heldBuffer(count)
    try held.restore(state.part("running"))
    running = (0..<count).map { held[$0] }
  }
}

extension OnlineSettings {
  /// The scheme of ``replay``.
  var sampler: any ReplaySampler {
    get throws(ReplayError) {
      switch (replay, schedule) {
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
