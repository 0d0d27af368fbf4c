/// Sizes of an update that the time depends on; as in `docs/numerics.md`.
struct UpdateSize: Sendable, Equatable {
  /// N: CQL agents, or twin pairs of critics online.
  var members: Int
  /// B.
  var batchSize: Int
  /// H, L times.
  var hiddenSizes: [Int]
  /// n: actions of each of the three kinds in a CQL update.
  var sampledActions: Int

  init(
    members: Int = 1, batchSize: Int = 256, width: Int = 256, depth: Int = 2,
    sampledActions: Int = 10
  ) {
    self.members = members
    self.batchSize = batchSize
    hiddenSizes = [Int](repeating: width, count: depth)
    self.sampledActions = sampledActions
  }

  var label: String {
    "n\(members)-b\(batchSize)-\(hiddenSizes.count)x\(hiddenSizes[0])"
  }

  /// Updates in one turn of a measurement: `standard` at the usual size, fewer where each takes longer.
  func iterations(standard: Int, cost: UpdateCost) -> Int {
    // Products of the benchmark with two layers of 256, batch 256 and, online, five pairs.
    let usual = cost.isConservative ? UpdateCost.cql(UpdateSize()) : .online(UpdateSize(members: 5))
    let share = usual.multiplyAdds / cost.multiplyAdds
    return max(2, min(4 * standard, Int((Double(standard) * share).rounded())))
  }
}
