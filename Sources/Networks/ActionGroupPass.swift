internal import CVectorKernels
package import DenseMath

/// Q(s, a) of many actions of each state and its gradients, on the units that are on.
///
/// Does what ``CriticPass`` does, to float rounding. The actions of one state switch nearly the same
/// units on, so the units are found that are on for at least one of 32 actions side by side, and
/// only these take part in the products forward and backward (`docs/numerics.md`). For processors
/// with AVX-512. One thread at a time.
package final class ActionGroupPass: ManyActionsPass, @unchecked Sendable {
  private let shape: NetworkShape
  private let actionSize: Int
  private let observationSize: Int
  private let firstLayer: FirstLayerStates
  /// Sums over lanes towards W₁ᵃ (`bk_group_first_layer_backward`), `[units, sums]`.
  private let actionWeightSums: FloatBuffer
  /// Gradients of the head's weight and, from the second layer on, of biases, `[units, 16]`.
  private let headSums: FloatBuffer
  private let biasSums: [FloatBuffer]
  /// Weights between hidden layers as `begin` found them: in tiles, and as `[inputs, outputs]`.
  private let tiledWeights: [FloatBuffer]
  private let turnedWeights: [FloatBuffer]
  /// Activations of each group of the last forward pass.
  private let groups: [ActionGroup]
  /// Gradients with respect to pre-activations of one group.
  private let delta: [FloatBuffer]
  private let scratch: FloatBuffer
  private let lanes: UnsafeMutablePointer<Int32>

  private static let lanesPerGroup = Int(BK_GROUP)
  private static let tile = Int(BK_GROUP_TILE)

  /// Whether groups are worth their while: lanes without an action cost as much as those with one.
  package static func suits(repeats: Int) -> Bool {
    DenseProduct.method == .own && 8 * repeats >= 5 * lanes(repeats: repeats)
  }

  /// Lanes that the actions of one state take up, those without an action included.
  package static func lanes(repeats: Int) -> Int { groupsPerState(repeats) * lanesPerGroup }

  private static func groupsPerState(_ repeats: Int) -> Int {
    (repeats + lanesPerGroup - 1) / lanesPerGroup
  }

  /// - Parameters:
  ///   - shape: input `observationSize + actionSize`, output 1.
  ///   - maximumStates: states between `begin` and `finish`.
  ///   - blockStates: states of one forward pass.
  ///   - repeats: actions of each state.
  package init(
    shape: NetworkShape, actionSize: Int, maximumStates: Int, blockStates: Int, repeats: Int
  ) {
    precondition(shape.outputSize == 1, "a critic has one output, not \(shape.outputSize)")
    self.shape = shape
    self.actionSize = actionSize
    observationSize = shape.inputSize - actionSize
    firstLayer = FirstLayerStates(
      shape: shape, observationSize: observationSize, maximumStates: maximumStates)
    let sizes = shape.hiddenSizes
    let lanesPerGroup = Self.lanesPerGroup
    let tile = Self.tile
    actionWeightSums = FloatBuffer(count: sizes[0] * bk_group_sums(actionSize))
    headSums = FloatBuffer(count: sizes.last! * 16)
    biasSums = sizes.dropFirst().map { FloatBuffer(count: $0 * 16) }
    tiledWeights = zip(sizes, sizes.dropFirst()).map { inputs, outputs in
      FloatBuffer(count: (outputs + tile - 1) / tile * tile * inputs)
    }
    turnedWeights = zip(sizes, sizes.dropFirst()).map { FloatBuffer(count: $0 * $1) }
    delta = sizes.map { FloatBuffer(count: ($0 + tile) * lanesPerGroup) }
    scratch = FloatBuffer(count: bk_group_scratch(sizes.max()!))
    lanes = .allocate(capacity: lanesPerGroup)
    lanes.initialize(repeating: 0, count: lanesPerGroup)
    groups = (0..<blockStates * Self.groupsPerState(repeats)).map { _ in
      ActionGroup(sizes: sizes, actionSize: actionSize)
    }
  }

  deinit { lanes.deallocate() }

  package func begin(_ critic: NetworkView, observations: MatrixView) {
    firstLayer.compute(critic, observations: observations)
    for index in tiledWeights.indices {
      let weight = critic.weight(index + 1)
      bk_group_arrange(
        weight.base, weight.stride, weight.columns, weight.rows, tiledWeights[index].base,
        turnedWeights[index].base)
    }
  }

  package func clearGradient(states: Int) {
    firstLayer.clearGradient(states: states)
    actionWeightSums.base.update(repeating: 0, count: actionWeightSums.count)
    headSums.base.update(repeating: 0, count: headSums.count)
    for sums in biasSums { sums.base.update(repeating: 0, count: sums.count) }
  }

  package func forward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    into q: UnsafeMutablePointer<Float>
  ) {
    let perState = Self.groupsPerState(repeats)
    precondition(states.count * perState <= groups.count, "\(states.count) states in one pass")
    for (place, state) in states.enumerated() {
      for part in 0..<perState {
        let first = place * repeats + part * Self.lanesPerGroup
        let count = min(Self.lanesPerGroup, (place + 1) * repeats - first)
        let group = groups[place * perState + part]
        group.load(actions + first * actionSize, count: count)
        evaluate(critic, state: state, group: group)
        (q + first).update(from: group.q.base, count: count)
      }
    }
  }

  private func evaluate(_ critic: NetworkView, state: Int, group: ActionGroup) {
    let weight = critic.weight(0)
    group.counts[0] = bk_group_first_layer(
      firstLayer.values.base + state * shape.hiddenSizes[0], group.actions.base, actionSize,
      weight.base + observationSize, weight.stride, shape.hiddenSizes[0], group.rows[0].base,
      group.units[0])
    for layer in shape.hiddenSizes.indices.dropFirst() {
      group.counts[layer] = bk_group_layer(
        group.rows[layer - 1].base, group.units[layer - 1], group.counts[layer - 1],
        tiledWeights[layer - 1].base, shape.hiddenSizes[layer - 1], critic.bias(layer),
        shape.hiddenSizes[layer], group.rows[layer].base, group.units[layer])
    }
    let last = shape.hiddenSizes.count - 1
    let head = critic.layout.head
    bk_group_dot(
      group.rows[last].base, group.units[last], group.counts[last],
      critic.base + head.weight, critic.base[head.bias], group.q.base)
  }

  package func backward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    rowGradient: UnsafePointer<Float>, rows: UnsafePointer<Int32>, count: Int,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    let perState = Self.groupsPerState(repeats)
    var headBias: Float = 0
    var i = 0
    while i < count {
      let state = Int(rows[i]) / repeats
      let part = Int(rows[i]) % repeats / Self.lanesPerGroup
      let group = groups[state * perState + part]
      let first = state * repeats + part * Self.lanesPerGroup
      let end = min(first + Self.lanesPerGroup, (state + 1) * repeats)
      group.rowGradient.base.update(repeating: 0, count: Self.lanesPerGroup)
      var kept = 0
      while i < count, Int(rows[i]) < end {
        let row = Int(rows[i])
        headBias += rowGradient[row]
        group.rowGradient.base[row - first] = rowGradient[row]
        lanes[kept] = Int32(row - first)
        kept += 1
        i += 1
      }
      differentiate(
        critic, state: states.lowerBound + state, group: group, kept: kept, into: gradient)
    }
    gradient[critic.layout.head.bias] += headBias
  }

  private func differentiate(
    _ critic: NetworkView, state: Int, group: ActionGroup, kept: Int,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    let last = shape.hiddenSizes.count - 1
    bk_group_dot_backward(
      group.rowGradient.base, group.rows[last].base, group.units[last], group.counts[last],
      critic.base + critic.layout.head.weight, delta[last].base, headSums.base,
      last == 0 ? nil : biasSums[last - 1].base)
    for layer in Swift.stride(from: last, to: 0, by: -1) {
      let below = layer - 1
      bk_group_weight_gradient(
        delta[layer].base, group.units[layer], group.counts[layer], group.rows[below].base,
        group.units[below], group.counts[below], shape.hiddenSizes[below], lanes, kept,
        scratch.base, gradient + critic.layout.layers[layer].weight)
      bk_group_layer_backward(
        delta[layer].base, group.units[layer], group.counts[layer], turnedWeights[below].base,
        shape.hiddenSizes[layer], group.rows[below].base, group.units[below], group.counts[below],
        delta[below].base, below == 0 ? nil : biasSums[below - 1].base)
    }
    bk_group_first_layer_backward(
      delta[0].base, group.units[0], group.counts[0], group.actions.base, actionSize,
      actionWeightSums.base, firstLayer.gradient.base + state * shape.hiddenSizes[0])
  }

  package func finish(
    _ critic: NetworkView, observations: MatrixView, into gradient: UnsafeMutablePointer<Float>
  ) {
    firstLayer.addGradient(critic, observations: observations, into: gradient)
    let first = critic.layout.layers[0]
    let stride = bk_group_sums(actionSize)
    for unit in 0..<first.outputs {
      for k in 0..<actionSize {
        gradient[first.weight + unit * first.inputs + observationSize + k] +=
          actionWeightSums.base[unit * stride + 1 + k]
      }
    }
    for (sums, layer) in zip(biasSums, critic.layout.layers.dropFirst()) {
      bk_group_add_sums(sums.base, gradient + layer.bias, layer.outputs)
    }
    let head = critic.layout.head
    bk_group_add_sums(headSums.base, gradient + head.weight, head.inputs)
  }
}

/// The activations of 32 actions of one state.
private final class ActionGroup {
  /// `[actionSize, 32]`.
  let actions: FloatBuffer
  /// `[32]`.
  let q: FloatBuffer
  let rowGradient: FloatBuffer
  /// For each hidden layer the units that are on, their numbers and how many they are.
  let rows: [FloatBuffer]
  let units: [UnsafeMutablePointer<Int32>]
  let counts: UnsafeMutablePointer<Int>
  private let actionSize: Int

  private static let lanes = Int(BK_GROUP)

  init(sizes: [Int], actionSize: Int) {
    self.actionSize = actionSize
    actions = FloatBuffer(count: actionSize * Self.lanes)
    q = FloatBuffer(count: Self.lanes)
    rowGradient = FloatBuffer(count: Self.lanes)
    rows = sizes.map { FloatBuffer(count: ($0 + Int(BK_GROUP_TILE)) * Self.lanes) }
    units = sizes.map {
      let list = UnsafeMutablePointer<Int32>.allocate(capacity: $0 + Int(BK_GROUP_TILE))
      list.initialize(repeating: 0, count: $0 + Int(BK_GROUP_TILE))
      return list
    }
    counts = .allocate(capacity: sizes.count)
    counts.initialize(repeating: 0, count: sizes.count)
  }

  deinit {
    for list in units { list.deallocate() }
    counts.deallocate()
  }

  /// Takes `count` ≤ 32 actions, `[count, actionSize]`. The other lanes repeat the first action, which
  /// switches no further unit on.
  func load(_ source: UnsafePointer<Float>, count: Int) {
    for k in 0..<actionSize {
      let lane = actions.base + k * Self.lanes
      for i in 0..<count { lane[i] = source[i * actionSize + k] }
      for i in count..<Self.lanes { lane[i] = source[k] }
    }
  }
}
