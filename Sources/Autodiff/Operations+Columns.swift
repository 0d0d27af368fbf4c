internal import CVectorKernels

/// Operations over the columns of each row.
extension Variable {
  /// Of each group of neighbouring columns the smallest; without a size, of all columns.
  public func minimum(of size: Int? = nil) -> Variable {
    extreme(of: size, sign: 1, name: "minimum")
  }

  /// Of each group of neighbouring columns the greatest; without a size, of all columns.
  public func maximum(of size: Int? = nil) -> Variable {
    extreme(of: size, sign: -1, name: "maximum")
  }

  private func extreme(of size: Int?, sign: Float, name: StaticString) -> Variable {
    let size = size ?? columns
    checkGroups(size, name)
    let groups = columns / size
    let x = values
    let out = tape.floats(rows * groups)
    for j in 0..<rows * groups {
      var least = x[j * size]
      for i in 1..<Swift.max(size, 1) {
        let candidate = x[j * size + i]
        // A NaN, wherever it stands, stays, so that it is noticed.
        if sign * candidate < sign * least || candidate.isNaN { least = candidate }
      }
      out[j] = least
    }
    return unary(self, out, columns: groups, low: sign) { tape, node in
      let n = node.pointee
      let (d, x, sign) = (tape.nodes[n.first].gradient, n.x!, n.low)
      let size = n.xColumns / n.columns
      for j in 0..<n.rows * n.columns {
        var place = j * size
        for i in j * size..<(j + 1) * size where sign * x[i] < sign * x[place] { place = i }
        d[place] += n.gradient[j]
      }
    }
  }

  private func checkGroups(_ size: Int, _ name: StaticString) {
    require(
      size >= 1 && columns % size == 0, "\(name) of groups of \(size) in \(rows) × \(columns)")
  }

  /// Mean of each row.
  public func mean() -> Variable { rowSum(scale: 1 / Float(columns)) }

  /// Sum of each row.
  public func sum() -> Variable { rowSum(scale: 1) }

  private func rowSum(scale: Float) -> Variable {
    let x = values
    let out = tape.floats(rows)
    for r in 0..<rows {
      var sum: Float = 0
      for c in 0..<columns { sum += x[r * columns + c] }
      out[r] = sum * scale
    }
    return unary(self, out, columns: 1, low: scale) { tape, node in
      let n = node.pointee
      let d = tape.nodes[n.first].gradient
      for r in 0..<n.rows {
        let share = n.gradient[r] * n.low
        for c in 0..<n.xColumns { d[r * n.xColumns + c] += share }
      }
    }
  }

  /// Sum over groups: column c of the result is the sum of columns c, c + size, c + 2·size …
  public func sumOfGroups(of size: Int) -> Variable {
    checkGroups(size, "sum")
    let x = values
    let out = tape.zeros(rows * size)
    for r in 0..<rows {
      for c in 0..<columns { out[r * size + c % size] += x[r * columns + c] }
    }
    return unary(self, out, columns: size) { tape, node in
      let n = node.pointee
      let d = tape.nodes[n.first].gradient
      for r in 0..<n.rows {
        for c in 0..<n.xColumns {
          d[r * n.xColumns + c] += n.gradient[r * n.columns + c % n.columns]
        }
      }
    }
  }

  /// log Σ eˣ of each row.
  public func logSumExp() -> Variable {
    let x = values
    let (softmax, out) = (tape.floats(rows * columns), tape.floats(rows))
    bk_softmax_rows(x, softmax, out, 1, rows, columns)
    // The kernel's logarithm makes a number of a NaN; the softmax keeps it, in all columns.
    for r in 0..<rows where softmax[r * columns].isNaN { out[r] = .nan }
    return unary(self, out, columns: 1, keeping: softmax) { tape, node in
      let n = node.pointee
      let d = tape.nodes[n.first].gradient
      for r in 0..<n.rows {
        for c in 0..<n.xColumns {
          d[r * n.xColumns + c] += n.gradient[r] * n.z![r * n.xColumns + c]
        }
      }
    }
  }

  /// Each group of `size` neighbouring columns brought to length 1.
  public func normalized(of size: Int) -> Variable {
    checkGroups(size, "length")
    let x = values
    let out = tape.floats(rows * columns)
    let inverse = tape.floats(rows * columns / size)
    for j in 0..<rows * columns / size {
      var square: Float = 1e-20
      for i in 0..<size { square += x[j * size + i] * x[j * size + i] }
      inverse[j] = 1 / square.squareRoot()
      for i in 0..<size { out[j * size + i] = x[j * size + i] * inverse[j] }
    }
    return unary(self, out, columns: columns, keeping: inverse, parameter: size) { tape, node in
      let n = node.pointee
      let (d, size, out) = (tape.nodes[n.first].gradient, n.yColumns, n.values)
      for j in 0..<n.rows * n.columns / size {
        var dot: Float = 0
        for i in j * size..<(j + 1) * size { dot += n.gradient[i] * out[i] }
        for i in j * size..<(j + 1) * size {
          d[i] += n.z![j] * (n.gradient[i] - dot * out[i])
        }
      }
    }
  }

  // MARK: Choosing and arranging

  /// Columns `range`.
  public func columns(_ range: Range<Int>) -> Variable {
    require(
      range.lowerBound >= 0 && range.upperBound <= columns,
      "columns \(range) of \(rows) × \(columns)")
    let x = values
    let out = tape.floats(rows * range.count)
    for r in 0..<rows {
      (out + r * range.count).update(
        from: x + r * columns + range.lowerBound, count: range.count)
    }
    return unary(self, out, columns: range.count, parameter: range.lowerBound) { tape, node in
      let n = node.pointee
      let d = tape.nodes[n.first].gradient
      for r in 0..<n.rows {
        for c in 0..<n.columns {
          d[r * n.xColumns + n.yColumns + c] += n.gradient[r * n.columns + c]
        }
      }
    }
  }

  /// One column, `[rows, 1]`.
  public func column(_ index: Int) -> Variable { columns(index..<index + 1) }

  /// The columns of both, side by side.
  public func joined(with y: Variable) -> Variable {
    checkSameTape(y)
    require(
      rows == y.rows, "joining \(rows) × \(columns) and \(y.rows) × \(y.columns): rows must agree")
    let width = columns + y.columns
    let (a, b, out) = (values, y.values, tape.floats(rows * width))
    for r in 0..<rows {
      (out + r * width).update(from: a + r * columns, count: columns)
      (out + r * width + columns).update(from: b + r * y.columns, count: y.columns)
    }
    guard isRecorded || y.isRecorded else {
      return tape.constant(out, rows: rows, columns: width)
    }
    return tape.record(
      out, rows: rows, columns: width,
      { tape, node in
        let n = node.pointee
        for r in 0..<n.rows {
          if let d = tape.gradient(n.first) {
            for c in 0..<n.xColumns { d[r * n.xColumns + c] += n.gradient[r * n.columns + c] }
          }
          if let d = tape.gradient(n.second) {
            for c in 0..<n.yColumns {
              d[r * n.yColumns + c] += n.gradient[r * n.columns + n.xColumns + c]
            }
          }
        }
      }
    ) { node in
      node.first = source
      node.second = y.source
      node.xColumns = columns
      node.yColumns = y.columns
    }
  }

  /// Each row `count` times in a row: `[rows · count, columns]`.
  public func repeated(_ count: Int) -> Variable {
    require(count >= 1, "rows repeated \(count) times")
    let x = values
    let out = tape.floats(rows * count * columns)
    for r in 0..<rows {
      for i in 0..<count {
        (out + (r * count + i) * columns).update(from: x + r * columns, count: columns)
      }
    }
    return unary(self, out, rows: rows * count, columns: columns, parameter: count) { tape, node in
      let n = node.pointee
      let (d, repeats) = (tape.nodes[n.first].gradient, n.yColumns)
      for r in 0..<n.rows {
        for c in 0..<n.columns {
          d[r / repeats * n.columns + c] += n.gradient[r * n.columns + c]
        }
      }
    }
  }

  /// The same numbers with `count` neighbouring rows side by side: undoes ``repeated(_:)``'s order, so
  /// that operations over columns see what belongs to one state.
  public func gatheringRows(_ count: Int) -> Variable {
    require(count >= 1 && rows % count == 0, "\(rows) rows in groups of \(count)")
    return unary(self, values, rows: rows / count, columns: columns * count) { tape, node in
      let n = node.pointee
      let d = tape.nodes[n.first].gradient
      for i in 0..<n.rows * n.columns { d[i] += n.gradient[i] }
    }
  }

  /// Per row, the elements of `self` where `choice` is 1 and of `other` where it is 0.
  /// - Parameter choice: constants, one column or as many as there are.
  public func chosen(where choice: Variable, otherwise other: Variable) -> Variable {
    self * choice.detached + other * (1 - choice.detached)
  }
}

/// Numbers of the whole minibatch; nothing goes backward through these.
extension Variable {
  /// Mean of all elements.
  public var batchMean: Double {
    let x = values
    var sum = 0.0
    for i in 0..<rows * columns { sum += Double(x[i]) }
    return sum / Double(rows * columns)
  }

  /// Mean of the absolute values.
  public var batchMeanOfMagnitudes: Double {
    let x = values
    var sum = 0.0
    for i in 0..<rows * columns { sum += Double(abs(x[i])) }
    return sum / Double(rows * columns)
  }

  /// Mean over rows of the variance within each row, n − 1 in the denominator.
  public var meanRowVariance: Double {
    require(columns >= 2, "variance over \(columns) columns")
    let x = values
    var total = 0.0
    for r in 0..<rows {
      var sum = 0.0
      for c in 0..<columns { sum += Double(x[r * columns + c]) }
      let mean = sum / Double(columns)
      var square = 0.0
      for c in 0..<columns {
        let difference = Double(x[r * columns + c]) - mean
        square += difference * difference
      }
      total += square / Double(columns - 1)
    }
    return total / Double(rows)
  }

  /// Softmax of x/temperature over the rows of the whole minibatch, times their number, so that the
  /// weights have mean 1.
  public func batchWeights(temperature: Double) -> Variable {
    require(columns == 1, "weights of \(rows) × \(columns): one column is needed")
    require(temperature > 0, "weights at a temperature of \(temperature)")
    let x = values
    let out = tape.floats(rows + 1)
    bk_softmax_rows(x, out, out + rows, Float(temperature), 1, rows)
    for r in 0..<rows { out[r] *= Float(rows) }
    return tape.constant(out, rows: rows, columns: 1)
  }
}

extension Variable {
  /// 1 in one column of each row and 0 in the others, drawn by softmax of the row: the first column whose
  /// cumulated share exceeds `uniform`. Nothing goes backward through it.
  package func categorical(_ uniform: Variable) -> Variable {
    checkSameTape(uniform)
    require(
      uniform.rows == rows && uniform.columns == 1,
      "\(uniform.rows) × \(uniform.columns) numbers to draw from \(rows) × \(columns)")
    let (softmax, sums) = (tape.floats(rows * columns), tape.floats(rows))
    bk_softmax_rows(values, softmax, sums, 1, rows, columns)
    let (u, out) = (uniform.values, tape.zeros(rows * columns))
    for r in 0..<rows {
      var (cumulated, chosen) = (Float(0), columns - 1)
      for c in 0..<columns {
        cumulated += softmax[r * columns + c]
        if u[r] < cumulated {
          chosen = c
          break
        }
      }
      out[r * columns + chosen] = 1
    }
    return tape.constant(out, rows: rows, columns: columns)
  }
}
