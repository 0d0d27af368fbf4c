internal import CVectorKernels

/// π(·∣s) for each row: what an actor returns.
public struct ActionDistribution {
  enum Kind {
    /// a = tanh(z), z normal; head = (mean, raw log σ), `[rows, 2·actionSize]`.
    case tanhGaussian(head: Variable, bounds: LogStdBounds)
    /// Normal without squashing; mean and log σ, `[rows, actionSize]` each.
    case gaussian(mean: Variable, logStd: Variable)
    /// One action, `[rows, actionSize]`.
    case deterministic(Variable)
  }
  let kind: Kind
  /// A, numbers of an action.
  public let actionSize: Int

  init(_ kind: Kind) {
    self.kind = kind
    actionSize =
      switch kind {
      case .tanhGaussian(let head, _): head.columns / 2
      case .gaussian(let mean, _): mean.columns
      case .deterministic(let action): action.columns
      }
  }

  /// The action that is played without exploration: tanh of the mean, or the mean, `[rows, actionSize]`.
  public var mode: Variable {
    switch kind {
    case .tanhGaussian(let head, _): head.columns(0..<actionSize).tanh()
    case .gaussian(let mean, _): mean
    case .deterministic(let action): action
    }
  }

  /// Mean of the normal distribution, before a squashing, `[rows, actionSize]`.
  public var mean: Variable {
    switch kind {
    case .tanhGaussian(let head, _): head.columns(0..<actionSize)
    case .gaussian(let mean, _): mean
    case .deterministic: refuse("a deterministic policy has no distribution")
    }
  }

  /// log σ of the normal distribution, clipped, `[rows, actionSize]`.
  public var logStd: Variable {
    switch kind {
    case .tanhGaussian(let head, let bounds):
      head.columns(actionSize..<2 * actionSize).clamped(Double(bounds.lower), Double(bounds.upper))
    case .gaussian(_, let logStd): logStd
    case .deterministic: refuse("a deterministic policy has no distribution")
    }
  }

  /// One reparameterised action per row, through which gradients go: a = tanh(m + σ·ε), or m + σ·ε.
  public func sample(_ noise: Noise) -> Draw {
    switch kind {
    case .tanhGaussian(let head, let bounds): return squashedSample(head, bounds, noise)
    case .gaussian(let mean, let logStd):
      let epsilon = noise.normal(mean.tape, rows: mean.rows, columns: actionSize)
      let actions = mean + logStd.exponential() * epsilon
      return Draw(
        actions: actions,
        logProbs: (-0.5 * epsilon.squared() - logStd - halfLogTwoPi).sum())
    case .deterministic: refuse("a deterministic policy draws nothing")
    }
  }

  /// `count` actions per row without gradient: `[rows · count, actionSize]`, those of one row together.
  public func samples(_ count: Int, _ noise: Noise) -> Draw {
    switch kind {
    case .tanhGaussian(let head, let bounds):
      let tape = head.tape
      let rows = head.rows * count
      let epsilon = noise.normal(tape, rows: rows, columns: actionSize)
      let (actions, logProbs) = (tape.floats(rows * actionSize), tape.floats(rows))
      bk_tanh_gaussian(
        head.values, epsilon.values, actions, logProbs, head.rows, count, actionSize, bounds.lower,
        bounds.upper)
      return Draw(
        actions: tape.constant(actions, rows: rows, columns: actionSize),
        logProbs: tape.constant(logProbs, rows: rows, columns: 1))
    case .gaussian(let mean, let logStd):
      return ActionDistribution(
        .gaussian(
          mean: mean.detached.repeated(count), logStd: logStd.detached.repeated(count))
      ).sample(noise)
    case .deterministic: refuse("a deterministic policy draws nothing")
    }
  }

  /// log π(a∣s) of given actions, `[rows, 1]`; with a squashing these are clipped to ±0.999999.
  public func logProb(of actions: Variable) -> Variable {
    switch kind {
    case .tanhGaussian(let head, let bounds): return squashedLogProb(head, bounds, actions)
    case .gaussian(let mean, let logStd):
      checkGiven(actions, rows: mean.rows)
      let deviation = (actions - mean) / logStd.exponential()
      return (-0.5 * deviation.squared() - logStd - halfLogTwoPi).sum()
    case .deterministic: refuse("a deterministic policy has no density")
    }
  }

  private var halfLogTwoPi: Double { 0.918_938_533_204_672_7 }

  private func checkGiven(_ actions: Variable, rows: Int) {
    require(
      actions.rows == rows && actions.columns == actionSize,
      "log-densities of \(actions.rows) × \(actions.columns) actions, "
        + "the policy has \(rows) × \(actionSize)")
  }

  // MARK: The squashed distribution, with derivatives of its own

  private func squashedSample(_ head: Variable, _ bounds: LogStdBounds, _ noise: Noise) -> Draw {
    let tape = head.tape
    let (rows, size) = (head.rows, actionSize)
    let epsilon = noise.normal(tape, rows: rows, columns: size)
    let (actions, logProbs) = (tape.floats(rows * size), tape.floats(rows))
    let values = head.values
    bk_tanh_gaussian(
      values, epsilon.values, actions, logProbs, rows, 1, size, bounds.lower, bounds.upper)
    guard head.isRecorded else {
      return Draw(
        actions: tape.constant(actions, rows: rows, columns: size),
        logProbs: tape.constant(logProbs, rows: rows, columns: 1))
    }
    // Both results share one pullback, at the first of them, which is reached last.
    let a = tape.record(
      actions, rows: rows, columns: size,
      { tape, node in
        let n = node.pointee
        bk_tanh_gaussian_vjp(
          n.x!, n.y!, n.values, n.gradient, (node + 1).pointee.gradient,
          tape.nodes[n.first].gradient, n.rows, n.columns, n.low, n.high)
      }
    ) { node in
      node.first = head.source
      node.x = values
      node.y = epsilon.values
      node.low = bounds.lower
      node.high = bounds.upper
    }
    let l = tape.record(logProbs, rows: rows, columns: 1, { _, _ in }) { _ in }
    return Draw(actions: a, logProbs: l)
  }

  private func squashedLogProb(
    _ head: Variable, _ bounds: LogStdBounds, _ given: Variable
  ) -> Variable {
    head.checkSameTape(given)
    checkGiven(given, rows: head.rows)
    require(
      !given.isRecorded, "a log-density has no gradient towards given actions; detach them")
    let tape = head.tape
    let (values, actions, out) = (head.values, given.values, tape.floats(head.rows))
    bk_tanh_gaussian_log_prob(
      values, actions, out, head.rows, actionSize, bounds.lower, bounds.upper)
    guard head.isRecorded else { return tape.constant(out, rows: head.rows, columns: 1) }
    return tape.record(
      out, rows: head.rows, columns: 1,
      { tape, node in
        let n = node.pointee
        bk_tanh_gaussian_log_prob_vjp(
          n.x!, n.y!, n.gradient, tape.nodes[n.first].gradient, n.rows, n.yColumns, n.low, n.high)
      }
    ) { node in
      node.first = head.source
      node.x = values
      node.y = actions
      node.yColumns = actionSize
      node.low = bounds.lower
      node.high = bounds.upper
    }
  }
}
