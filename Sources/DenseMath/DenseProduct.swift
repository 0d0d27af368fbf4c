internal import CVectorKernels

/// What happens to a product's elements after it.
package enum ProductFinish {
  case nothing
  /// x + bias.
  case bias(UnsafePointer<Float>)
  /// max(x + bias, 0).
  case biasReLU(UnsafePointer<Float>)
  /// max(x + bias, 0), and out[row] = start + Σ of these times `weights`.
  case biasReLUDot(
    bias: UnsafePointer<Float>, weights: UnsafePointer<Float>, start: Float,
    out: UnsafeMutablePointer<Float>)
  /// x where `positive` > 0, else 0; columnSums += their sums over the rows, if given.
  case mask(positive: MatrixView, columnSums: UnsafeMutablePointer<Float>?)
}

/// The products of network layers: OpenBLAS, and one loop over the result for what follows.
package enum DenseProduct {
  /// C ← op(A)·op(B), or C ← C + op(A)·op(B), then `finish`; shapes as in ``BLAS/multiply``.
  package static func multiply(
    _ a: MatrixView, _ b: MatrixView, transposeA: Bool = false, transposeB: Bool = false,
    into c: MatrixView, accumulates: Bool = false, finish: ProductFinish = .nothing
  ) {
    BLAS.multiply(
      a, b, transposeA: transposeA, transposeB: transposeB, into: c, beta: accumulates ? 1 : 0)
    switch finish {
    case .nothing: break
    case .bias(let bias): bk_bias(c.base, c.stride, bias, c.rows, c.columns)
    case .biasReLU(let bias): bk_bias_relu(c.base, c.stride, bias, c.rows, c.columns)
    case .biasReLUDot(let bias, let weights, let start, let out):
      bk_bias_relu_dot(c.base, c.stride, bias, weights, start, out, c.rows, c.columns)
    case .mask(let positive, let columnSums):
      bk_relu_backward(
        c.base, c.stride, positive.base, positive.stride, columnSums, c.rows, c.columns)
    }
  }
}
