public import DenseMath
public import RLCore

/// Balanced replay, BRED eq. 7: a scheduled share of each minibatch is online.
///
/// B·ρ_t rows come from the online buffer and the rest from the dataset, uniformly and with
/// replacement. The paper leaves rounding open; halves are rounded up here.
public struct BalancedSampler: ReplaySampler {
  /// ρ_t by environment steps.
  public let schedule: any MixingSchedule

  public init(schedule: any MixingSchedule) { self.schedule = schedule }

  public func onlineFraction(
    offlineCount: Int, onlineCount: Int, environmentSteps: Int
  ) -> Double { schedule.onlineFraction(at: environmentSteps) }

  /// n_on = ⌊B·ρ_t + ½⌋.
  /// - Throws: ``ReplayError/fractionOutOfRange(name:value:)`` for a schedule that leaves [0, 1].
  public func onlineRows(
    batchSize: Int, environmentSteps: Int
  ) throws(ReplayError) -> Int {
    let fraction = schedule.onlineFraction(at: environmentSteps)
    guard fraction >= 0 && fraction <= 1 else {
      throw .fractionOutOfRange(
        name: "the online fraction at step \(environmentSteps)", value: fraction)
    }
    return Int((Double(batchSize) * fraction + 0.5).rounded(.down))
  }

  @discardableResult
  public func sample(
    into batch: inout Batch, offline: ReplayBuffer, online: ReplayBuffer, environmentSteps: Int,
    using generator: inout RandomStream
  ) throws(ReplayError) -> Int {
    let onlineRows = try onlineRows(batchSize: batch.size, environmentSteps: environmentSteps)
    try online.sample(0..<onlineRows, of: &batch, using: &generator)
    try offline.sample(onlineRows..<batch.size, of: &batch, using: &generator)
    return onlineRows
  }
}
