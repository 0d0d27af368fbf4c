/// Weights in the leaves of a binary tree whose inner nodes hold sums, so that a leaf is drawn in
/// proportion to its weight, or given another one, in log₂(count) steps.
///
/// Every inner node is the sum of its two children, whatever the order of changes: the tree is a function of
/// its leaves.
package struct SumTree: Sendable {
  package let count: Int
  /// Leaves of the full tree, a power of two; those from `count` on weigh nothing.
  private let width: Int
  /// Root at 1, children of k at 2k and 2k + 1, leaf i at `width` + i.
  private var nodes: [Double]

  package init(count: Int) {
    precondition(count > 0, "a sum tree of \(count) leaves")
    self.count = count
    var width = 1
    while width < count { width *= 2 }
    self.width = width
    nodes = [Double](repeating: 0, count: 2 * width)
  }

  package var total: Double { nodes[1] }

  package subscript(leaf: Int) -> Float {
    get { Float(nodes[width + leaf]) }
    set {
      precondition(leaf >= 0 && leaf < count, "leaf \(leaf) of \(count)")
      var node = width + leaf
      nodes[node] = Double(newValue)
      while node > 1 {
        node /= 2
        nodes[node] = nodes[2 * node] + nodes[2 * node + 1]
      }
    }
  }

  /// Replaces the first leaves, all sums at once.
  package mutating func replace(_ weights: some Collection<Float>) {
    precondition(weights.count <= count, "\(weights.count) weights for \(count) leaves")
    for (leaf, weight) in weights.enumerated() { nodes[width + leaf] = Double(weight) }
    for node in stride(from: width - 1, to: 0, by: -1) {
      nodes[node] = nodes[2 * node] + nodes[2 * node + 1]
    }
  }

  /// Σ of the leaves before `leaf`.
  package func sum(before leaf: Int) -> Double {
    var (sum, node) = (0.0, width + leaf)
    guard leaf < width else { return total }
    while node > 1 {
      if node % 2 == 1 { sum += nodes[node - 1] }
      node /= 2
    }
    return sum
  }

  /// The leaf in which `mass`, from 0 to ``total``, lies when the weights are laid end to end; never one
  /// without weight.
  package func leaf(at mass: Double) -> Int {
    var (rest, node) = (mass, 1)
    while node < width {
      let left = nodes[2 * node]
      // Rounding can carry a mass beyond the last weight: then the other side has none.
      if rest < left || nodes[2 * node + 1] == 0 {
        node = 2 * node
      } else {
        rest -= left
        node = 2 * node + 1
      }
    }
    return node - width
  }
}
