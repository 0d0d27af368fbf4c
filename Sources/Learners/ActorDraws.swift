internal import CVectorKernels
package import DenseMath
package import Networks

/// One reparameterised action per state of a minibatch, with what its gradient needs.
///
/// a = tanh(m(s) + σ(s)·ε). The policy is one network, or the moment-matched mixture of several
/// (BRED eq. 9), whose gradient then reaches all of them. Different threads may work on disjoint
/// rows.
package final class ActorDraws: @unchecked Sendable {
  package let batchSize: Int
  package let actionSize: Int
  package let bounds: LogStdBounds
  private let memberPasses: [DensePass]
  /// Member heads one after the other, and the mixture's; only for several members.
  private let memberHeads: FloatBuffer
  private let mixtureHead: FloatBuffer
  /// ε, `[batchSize, actionSize]`.
  package let noise: FloatBuffer
  /// a, `[batchSize, actionSize]`.
  package let actions: FloatBuffer
  /// log π(a∣s), `[batchSize]`.
  package let logProbs: FloatBuffer
  private let headGradient: FloatBuffer
  private let memberGradient: FloatBuffer
  private let noActionGradient: FloatBuffer

  package init(
    policy: NetworkShape, members: Int = 1, batchSize: Int, bounds: LogStdBounds,
    backward: Bool = true
  ) {
    self.batchSize = batchSize
    self.bounds = bounds
    actionSize = policy.outputSize / 2
    memberPasses = (0..<members).map { _ in
      DensePass(shape: policy, maximumRows: batchSize, backward: backward)
    }
    let heads = batchSize * policy.outputSize
    memberHeads = FloatBuffer(count: members > 1 ? heads * members : 0)
    mixtureHead = FloatBuffer(count: members > 1 ? heads : 0)
    noise = FloatBuffer(count: batchSize * actionSize)
    actions = FloatBuffer(count: batchSize * actionSize)
    logProbs = FloatBuffer(count: batchSize)
    headGradient = FloatBuffer(count: backward ? heads : 0)
    memberGradient = FloatBuffer(count: backward && members > 1 ? heads : 0)
    noActionGradient = FloatBuffer(count: backward ? batchSize * actionSize : 0)
  }

  private var isMixture: Bool { memberPasses.count > 1 }

  /// (m, raw log σ) from row `row` on.
  package func head(_ row: Int) -> UnsafeMutablePointer<Float> {
    (isMixture ? mixtureHead.base : memberPasses[0].outputs.base) + row * 2 * actionSize
  }

  /// Runs the policy on `rows`.
  package func forward(_ policy: [TrainableNetwork], observations: MatrixView, rows: Range<Int>) {
    for (pass, member) in zip(memberPasses, policy) {
      pass.forward(member.network, observations, rows: rows)
    }
    guard isMixture else { return }
    let start = rows.lowerBound * 2 * actionSize
    let count = rows.count * 2 * actionSize
    for (index, pass) in memberPasses.enumerated() {
      (memberHeads.base + index * batchSize * 2 * actionSize + start).update(
        from: pass.outputs.base + start, count: count)
    }
    bk_mixture_heads(
      memberHeads.base + start, batchSize * 2 * actionSize, memberPasses.count,
      mixtureHead.base + start, rows.count, actionSize, bounds.lower, bounds.upper)
  }

  /// Draws the actions of `rows` from the noise that is in place.
  package func draw(rows: Range<Int>) {
    let start = rows.lowerBound
    bk_tanh_gaussian(
      head(start), noise.base + start * actionSize, actions.base + start * actionSize,
      logProbs.base + start, rows.count, 1, actionSize, bounds.lower, bounds.upper)
  }

  /// Draws `repeats` further actions per state in `rows` from the same heads.
  package func drawMore(
    rows: Range<Int>, repeats: Int, noise: UnsafePointer<Float>,
    actions: UnsafeMutablePointer<Float>, logProbs: UnsafeMutablePointer<Float>
  ) {
    bk_tanh_gaussian(
      head(rows.lowerBound), noise, actions, logProbs, rows.count, repeats, actionSize,
      bounds.lower, bounds.upper)
  }

  /// log π(a∣s) of given actions, for `rows`.
  package func logProb(
    ofGiven givenActions: MatrixView, rows: Range<Int>, into logProbs: UnsafeMutablePointer<Float>
  ) {
    bk_tanh_gaussian_log_prob(
      head(rows.lowerBound), givenActions.base + rows.lowerBound * actionSize,
      logProbs + rows.lowerBound, rows.count, actionSize, bounds.lower, bounds.upper)
  }

  /// What pulls the policy besides its entropy bonus.
  package enum Objective {
    /// mean[α·log π(ã∣s) − Q(s, ã)], given ∂Q/∂ã, `[batchSize, actionSize]`.
    case value(actionGradient: UnsafePointer<Float>)
    /// mean[α·log π(ã∣s) − log π(a∣s)] for given actions a: behaviour cloning.
    case cloning(actions: MatrixView)
  }

  /// Adds the gradient of the policy's loss, for `rows`, to partial sum `part` of each member.
  package func backward(
    _ objective: Objective, policy: [TrainableNetwork], observations: MatrixView, rows: Range<Int>,
    temperature: Float, part: Int
  ) {
    let start = rows.lowerBound * actionSize
    let scale = 1 / Float(batchSize)
    let pull: UnsafePointer<Float>
    switch objective {
    case .value(let actionGradient): pull = actionGradient + start
    case .cloning: pull = UnsafePointer(noActionGradient.base + start)
    }
    bk_tanh_gaussian_backward(
      head(rows.lowerBound), noise.base + start, actions.base + start, pull, temperature, scale,
      headGradient.base + 2 * start, rows.count, actionSize, bounds.lower, bounds.upper)
    if case .cloning(let given) = objective {
      bk_tanh_gaussian_log_prob_backward(
        head(rows.lowerBound), given.base + start, scale, headGradient.base + 2 * start,
        rows.count, actionSize, bounds.lower, bounds.upper)
    }
    for (index, (pass, member)) in zip(memberPasses, policy).enumerated() {
      if isMixture {
        bk_mixture_backward(
          memberHeads.base + index * batchSize * 2 * actionSize + 2 * start,
          head(rows.lowerBound), headGradient.base + 2 * start, memberPasses.count,
          memberGradient.base + 2 * start, rows.count, actionSize, bounds.lower, bounds.upper)
      }
      let gradient = (isMixture ? memberGradient : headGradient)
        .matrix(rows: batchSize, columns: 2 * actionSize)
      pass.backward(
        member.network, observations, rows: rows, outputGradient: gradient,
        into: member.gradient(part: part))
    }
  }
}
