internal import CVectorKernels
package import DenseMath

/// Q(s, a) of many actions of each state and its gradients, on the units that are on.
///
/// Does what ``CriticPass`` does, to float rounding. The actions of one state switch nearly the same
/// units on. Forward, sixteen actions stand side by side, and a product runs over the units below
/// that are on for at least one of them. Backward, up to 32 actions that need a gradient are put side by side
/// and the units that are on for one of these found again; products run over these above and
/// below (`docs/numerics.md`). One thread at a time.
package final class ActionGroupPass: ManyActionsPass, @unchecked Sendable {
  private let shape: NetworkShape
  private let actionSize: Int
  private let observationSize: Int
  private let firstLayer: FirstLayerStates
  /// Sums over lanes towards W₁ᵃ (`bk_group_first_layer_backward`), `[units, sums]`.
  private let actionWeightSums: FloatBuffer
  /// Gradients of the head's weight and, from the second layer on, of biases, `[units, 8]`.
  private let headSums: FloatBuffer
  private let biasSums: [FloatBuffer]
  /// Weights between hidden layers as `begin` found them, as `bk_group_arrange` orders them.
  private let arrangedWeights: [FloatBuffer]
  /// Activations of the last forward pass, sixteen actions each.
  private let halves: [HalfGroup]
  /// The lanes of one group that need a gradient.
  private let kept: KeptLanes
  private let scratch: FloatBuffer
  /// What was done since `begin`.
  package private(set) var tally = PassTally()

  private static let lanesPerHalf = Int(BK_HALF_GROUP)

  /// Whether the lanes are filled well enough: those without an action cost as much as those with one.
  package static func suits(repeats: Int) -> Bool { 8 * repeats >= 5 * lanes(repeats: repeats) }

  /// Lanes that the actions of one state take up in a forward pass, those without an action included.
  package static func lanes(repeats: Int) -> Int { halvesPerState(repeats) * lanesPerHalf }

  private static func halvesPerState(_ repeats: Int) -> Int {
    (repeats + lanesPerHalf - 1) / lanesPerHalf
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
    actionWeightSums = FloatBuffer(count: sizes[0] * bk_group_sums(actionSize))
    headSums = FloatBuffer(count: sizes.last! * 8)
    biasSums = sizes.dropFirst().map { FloatBuffer(count: $0 * 8) }
    arrangedWeights = zip(sizes, sizes.dropFirst()).map { inputs, outputs in
      FloatBuffer(count: (outputs + Int(BK_GROUP_ROOM)) * inputs)
    }
    kept = KeptLanes(sizes: sizes, actionSize: actionSize)
    scratch = FloatBuffer(count: bk_group_scratch(sizes.max()!))
    halves = (0..<blockStates * Self.halvesPerState(repeats)).map { _ in
      HalfGroup(sizes: sizes, actionSize: actionSize)
    }
  }

  package func begin(_ critic: NetworkView, observations: MatrixView) {
    firstLayer.compute(critic, observations: observations)
    for index in arrangedWeights.indices {
      let weight = critic.weight(index + 1)
      bk_group_arrange(
        weight.base, weight.stride, weight.columns, weight.rows, arrangedWeights[index].base)
    }
    clearTally()
  }

  package func clearTally() { tally = PassTally() }

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
    let perState = Self.halvesPerState(repeats)
    precondition(states.count * perState <= halves.count, "\(states.count) states in one pass")
    for (place, state) in states.enumerated() {
      for index in 0..<perState {
        let first = place * repeats + index * Self.lanesPerHalf
        let count = min(Self.lanesPerHalf, (place + 1) * repeats - first)
        let half = halves[place * perState + index]
        half.load(actions + first * actionSize, count: count)
        evaluate(critic, state: state, half: half)
        (q + first).update(from: half.q.base, count: count)
      }
    }
    tally.groupedStates += states.count
    tally.rows += states.count * repeats
  }

  private func evaluate(_ critic: NetworkView, state: Int, half: HalfGroup) {
    let weight = critic.weight(0)
    half.counts[0] = bk_group_first_layer(
      firstLayer.values.base + state * shape.hiddenSizes[0], half.actions.base, actionSize,
      weight.base + observationSize, weight.stride, shape.hiddenSizes[0], half.rows[0].base,
      half.units[0], half.places[0])
    tally.unitsOn += half.counts[0]
    for layer in shape.hiddenSizes.indices.dropFirst() {
      let (inputs, units) = (half.counts[layer - 1], shape.hiddenSizes[layer])
      half.counts[layer] = bk_group_layer(
        half.rows[layer - 1].base, half.units[layer - 1], inputs, arrangedWeights[layer - 1].base,
        shape.hiddenSizes[layer - 1], critic.bias(layer), units, half.rows[layer].base,
        half.units[layer], half.places[layer])
      tally.unitsOn += half.counts[layer]
      tally.products += inputs * units * Self.lanesPerHalf
    }
    tally.units += shape.hiddenSizes.reduce(0, +)
    let last = shape.hiddenSizes.count - 1
    let head = critic.layout.head
    bk_group_dot(
      half.rows[last].base, half.units[last], half.counts[last],
      critic.base + head.weight, critic.base[head.bias], half.q.base)
  }

  package func backward(
    _ critic: NetworkView, states: Range<Int>, repeats: Int, actions: UnsafePointer<Float>,
    rowGradient: UnsafePointer<Float>, rows: UnsafePointer<Int32>, count: Int,
    into gradient: UnsafeMutablePointer<Float>
  ) {
    let perState = Self.halvesPerState(repeats)
    var headBias: Float = 0
    var i = 0
    while i < count {
      let state = Int(rows[i]) / repeats
      let group = Int(rows[i]) % repeats / Int(BK_GROUP)
      let first = state * repeats + group * Int(BK_GROUP)
      let end = min(first + Int(BK_GROUP), (state + 1) * repeats)
      kept.clear()
      while i < count, Int(rows[i]) < end {
        let row = Int(rows[i])
        headBias += rowGradient[row]
        kept.add(lane: row - first, gradient: rowGradient[row])
        i += 1
      }
      let half = state * perState + 2 * group
      kept.gather(
        halves[half], 2 * group + 1 < perState ? halves[half + 1] : halves[half],
        units: shape.hiddenSizes)
      differentiate(critic, state: states.lowerBound + state, into: gradient)
    }
    tally.keptRows += count
    gradient[critic.layout.head.bias] += headBias
  }

  private func differentiate(
    _ critic: NetworkView, state: Int, into gradient: UnsafeMutablePointer<Float>
  ) {
    let last = shape.hiddenSizes.count - 1
    bk_group_dot_backward(
      kept.rowGradient.base, kept.width, kept.rows[last].base, kept.units[last], kept.counts[last],
      critic.base + critic.layout.head.weight, kept.delta[last].base, headSums.base,
      last == 0 ? nil : biasSums[last - 1].base)
    for layer in Swift.stride(from: last, to: 0, by: -1) {
      let below = layer - 1
      bk_group_weight_gradient(
        kept.delta[layer].base, kept.width, kept.count, kept.units[layer], kept.counts[layer],
        kept.rows[below].base, kept.units[below], kept.counts[below], shape.hiddenSizes[below],
        scratch.base, gradient + critic.layout.layers[layer].weight)
      bk_group_layer_backward(
        kept.delta[layer].base, kept.width, kept.units[layer], kept.counts[layer],
        arrangedWeights[below].base, shape.hiddenSizes[below], kept.rows[below].base,
        kept.units[below], kept.counts[below], kept.scratch, kept.delta[below].base,
        below == 0 ? nil : biasSums[below - 1].base)
      tally.products += kept.counts[layer] * kept.counts[below] * kept.width
      tally.weightProducts += kept.counts[layer] * kept.counts[below] * kept.count
    }
    bk_group_first_layer_backward(
      kept.delta[0].base, kept.width, kept.units[0], kept.counts[0], kept.actions.base, actionSize,
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

private func numbers(_ count: Int) -> UnsafeMutablePointer<Int32> {
  let list = UnsafeMutablePointer<Int32>.allocate(capacity: count)
  list.initialize(repeating: 0, count: count)
  return list
}

/// The hidden units of each layer that are on: `width` lanes for each, their numbers, and how many.
private class UnitsOn {
  let rows: [FloatBuffer]
  let units: [UnsafeMutablePointer<Int32>]
  let counts: UnsafeMutablePointer<Int>

  init(sizes: [Int], width: Int) {
    rows = sizes.map { FloatBuffer(count: ($0 + Int(BK_GROUP_ROOM)) * width) }
    units = sizes.map { numbers($0 + Int(BK_GROUP_ROOM)) }
    counts = .allocate(capacity: sizes.count)
    counts.initialize(repeating: 0, count: sizes.count)
  }

  deinit {
    for list in units { list.deallocate() }
    counts.deallocate()
  }
}

/// Sixteen actions of one state and their activations.
private final class HalfGroup: UnitsOn {
  /// `[actionSize, 16]`.
  let actions: FloatBuffer
  let q: FloatBuffer
  /// The row of each unit, on or off.
  let places: [UnsafeMutablePointer<Int32>]
  private let actionSize: Int

  fileprivate static let lanes = Int(BK_HALF_GROUP)

  init(sizes: [Int], actionSize: Int) {
    self.actionSize = actionSize
    actions = FloatBuffer(count: actionSize * Self.lanes)
    q = FloatBuffer(count: Self.lanes)
    places = sizes.map { numbers($0 + Int(BK_GROUP_ROOM)) }
    super.init(sizes: sizes, width: Self.lanes)
  }

  deinit { for list in places { list.deallocate() } }

  /// Takes `count` ≤ 16 actions, `[count, actionSize]`. The other lanes repeat the first action, which
  /// switches no further unit on.
  func load(_ source: UnsafePointer<Float>, count: Int) {
    for k in 0..<actionSize {
      let lane = actions.base + k * Self.lanes
      for i in 0..<count { lane[i] = source[i * actionSize + k] }
      for i in count..<Self.lanes { lane[i] = source[k] }
    }
  }
}

/// Up to 32 actions of one state that need a gradient, side by side.
private final class KeptLanes: UnitsOn {
  /// How many they are, and with those that fill up the last eight.
  private(set) var count = 0
  private(set) var width = 0
  /// `[actionSize, width]`.
  let actions: FloatBuffer
  /// `[width]`; 0 where there is no action.
  let rowGradient: FloatBuffer
  /// Gradients with respect to the pre-activations of the units that are on.
  let delta: [FloatBuffer]
  /// Scratch of `bk_group_layer_backward`.
  let scratch: UnsafeMutablePointer<Int32>
  private let lanes: UnsafeMutablePointer<Int32>
  private let actionSize: Int

  init(sizes: [Int], actionSize: Int) {
    let most = Int(BK_GROUP)
    self.actionSize = actionSize
    actions = FloatBuffer(count: actionSize * most)
    rowGradient = FloatBuffer(count: most)
    delta = sizes.map { FloatBuffer(count: ($0 + Int(BK_GROUP_ROOM)) * most) }
    lanes = numbers(most)
    scratch = numbers(sizes.max()!)
    super.init(sizes: sizes, width: most)
  }

  deinit {
    lanes.deallocate()
    scratch.deallocate()
  }

  func clear() { count = 0 }

  func add(lane: Int, gradient: Float) {
    lanes[count] = Int32(lane)
    rowGradient.base[count] = gradient
    count += 1
  }

  /// Fetches actions and activations of the lanes added.
  /// - Parameter units: of each layer.
  func gather(_ first: HalfGroup, _ second: HalfGroup, units sizes: [Int]) {
    width = bk_group_width(count)
    for i in count..<width { rowGradient.base[i] = 0 }
    for k in 0..<actionSize {
      let out = actions.base + k * width
      for i in 0..<count {
        let lane = Int(lanes[i])
        out[i] =
          lane < HalfGroup.lanes
          ? first.actions.base[k * HalfGroup.lanes + lane]
          : second.actions.base[(k - 1) * HalfGroup.lanes + lane]
      }
      for i in count..<width { out[i] = 0 }
    }
    for layer in rows.indices {
      counts[layer] = bk_group_keep(
        first.rows[layer].base, first.places[layer], second.rows[layer].base,
        second.places[layer], sizes[layer], lanes, count, rows[layer].base, units[layer])
    }
  }
}
