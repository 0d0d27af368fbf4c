internal import CVectorKernels
package import Autodiff
package import DenseMath

/// The states of a dataset with the moments of an ensemble's mixture, split for training and validation.
package final class DistillationData: @unchecked Sendable {
  private let observations: Matrix
  /// μ̄ and σ̄ of every state, `[states, actionSize]`, computed once.
  private let means: FloatBuffer
  private let deviations: FloatBuffer
  private let actionSize: Int
  private let bounds: LogStdBounds
  /// A fixed random order of the states; the first `validationCount` are held out.
  private let order: [Int32]
  private let validationCount: Int
  private let pool: WorkerPool

  /// States that one task works on.
  private static let blockRows = 1024

  package init(
    _ members: [GaussianPolicy], observations: Matrix, validationFraction: Double, seed: UInt64,
    pool: WorkerPool
  ) {
    self.observations = observations
    self.pool = pool
    actionSize = members[0].actionSize
    bounds = members[0].logStdBounds
    means = FloatBuffer(count: observations.rows * actionSize)
    deviations = FloatBuffer(count: observations.rows * actionSize)
    order = DistillationData.shuffledIndices(observations.rows, seed: seed)
    validationCount = min(
      max(1, Int(Double(observations.rows) * validationFraction)), observations.rows - 1)
    let mixture = MixturePolicy(members: members)
    eachBlock(observations.rows) { rows in
      let states = Matrix(
        rows: rows.count, columns: observations.columns,
        elements: Array(
          observations.elements[
            rows.lowerBound * observations.columns..<rows.upperBound * observations.columns]))
      moments(
        mixture.heads(for: states), means.base + rows.lowerBound * actionSize,
        deviations.base + rows.lowerBound * actionSize)
    }
  }

  private func eachBlock(_ count: Int, _ body: (Range<Int>) -> Void) {
    let size = Self.blockRows
    pool.run((count + size - 1) / size) { block, _ in
      body(block * size..<min((block + 1) * size, count))
    }
  }

  /// Mean and deviation from heads (mean, raw log σ), `[rows, 2·actionSize]`.
  private func moments(_ heads: Matrix, _ mean: Floats, _ deviation: Floats) {
    let logStds = FloatBuffer(count: heads.rows * actionSize)
    for row in 0..<heads.rows {
      for k in 0..<actionSize {
        mean[row * actionSize + k] = heads.elements[row * heads.columns + k]
        let raw = heads.elements[row * heads.columns + actionSize + k]
        logStds.base[row * actionSize + k] = min(max(raw, bounds.lower), bounds.upper)
      }
    }
    bk_exp(logStds.base, deviation, heads.rows * actionSize)
  }

  /// Random training states with their targets: s, μ̄, σ̄.
  package func minibatch(
    _ size: Int, on tape: Tape, using stream: inout RandomStream
  ) -> (states: Variable, mean: Variable, deviation: Variable) {
    let (width, actions) = (observations.columns, actionSize)
    let states = tape.floats(size * width)
    let (mean, deviation) = (tape.floats(size * actions), tape.floats(size * actions))
    observations.elements.withUnsafeBufferPointer { rows in
      for i in 0..<size {
        let pick = stream.index(below: order.count - validationCount)
        let state = Int(order[validationCount + pick])
        (states + i * width).update(from: rows.baseAddress! + state * width, count: width)
        (mean + i * actions).update(from: means.base + state * actions, count: actions)
        (deviation + i * actions).update(from: deviations.base + state * actions, count: actions)
      }
    }
    return (
      tape.constant(states, rows: size, columns: width),
      tape.constant(mean, rows: size, columns: actions),
      tape.constant(deviation, rows: size, columns: actions)
    )
  }

  /// Mean loss per held-out state.
  package func validationLoss(of student: Actor) -> Double {
    let network = student.stack.snapshot(0)
    let size = Self.blockRows
    var sums = [Double](repeating: 0, count: (validationCount + size - 1) / size)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      eachBlock(validationCount) { range in
        var states = Matrix(rows: range.count, columns: observations.columns)
        for (i, position) in range.enumerated() {
          let state = Int(order[position])
          for c in 0..<states.columns {
            states.elements[i * states.columns + c] =
              observations.elements[state * states.columns + c]
          }
        }
        let count = range.count * actionSize
        let (mean, deviation) = (FloatBuffer(count: count), FloatBuffer(count: count))
        moments(network.outputs(for: states), mean.base, deviation.base)
        var sum = 0.0
        for (i, position) in range.enumerated() {
          let state = Int(order[position])
          for k in 0..<actionSize {
            let dm = Double(mean.base[i * actionSize + k] - means.base[state * actionSize + k])
            let ds = Double(
              deviation.base[i * actionSize + k] - deviations.base[state * actionSize + k])
            sum += dm * dm + ds * ds
          }
        }
        sums[range.lowerBound / size] = sum
      }
    }
    return sums.reduce(0, +) / Double(validationCount)
  }

  /// Fisher–Yates with a stream of its own.
  private static func shuffledIndices(_ count: Int, seed: UInt64) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    var stream = RandomStream(seed: seed, purpose: "distillation/split")
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, stream.index(below: last + 1))
    }
    return order
  }
}
