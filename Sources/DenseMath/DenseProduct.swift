internal import CVectorKernels

/// What happens to a product's elements while they are still in registers.
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

/// The products of network layers: our own kernels on processors with AVX-512, OpenBLAS elsewhere.
///
/// Ours read both factors where they stand; OpenBLAS rearranges them at each call (`docs/numerics.md`).
package enum DenseProduct {
  package enum Method: String, Sendable { case own, blas }

  /// Chosen by the processor alone.
  package static let method: Method = bk_has_products() != 0 ? .own : .blas

  /// C ← op(A)·op(B), or C ← C + op(A)·op(B), then `finish`; shapes as in ``BLAS/multiply``.
  package static func multiply(
    _ a: MatrixView, _ b: MatrixView, transposeA: Bool = false, transposeB: Bool = false,
    into c: MatrixView, accumulates: Bool = false, finish: ProductFinish = .nothing,
    method: Method = method
  ) {
    let k = transposeA ? a.rows : a.columns
    precondition(
      (transposeA ? a.columns : a.rows) == c.rows && (transposeB ? b.columns : b.rows) == k
        && (transposeB ? b.rows : b.columns) == c.columns,
      "product of \(a.rows) × \(a.columns) and \(b.rows) × \(b.columns) into \(c.rows) × \(c.columns)"
    )
    if c.rows == 0 { return }
    guard method == .own else {
      BLAS.multiply(
        a, b, transposeA: transposeA, transposeB: transposeB, into: c, beta: accumulates ? 1 : 0)
      finishSeparately(c, finish)
      return
    }
    var finish = finish.kernel
    let rowStep = transposeA ? 1 : a.stride
    let innerStep = transposeA ? a.stride : 1
    if transposeB {
      bk_product_transposed(
        a.base, rowStep, innerStep, b.base, b.stride, c.base, c.stride, c.rows, c.columns, k,
        accumulates ? 1 : 0, &finish)
    } else {
      bk_product(
        a.base, rowStep, innerStep, b.base, b.stride, Int(BK_PANEL), c.base, c.stride, c.rows,
        c.columns, k, accumulates ? 1 : 0, &finish)
    }
  }

  /// C ← A·Wᵀ, then `finish`, for a W that several products share.
  package static func multiply(
    _ a: MatrixView, _ weight: TransposedWeight, into c: MatrixView,
    finish: ProductFinish = .nothing
  ) {
    guard let packed = weight.packed else {
      multiply(
        a, weight.source!, transposeB: true, into: c, finish: finish, method: weight.method)
      return
    }
    precondition(
      a.rows == c.rows && a.columns == weight.inputs && c.columns == weight.outputs,
      "product of \(a.rows) × \(a.columns) and a weight of \(weight.outputs) × \(weight.inputs)")
    var finish = finish.kernel
    bk_product(
      a.base, a.stride, 1, packed.base, Int(BK_PANEL), weight.inputs * Int(BK_PANEL), c.base,
      c.stride, c.rows, c.columns, weight.inputs, 0, &finish)
  }

  private static func finishSeparately(_ c: MatrixView, _ finish: ProductFinish) {
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

/// A weight `[outputs, inputs]` brought into the order in which products with its transpose read it.
package final class TransposedWeight: @unchecked Sendable {
  package let outputs: Int
  package let inputs: Int
  package let method: DenseProduct.Method
  fileprivate let packed: FloatBuffer?
  /// The weight itself, where products take it as it is.
  fileprivate private(set) var source: MatrixView?

  package init(outputs: Int, inputs: Int, method: DenseProduct.Method = DenseProduct.method) {
    self.outputs = outputs
    self.inputs = inputs
    self.method = method
    let panels = (outputs + Int(BK_PANEL) - 1) / Int(BK_PANEL)
    packed = method == .own ? FloatBuffer(count: panels * Int(BK_PANEL) * inputs) : nil
  }

  /// Takes over the weight's present values; it must stay unchanged until the last product.
  package func load(_ weight: MatrixView) {
    precondition(
      weight.rows == outputs && weight.columns == inputs,
      "a weight of \(weight.rows) × \(weight.columns) in place of \(outputs) × \(inputs)")
    if let packed {
      bk_pack_transposed(weight.base, weight.stride, inputs, outputs, packed.base)
    } else {
      source = weight
    }
  }
}

extension ProductFinish {
  fileprivate var kernel: bk_finish {
    var result = bk_finish()
    switch self {
    case .nothing: break
    case .bias(let bias): result.bias = bias
    case .biasReLU(let bias):
      result.bias = bias
      result.relu = 1
    case .biasReLUDot(let bias, let weights, let start, let out):
      result.bias = bias
      result.relu = 1
      result.dot = weights
      result.dot_start = start
      result.dots = out
    case .mask(let positive, let columnSums):
      result.mask = UnsafePointer(positive.base)
      result.ldmask = positive.stride
      result.column_sums = columnSums
    }
    return result
  }
}
