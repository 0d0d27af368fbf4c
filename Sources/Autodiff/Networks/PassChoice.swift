/// What a pass over many actions has done, in whole numbers: sums do not depend on their order.
package struct PassTally: Sendable, Equatable {
  /// States whose actions went through groups, and through whole rows.
  package var groupedStates = 0
  package var denseStates = 0
  /// Rows forward and backward.
  package var rows = 0
  package var keptRows = 0
  /// Hidden units that were on for one of sixteen actions, of so many looked at; in groups.
  package var unitsOn = 0
  package var units = 0
  /// Multiply-adds in groups between hidden layers: forward and towards the layer below, and towards weights.
  package var products = 0
  package var weightProducts = 0

  package init() {}

  package static func += (sum: inout PassTally, other: PassTally) {
    sum.groupedStates += other.groupedStates
    sum.denseStates += other.denseStates
    sum.rows += other.rows
    sum.keptRows += other.keptRows
    sum.unitsOn += other.unitsOn
    sum.units += other.units
    sum.products += other.products
    sum.weightProducts += other.weightProducts
  }
}

/// How the actions of one state are worked off.
package enum PassKind: String, Sendable, CaseIterable {
  /// ``ActionGroupPass``.
  case groups
  /// ``CriticPass``.
  case dense
}

/// The rule by which ``AdaptivePass`` goes on after its first states.
package enum PassChoice {
  /// Time of a multiply-add towards weights in groups, in those of the others: the gradient's rows are read and
  /// written once for each state. One of whole rows costs as much as one of groups: what OpenBLAS spends on rearranging
  /// its factors, groups spend on their lists.
  static let weightCost = 1.35

  /// Chooses what takes less time on states like those that `tally` tells of, which went through groups.
  package static func kind(_ tally: PassTally, shape: NetworkShape) -> PassKind {
    let sizes = shape.hiddenSizes
    let inner = zip(sizes, sizes.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
    let dense = Double(inner * (tally.rows + 2 * tally.keptRows))
    let groups = Double(tally.products) + weightCost * Double(tally.weightProducts)
    return groups <= dense ? .groups : .dense
  }
}
