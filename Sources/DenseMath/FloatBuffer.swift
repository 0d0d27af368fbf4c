#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Memory for `count` floats, aligned to a cache line, zero at first; freed with its owner.
///
/// Workspaces and parameters live in these, so that a steady-state update allocates nothing.
package final class FloatBuffer: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Float>
  package let count: Int

  package init(count: Int) {
    precondition(count >= 0, "a buffer cannot hold \(count) floats")
    self.count = count
    let raw = UnsafeMutableRawPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
    base = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    base.initialize(repeating: 0, count: max(count, 1))
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  /// The contents as an array, and back.
  package var elements: [Float] {
    get { Array(UnsafeBufferPointer(start: base, count: count)) }
    set {
      precondition(newValue.count == count, "\(newValue.count) elements for \(count) places")
      newValue.withUnsafeBufferPointer { source in
        if count > 0 { base.update(from: source.baseAddress!, count: count) }
      }
    }
  }

  package func matrix(rows: Int, columns: Int, at offset: Int = 0) -> MatrixView {
    precondition(offset + rows * columns <= count, "\(rows) × \(columns) at \(offset) of \(count)")
    return MatrixView(base: base + offset, rows: rows, columns: columns, stride: columns)
  }
}

/// A row-major window onto floats that somebody else owns and keeps alive.
package struct MatrixView {
  package let base: UnsafeMutablePointer<Float>
  package let rows: Int
  package let columns: Int
  /// Distance between the starts of two rows.
  package let stride: Int

  package init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
  }

  /// Rows `range`.
  @inline(__always)
  package func rows(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
    return MatrixView(
      base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// Columns `range`, same rows.
  @inline(__always)
  package func columns(_ range: Range<Int>) -> MatrixView {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "\(range) of \(columns)")
    return MatrixView(
      base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  package func copy(from matrix: Matrix) {
    precondition(
      matrix.rows == rows && matrix.columns == columns && stride == columns,
      "\(matrix.rows) × \(matrix.columns) into \(rows) × \(columns)")
    matrix.elements.withUnsafeBufferPointer { source in
      if let start = source.baseAddress { base.update(from: start, count: source.count) }
    }
  }

  package var matrix: Matrix {
    var result = Matrix(rows: rows, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns {
        result.elements[row * columns + column] = base[row * stride + column]
      }
    }
    return result
  }
}

extension Matrix {
  /// Calls `body` with a view that only reads this matrix.
  @inline(__always)
  package func withView<Result>(_ body: (MatrixView) -> Result) -> Result {
    elements.withUnsafeBufferPointer { source in
      let start =
        source.baseAddress ?? UnsafePointer(UnsafeMutablePointer<Float>(bitPattern: 64)!)
      return body(
        MatrixView(
          base: UnsafeMutablePointer(mutating: start), rows: rows, columns: columns,
          stride: columns))
    }
  }
}
