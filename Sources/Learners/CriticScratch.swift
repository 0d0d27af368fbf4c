package import DenseMath
package import Networks

/// One thread's memory for working on a twin pair of critics: one action per state.
package final class CriticScratch: @unchecked Sendable {
  package let passes: [CriticPass]
  /// Q of each twin, `[rows]`.
  private let q: [FloatBuffer]
  /// y, `[rows]`.
  package let targets: FloatBuffer
  private let rowGradient: FloatBuffer
  private let selected: UnsafeMutablePointer<Int32>
  private let rows: Int

  package init(shape: NetworkShape, actionSize: Int, states: Int, rows: Int) {
    self.rows = rows
    passes = (0..<2).map { _ in
      CriticPass(shape: shape, actionSize: actionSize, maximumStates: states, maximumRows: rows)
    }
    q = (0..<2).map { _ in FloatBuffer(count: rows) }
    targets = FloatBuffer(count: rows)
    rowGradient = FloatBuffer(count: rows)
    selected = .allocate(capacity: rows)
    selected.initialize(repeating: 0, count: rows)
  }

  deinit { selected.deallocate() }

  /// y = r + γ·mask·[minⱼ Q̄ⱼ(s′, ã′) − w·log π(ã′∣s′)] into ``targets``.
  package func softTargets(
    _ twins: [TrainableNetwork], batch: BatchViews, rows: Range<Int>, next: ActorDraws,
    discount: Float, entropyWeight: Float
  ) {
    let observations = batch.nextObservations.rows(rows)
    let actions = next.actions.base + rows.lowerBound * next.actionSize
    for j in 0..<2 {
      passes[j].begin(twins[j].target!.view, observations: observations)
      passes[j].forward(
        twins[j].target!.view, states: 0..<rows.count, repeats: 1, actions: actions, into: q[j].base
      )
    }
    for i in 0..<rows.count {
      let row = rows.lowerBound + i
      let value = lesser(q[0].base[i], q[1].base[i]) - entropyWeight * next.logProbs.base[row]
      targets.base[i] = batch.rewards[row] + discount * batch.masks[row] * value
    }
  }

  package func targetSum(_ count: Int) -> Double {
    var sum = 0.0
    for i in 0..<count { sum += Double(targets.base[i]) }
    return sum
  }

  /// Adds the gradient of Σⱼ mean[(Qⱼ(s, a) − y)²] and leaves Qⱼ(s, ã) evaluated for
  /// ``twinMinimumGradient(_:rows:current:into:)``.
  /// - Returns: sums over rows and twins of the squared error and of Q(s, a).
  package func fitTargets(
    _ twins: [TrainableNetwork], batch: BatchViews, rows: Range<Int>, batchSize: Int, part: Int,
    current: ActorDraws
  ) -> (loss: Double, q: Double) {
    let observations = batch.observations.rows(rows)
    let actions = batch.actions.base + rows.lowerBound * current.actionSize
    let drawn = current.actions.base + rows.lowerBound * current.actionSize
    let states = 0..<rows.count
    var loss = 0.0
    var total = 0.0
    for j in 0..<2 {
      let critic = twins[j].network
      let gradient = twins[j].gradient(part: part)
      passes[j].begin(critic.view, observations: observations)
      passes[j].clearGradient(states: rows.count)
      passes[j].forward(critic.view, states: states, repeats: 1, actions: actions, into: q[j].base)
      for i in states {
        let error = q[j].base[i] - targets.base[i]
        loss += Double(error * error)
        total += Double(q[j].base[i])
        rowGradient.base[i] = 2 * error / Float(batchSize)
      }
      passes[j].backward(
        critic.view, states: states, repeats: 1, actions: actions, rowGradient: rowGradient.base,
        rows: passes[j].allRows, count: rows.count, into: gradient)
      passes[j].finish(critic.view, observations: observations, into: gradient)
      passes[j].forward(critic.view, states: states, repeats: 1, actions: drawn, into: q[j].base)
    }
    return (loss, total)
  }

  /// Evaluates Qⱼ(s, ã) alone, where no critic is fitted in the same pass.
  package func evaluateDrawn(
    _ twins: [TrainableNetwork], batch: BatchViews, rows: Range<Int>, current: ActorDraws
  ) {
    for j in 0..<2 {
      passes[j].begin(twins[j].network.view, observations: batch.observations.rows(rows))
      passes[j].forward(
        twins[j].network.view, states: 0..<rows.count, repeats: 1,
        actions: current.actions.base + rows.lowerBound * current.actionSize, into: q[j].base)
    }
  }

  /// ∂ minⱼ Qⱼ(s, ã)/∂ã for `rows`, written into `[batchSize, actionSize]`. Each row goes backward
  /// through the lesser twin only.
  /// - Returns: Σ minⱼ Qⱼ(s, ã).
  package func twinMinimumGradient(
    _ twins: [TrainableNetwork], rows: Range<Int>, current: ActorDraws,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    var total = 0.0
    for i in 0..<rows.count {
      total += Double(lesser(q[0].base[i], q[1].base[i]))
      rowGradient.base[i] = 1
    }
    for j in 0..<2 {
      var count = 0
      for i in 0..<rows.count where (q[1].base[i] < q[0].base[i]) == (j == 1) {
        selected[count] = Int32(i)
        count += 1
      }
      passes[j].actionGradient(
        twins[j].network.view, rowGradient: rowGradient.base, rows: selected, count: count,
        into: gradient + rows.lowerBound * current.actionSize)
    }
    return total
  }
}

/// The smaller of two; NaN if the first is NaN, so that it is noticed.
@inline(__always)
func lesser(_ a: Float, _ b: Float) -> Float { b < a ? b : a }
