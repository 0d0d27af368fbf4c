internal import CVectorKernels

extension RandomStream {
  /// Fills memory with uniform numbers on [low, high), many at a time.
  ///
  /// Uses its own range of the counter space, so it does not overlap with ``next()`` on the same
  /// stream; `fill` tells several fills of one step apart.
  package func fillUniform(
    _ out: UnsafeMutablePointer<Float>, count: Int, low: Float, high: Float, fill: UInt64
  ) {
    bk_fill_uniform(key.low, key.high, step, (fill + 1) << 40, out, count, low, high)
  }

  /// Fills memory with standard normal numbers.
  package func fillNormal(_ out: UnsafeMutablePointer<Float>, count: Int, fill: UInt64) {
    bk_fill_normal(key.low, key.high, step, (fill + 1) << 40, out, count)
  }
}
