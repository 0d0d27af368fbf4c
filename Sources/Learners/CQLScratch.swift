internal import CVectorKernels
import DenseMath
package import Networks

/// One thread's memory for the critic's part of a CQL update.
///
/// The minibatch is worked off in blocks of a few states with all their actions, small enough that a
/// block's activations stay in the core's own cache: forward, log-sum-exp and backward happen before
/// the next block begins, and nothing of all 31·B rows is ever stored.
package final class CQLScratch: @unchecked Sendable {
  private let configuration: ConservativeQLearning.Configuration
  private let actionSize: Int
  package let twins: CriticScratch
  /// For the data's action and the sampled ones together.
  package let regularizerPass: AdaptivePass
  private let actions: FloatBuffer
  private let q: FloatBuffer
  private let otherQ: FloatBuffer
  private let rowGradient: FloatBuffer
  private let logits: FloatBuffer
  private let softmax: FloatBuffer
  private let logSumExp: FloatBuffer
  private let kept: UnsafeMutablePointer<Int32>

  /// Rows of smaller softmax weight get no backward pass: all of them together change the gradient
  /// by less than half a unit in the last place.
  static let negligibleWeight: Float = 0x1p-30
  var negligibleWeight = CQLScratch.negligibleWeight

  init(
    configuration: ConservativeQLearning.Configuration, shape: NetworkShape, actionSize: Int
  ) {
    self.configuration = configuration
    self.actionSize = actionSize
    let perState = configuration.rowsPerState
    let pieceRows = min(128, configuration.batchSize)
    let maximumStates = max(64, pieceRows)
    twins = CriticScratch(
      shape: shape, actionSize: actionSize, states: pieceRows, rows: pieceRows)
    regularizerPass = AdaptivePass(
      shape: shape, actionSize: actionSize, maximumStates: maximumStates, repeats: perState,
      maximumRows: max(256, perState))
    let rows = max(regularizerPass.maximumRows, regularizerPass.dense.maximumRows)
    actions = FloatBuffer(count: rows * actionSize)
    q = FloatBuffer(count: rows)
    otherQ = FloatBuffer(count: rows)
    rowGradient = FloatBuffer(count: rows)
    logits = FloatBuffer(count: rows)
    softmax = FloatBuffer(count: rows)
    logSumExp = FloatBuffer(count: rows / perState)
    kept = .allocate(capacity: rows)
    kept.initialize(repeating: 0, count: rows)
  }

  deinit { kept.deallocate() }

  package struct Fit {
    package var squaredError = 0.0
    package var regularizer = 0.0
    package var q = 0.0
    package var skippedRows = 0
  }

  /// Adds the gradient of mean[(Q(s, a) − y)²] + w·R for the states of one chunk.
  /// - Returns: sums over the states of squared error, log-sum-exp − Q(s, a), and Q(s, a).
  func fit(
    _ critic: TrainableNetwork, part: Int, batch: BatchViews, states: Range<Int>,
    member: CQLMember, regularizerWeight: Float
  ) -> Fit {
    let perState = configuration.rowsPerState
    let gradient = critic.gradient(part: part)
    let observations = batch.observations.rows(states)
    let pass = regularizerPass
    pass.begin(critic.network.view, observations: observations)
    pass.clearGradient(states: states.count)
    var fit = Fit()
    var start = 0
    while start < states.count {
      let block = start..<min(start + pass.blockStates, states.count)
      gatherActions(
        batch, member: member,
        states: states.lowerBound + block.lowerBound..<states.lowerBound + block.upperBound)
      pass.forward(
        critic.network.view, states: block, repeats: perState, actions: actions.base, into: q.base)
      let keptRows = differentiate(
        states: states.lowerBound + block.lowerBound..<states.lowerBound + block.upperBound,
        targets: member.targets.base, member: member, weight: regularizerWeight, fit: &fit)
      pass.backward(
        critic.network.view, states: block, repeats: perState, actions: actions.base,
        rowGradient: rowGradient.base, rows: kept, count: keptRows, into: gradient)
      start = block.upperBound
    }
    pass.finish(critic.network.view, observations: observations, into: gradient)
    return fit
  }

  /// The actions of each state side by side: the data's, n uniform, n of π(·∣s), n of π(·∣s′).
  private func gatherActions(_ batch: BatchViews, member: CQLMember, states: Range<Int>) {
    let each = configuration.sampledActions * actionSize
    var out = actions.base
    for state in states {
      out.update(from: batch.actions.base + state * actionSize, count: actionSize)
      out += actionSize
      for source in [member.uniformActions, member.currentSamples, member.nextSamples] {
        out.update(from: source.base + state * each, count: each)
        out += each
      }
    }
  }

  /// ∂L/∂Q of every row of the block, and the list of rows that matter.
  private func differentiate(
    states: Range<Int>, targets: UnsafePointer<Float>, member: CQLMember, weight: Float,
    fit: inout Fit
  ) -> Int {
    let n = configuration.sampledActions
    let perState = configuration.rowsPerState
    let includesData = configuration.regularizer == .density
    let entries = includesData ? perState : perState - 1
    let uniformLogDensity = -Float(actionSize) * 0.693_147_18
    for (index, state) in states.enumerated() {
      let values = q.base + index * perState
      let row = logits.base + index * entries
      if includesData {
        row.update(from: values, count: perState)
      } else {
        for i in 0..<n {
          row[i] = values[1 + i] - uniformLogDensity
          row[n + i] = values[1 + n + i] - member.currentSampleLogProbs.base[state * n + i]
          row[2 * n + i] = values[1 + 2 * n + i] - member.nextSampleLogProbs.base[state * n + i]
        }
      }
    }
    bk_softmax_rows(
      logits.base, softmax.base, logSumExp.base, configuration.regularizerTemperature,
      states.count, entries)
    let scale = 1 / Float(configuration.batchSize)
    var count = 0
    for (index, state) in states.enumerated() {
      let first = index * perState
      let value = q.base[first]
      let error = value - targets[state]
      fit.squaredError += Double(error * error)
      fit.regularizer += Double(logSumExp.base[index] - value)
      fit.q += Double(value)
      let shares = softmax.base + index * entries
      let ownShare = includesData ? shares[0] : 0
      rowGradient.base[first] = scale * (2 * error + weight * (ownShare - 1))
      kept[count] = Int32(first)
      count += 1
      let sampled = includesData ? shares + 1 : shares
      for i in 0..<perState - 1 {
        // Written so that a NaN is kept and noticed.
        if sampled[i] < negligibleWeight { continue }
        rowGradient.base[first + 1 + i] = scale * weight * sampled[i]
        kept[count] = Int32(first + 1 + i)
        count += 1
      }
    }
    fit.skippedRows += states.count * perState - count
    return count
  }

  package enum Inner { case minimum, maximum }

  /// max-Q backup over n actions of π(·∣s′): `inner` says what is taken first over its own axis.
  func maximumTargets(
    _ critics: [TrainableNetwork], batch: BatchViews, rows: Range<Int>,
    actions: UnsafePointer<Float>, inner: Inner, discount: Float,
    into targets: UnsafeMutablePointer<Float>
  ) {
    let n = configuration.sampledActions
    let pass = regularizerPass.dense
    let step = max(1, min(pass.maximumRows / n, pass.maximumStates))
    var start = rows.lowerBound
    while start < rows.upperBound {
      let block = start..<min(start + step, rows.upperBound)
      let observations = batch.nextObservations.rows(block)
      for (critic, out) in zip(critics, [q, otherQ]) {
        pass.begin(critic.target!.view, observations: observations)
        pass.forward(
          critic.target!.view, states: 0..<block.count, repeats: n,
          actions: actions + block.lowerBound * n * actionSize, into: out.base)
      }
      for (index, row) in block.enumerated() {
        let first = UnsafeBufferPointer(start: q.base + index * n, count: n)
        let second = UnsafeBufferPointer(start: otherQ.base + index * n, count: n)
        let value: Float =
          switch inner {
          case .maximum: lesser(first.max()!, second.max()!)
          case .minimum: zip(first, second).map { lesser($0, $1) }.max()!
          }
        targets[row] = batch.rewards[row] + discount * batch.masks[row] * value
      }
      start = block.upperBound
    }
  }
}
