internal import CVectorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Functions of each element.
extension Variable {
  /// x².
  public func squared() -> Variable {
    map(self, { $0 * $0 }) { tape, node in pull(tape, node) { x, _ in 2 * x } }
  }

  /// √x, of numbers above 0: at 0 the slope is infinite.
  public func squareRoot() -> Variable {
    map(self, { $0.squareRoot() }) { tape, node in pull(tape, node) { _, out in 0.5 / out } }
  }

  /// ∣x∣, with slope 0 at 0.
  public func absoluteValue() -> Variable {
    map(self, { abs($0) }) { tape, node in
      pull(tape, node) { x, _ in x > 0 ? 1 : x < 0 ? -1 : 0 }
    }
  }

  /// eˣ.
  public func exponential() -> Variable {
    let (a, out) = (values, tape.floats(rows * columns))
    bk_exp(a, out, rows * columns)
    return unary(self, out, columns: columns) { tape, node in
      pull(tape, node) { _, out in out }
    }
  }

  /// Natural logarithm.
  public func logarithm() -> Variable {
    map(self, { logf($0) }) { tape, node in pull(tape, node) { x, _ in 1 / x } }
  }

  /// tanh x.
  public func tanh() -> Variable {
    let (a, out) = (values, tape.floats(rows * columns))
    bk_tanh(a, out, rows * columns)
    return unary(self, out, columns: columns) { tape, node in
      pull(tape, node) { _, out in 1 - out * out }
    }
  }

  /// 1/(1 + e⁻ˣ).
  public func sigmoid() -> Variable {
    map(self, { 1 / (1 + expf(-$0)) }) { tape, node in
      pull(tape, node) { _, out in out * (1 - out) }
    }
  }

  /// log(1 + eˣ), written so that it neither overflows nor loses small values.
  public func softplus() -> Variable {
    map(self, { max($0, 0) + log1pf(expf(-abs($0))) }) { tape, node in
      pull(tape, node) { x, _ in 1 / (1 + expf(-x)) }
    }
  }

  /// max(x, 0); a NaN stays one.
  public func relu() -> Variable {
    map(self, { $0 <= 0 ? 0 : $0 }) { tape, node in pull(tape, node) { x, _ in x <= 0 ? 0 : 1 } }
  }

  /// x within [low, high]; outside, the gradient is 0.
  public func clamped(_ low: Double, _ high: Double) -> Variable {
    require(low <= high, "clamped to \(low)…\(high)")
    let (low, high) = (Float(low), Float(high))
    // Written so that a NaN stays one.
    return map(self, low: low, high: high, { $0 < low ? low : $0 > high ? high : $0 }) {
      tape, node in
      let (low, high) = (node.pointee.low, node.pointee.high)
      pull(tape, node) { x, _ in x >= low && x <= high ? 1 : 0 }
    }
  }

  /// ∣τ − 1(u < 0)∣·u²: the expectile loss of IQL (Kostrikov et al. 2021, eq. 4).
  /// - Parameter tau: τ in (0, 1).
  public func expectile(_ tau: Double) -> Variable {
    require(tau > 0 && tau < 1, "an expectile of \(tau), which is not between 0 and 1")
    let tau = Float(tau)
    return map(self, low: tau, { ($0 < 0 ? 1 - tau : tau) * $0 * $0 }) { tape, node in
      let tau = node.pointee.low
      pull(tape, node) { u, _ in 2 * (u < 0 ? 1 - tau : tau) * u }
    }
  }

  /// ½u² for ∣u∣ ≤ δ, δ·(∣u∣ − ½δ) beyond.
  public func huber(_ delta: Double = 1) -> Variable {
    require(delta > 0, "a Huber loss that turns linear at \(delta)")
    let delta = Float(delta)
    return map(
      self, low: delta, { abs($0) <= delta ? 0.5 * $0 * $0 : delta * (abs($0) - 0.5 * delta) }
    ) { tape, node in
      let delta = node.pointee.low
      pull(tape, node) { u, _ in max(-delta, min(delta, u)) }
    }
  }
}
