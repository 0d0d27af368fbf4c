public import DenseMath
public import RLCore

/// A way of drawing minibatches from an offline and an online buffer.
public protocol ReplaySampler: Sendable {
  /// Fills `batch` and says how many of its rows are online ones; they come first.
  ///
  /// - Parameters:
  ///   - environmentSteps: t, online environment steps taken so far; held during a block of updates.
  ///   - generator: one stream per update.
  /// - Throws: ``ReplayError`` where a needed buffer is empty.
  @discardableResult
  func sample(
    into batch: inout Batch, offline: ReplayBuffer, online: ReplayBuffer, environmentSteps: Int,
    using generator: inout RandomStream
  ) throws(ReplayError) -> Int

  /// Share of online rows that ``sample(into:offline:online:environmentSteps:using:)`` aims at.
  func onlineFraction(offlineCount: Int, onlineCount: Int, environmentSteps: Int) -> Double
}

/// Every stored transition, offline or online, with the same probability.
public struct UniformSampler: ReplaySampler {
  public init() {}

  public func onlineFraction(
    offlineCount: Int, onlineCount: Int, environmentSteps: Int
  ) -> Double {
    offlineCount + onlineCount == 0 ? 0 : Double(onlineCount) / Double(offlineCount + onlineCount)
  }

  @discardableResult
  public func sample(
    into batch: inout Batch, offline: ReplayBuffer, online: ReplayBuffer, environmentSteps: Int,
    using generator: inout RandomStream
  ) throws(ReplayError) -> Int {
    let total = offline.count + online.count
    guard total > 0 else { throw .empty(buffer: "offline and the online") }
    // Only the number of online rows is drawn row by row; which rows is the buffers' business.
    var onlineRows = 0
    for _ in 0..<batch.size where generator.index(below: total) >= offline.count { onlineRows += 1 }
    try online.sample(0..<onlineRows, of: &batch, using: &generator)
    try offline.sample(onlineRows..<batch.size, of: &batch, using: &generator)
    return onlineRows
  }
}

/// Online transitions only; the dataset is ignored.
public struct OnlineOnlySampler: ReplaySampler {
  public init() {}

  public func onlineFraction(
    offlineCount: Int, onlineCount: Int, environmentSteps: Int
  ) -> Double { 1 }

  @discardableResult
  public func sample(
    into batch: inout Batch, offline: ReplayBuffer, online: ReplayBuffer, environmentSteps: Int,
    using generator: inout RandomStream
  ) throws(ReplayError) -> Int {
    try online.sample(0..<batch.size, of: &batch, using: &generator)
    return batch.size
  }
}
