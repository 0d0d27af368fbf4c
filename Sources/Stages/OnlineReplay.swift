import Configuration
import DenseMath
import Environments
import FineTuning
import RLCore
import Replay

/// The two buffers of online training and the scheme that mixes them.
final class OnlineReplay {
  private let offline: ReplayBuffer
  private(set) var online: ReplayBuffer
  private let sampler: any ReplaySampler
  private let keepsOffline: Bool

  /// Fine-tuning's replay: the dataset, room for every online step, and the configured scheme.
  init(
    _ configuration: FineTuneConfiguration, data: OfflineData,
    specification: EnvironmentSpecification
  ) throws {
    offline = data.buffer
    keepsOffline = true
    online = OnlineReplay.ring(configuration.environmentSteps, specification)
    let share = configuration.initialOnlineFraction
    let final = configuration.finalTimestep
    switch (configuration.replay, configuration.schedule) {
    case (.uniform, _): sampler = UniformSampler()
    case (.onlineOnly, _): sampler = OnlineOnlySampler()
    case (.balanced, .linear):
      sampler = BalancedSampler(
        schedule: try LinearSchedule(initialFraction: share, finalStep: final))
    case (.balanced, .exponential):
      sampler = BalancedSampler(
        schedule: try ExponentialSchedule(initialFraction: share, finalStep: final))
    }
  }

  /// Online transitions alone: training from scratch.
  init(capacity: Int, specification: EnvironmentSpecification) {
    offline = ReplayBuffer(
      capacity: 1, observationSize: specification.observationSize,
      actionSize: specification.actionSize)
    keepsOffline = false
    online = OnlineReplay.ring(capacity, specification)
    sampler = OnlineOnlySampler()
  }

  private static func ring(
    _ capacity: Int, _ specification: EnvironmentSpecification
  ) -> ReplayBuffer {
    ReplayBuffer(
      capacity: capacity, observationSize: specification.observationSize,
      actionSize: specification.actionSize, positionSize: specification.positionSize,
      velocitySize: specification.velocitySize)
  }

  func append(_ step: CollectedStep) { online.append(ReplayRow(step)) }

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

  /// The online buffer; the dataset is read again.
  var state: NamedTensors { online.state }

  func restore(_ state: NamedTensors) throws(StateError) { try online.restore(state) }
}
