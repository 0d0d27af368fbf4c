/// out = f(x, y) element by element, rows alike, columns alike or one a multiple of the other.
@inline(__always)
func combine(
  _ name: StaticString, _ x: Variable, _ y: Variable, _ f: (Float, Float) -> Float,
  _ pullback: @escaping Tape.Pullback
) -> Variable {
  x.checkSameTape(y)
  checkCombines(name, x, y)
  let tape = x.tape
  let columns = max(x.columns, y.columns)
  let (a, b) = (x.values, y.values)
  let out = tape.floats(x.rows * columns)
  walk(x.rows, x.columns, y.columns) { i, j, k in out[i] = f(a[j], b[k]) }
  guard x.isRecorded || y.isRecorded else {
    return tape.constant(out, rows: x.rows, columns: columns)
  }
  return tape.record(out, rows: x.rows, columns: columns, pullback) { node in
    node.first = x.source
    node.second = y.source
    node.x = a
    node.y = b
    node.xColumns = x.columns
    node.yColumns = y.columns
  }
}

@inline(__always)
func checkCombines(_ name: StaticString, _ x: Variable, _ y: Variable) {
  require(
    x.rows == y.rows
      && (x.columns == y.columns
        || min(x.columns, y.columns) > 0
          && max(x.columns, y.columns) % min(x.columns, y.columns) == 0),
    "\(name) of \(x.rows) × \(x.columns) and \(y.rows) × \(y.columns): rows must agree, and columns "
      + "be equal or one a multiple of the other")
}

/// A result with one argument, recorded where that is.
@inline(__always)
func unary(
  _ x: Variable, _ out: Floats, rows: Int? = nil, columns: Int, low: Float = 0, high: Float = 0,
  keeping z: Floats? = nil, parameter: Int = 0, _ pullback: @escaping Tape.Pullback
) -> Variable {
  let rows = rows ?? x.rows
  guard x.isRecorded else { return x.tape.constant(out, rows: rows, columns: columns) }
  return x.tape.record(out, rows: rows, columns: columns, pullback) { node in
    node.first = x.source
    node.x = x.values
    node.z = z
    node.xColumns = x.columns
    node.yColumns = parameter
    node.low = low
    node.high = high
  }
}

/// out = f(x) element by element.
@inline(__always)
func map(
  _ x: Variable, low: Float = 0, high: Float = 0, _ f: (Float) -> Float,
  _ pullback: @escaping Tape.Pullback
) -> Variable {
  let count = x.rows * x.columns
  let a = x.values
  let out = x.tape.floats(count)
  for i in 0..<count { out[i] = f(a[i]) }
  return unary(x, out, columns: x.columns, low: low, high: high, pullback)
}

/// ∂x += g·slope(x, out) for every element.
@inline(__always)
func pull(_ tape: Tape, _ node: UnsafePointer<Tape.Node>, _ slope: (Float, Float) -> Float) {
  let n = node.pointee
  let (d, g, x, out) = (tape.nodes[n.first].gradient, n.gradient, n.x!, n.values)
  for i in 0..<n.rows * n.columns { d[i] += g[i] * slope(x[i], out[i]) }
}

/// The gradients of an operation of two arguments: ∂x += g·first(x, y), ∂y += g·second(x, y).
@inline(__always)
private func pullBoth(
  _ tape: Tape, _ node: UnsafePointer<Tape.Node>, _ first: (Float, Float) -> Float,
  _ second: (Float, Float) -> Float
) {
  let n = node.pointee
  let (a, b, g) = (n.x!, n.y!, n.gradient)
  if let d = tape.gradient(n.first) {
    walk(n.rows, n.xColumns, n.yColumns) { i, j, k in d[j] += g[i] * first(a[j], b[k]) }
  }
  if let d = tape.gradient(n.second) {
    walk(n.rows, n.xColumns, n.yColumns) { i, j, k in d[k] += g[i] * second(a[j], b[k]) }
  }
}

/// Rows of both arguments must agree; columns too, or one is a multiple of the other, and each of the
/// fewer stands for a group of neighbours.
extension Variable {
  /// x + y.
  public static func + (x: Variable, y: Variable) -> Variable {
    combine("the sum", x, y, { $0 + $1 }) { tape, node in
      pullBoth(tape, node, { _, _ in 1 }, { _, _ in 1 })
    }
  }

  /// x − y.
  public static func - (x: Variable, y: Variable) -> Variable {
    combine("the difference", x, y, { $0 - $1 }) { tape, node in
      pullBoth(tape, node, { _, _ in 1 }, { _, _ in -1 })
    }
  }

  /// x·y, element by element.
  public static func * (x: Variable, y: Variable) -> Variable {
    combine("the product", x, y, { $0 * $1 }) { tape, node in
      pullBoth(tape, node, { _, b in b }, { a, _ in a })
    }
  }

  /// x/y, element by element.
  public static func / (x: Variable, y: Variable) -> Variable {
    combine("the quotient", x, y, { $0 / $1 }) { tape, node in
      pullBoth(tape, node, { _, b in 1 / b }, { a, b in -a / (b * b) })
    }
  }

  /// The greater of both; where they are equal the gradient goes to the first.
  public static func maximum(_ x: Variable, _ y: Variable) -> Variable {
    // A NaN of either stays, so that it is noticed.
    combine("the maximum", x, y, { $0 < $1 || $1.isNaN ? $1 : $0 }) { tape, node in
      pullBoth(tape, node, { a, b in a < b ? 0 : 1 }, { a, b in a < b ? 1 : 0 })
    }
  }

  /// The lesser of both; where they are equal the gradient goes to the first.
  public static func minimum(_ x: Variable, _ y: Variable) -> Variable {
    combine("the minimum", x, y, { $1 < $0 || $1.isNaN ? $1 : $0 }) { tape, node in
      pullBoth(tape, node, { a, b in b < a ? 0 : 1 }, { a, b in b < a ? 1 : 0 })
    }
  }

  /// (x − y)².
  ///
  /// Of a network that is being trained, to a constant, and as the whole loss, this runs forward and
  /// backward at once (by the tape); the gradients are the same bytes.
  public func squaredError(to y: Variable) -> Variable {
    checkSameTape(y)
    checkValid()
    if tape.pendingNode >= 0, tape.pendingNode == node, !tape.hasPendingError, isRecorded,
      !y.isRecorded, y.columns > 0, columns % y.columns == 0, rows == y.rows
    {
      let target = y.values
      let waiting = source
      let result = tape.record(
        tape.floats(rows * columns), rows: rows, columns: columns, squaredErrorPullback
      ) { node in
        node.first = waiting
        node.x = storage
        node.y = target
        node.xColumns = columns
        node.yColumns = y.columns
      }
      tape.postponeError(result.node, target: target, targetColumns: y.columns)
      return result
    }
    return combine(
      "the squared error", self, y, { ($0 - $1) * ($0 - $1) }, squaredErrorPullback)
  }

  // MARK: With numbers

  /// scale·x + shift.
  func scaled(by scale: Float, plus shift: Float = 0) -> Variable {
    map(self, low: scale, { $0 * scale + shift }) { tape, node in
      let scale = node.pointee.low
      pull(tape, node) { _, _ in scale }
    }
  }

  /// a·x.
  public static func * (a: Double, x: Variable) -> Variable { x.scaled(by: Float(a)) }
  /// x·a.
  public static func * (x: Variable, a: Double) -> Variable { x.scaled(by: Float(a)) }
  /// x/a, as a product with 1/a.
  public static func / (x: Variable, a: Double) -> Variable { x.scaled(by: Float(1 / a)) }
  /// x + a.
  public static func + (x: Variable, a: Double) -> Variable { x.scaled(by: 1, plus: Float(a)) }
  /// a + x.
  public static func + (a: Double, x: Variable) -> Variable { x.scaled(by: 1, plus: Float(a)) }
  /// x − a.
  public static func - (x: Variable, a: Double) -> Variable { x.scaled(by: 1, plus: Float(-a)) }
  /// a − x.
  public static func - (a: Double, x: Variable) -> Variable { x.scaled(by: -1, plus: Float(a)) }
  /// −x.
  public static prefix func - (x: Variable) -> Variable { x.scaled(by: -1) }
}

private func squaredErrorPullback(_ tape: Tape, _ node: UnsafePointer<Tape.Node>) {
  pullBoth(tape, node, { a, b in 2 * (a - b) }, { a, b in -2 * (a - b) })
}
