internal import DenseMath
internal import HDF5
public import RLCore

/// Where a transition's next observation comes from.
public enum TransitionRule: String, Sendable, Codable, CaseIterable {
  /// The following row, as D4RL's `qlearning_dataset` does and everybody who compares with its
  /// tables; the default. Time-out rows and the last row are dropped, stored `next_observations`
  /// serve only to see that the rows are in the order of time, and the successor after a terminal is the next episode's first observation
  /// (harmless: nothing is bootstrapped from it).
  case followingRow
  /// The stored `next_observations`: no row is lost, time-outs stay as ordinary transitions. Falls
  /// back to ``followingRow`` in files without that field (v0).
  case storedNextObservations
}

extension D4RLDataset {
  /// Transitions for learners.
  ///
  /// The columns are read straight into the arrays that are returned and thinned in place, so
  /// memory never holds two copies.
  /// - Parameter returnDiscount: γ of `Transitions.returnsToGo`; `nil` leaves them out.
  /// - Throws: ``DatasetError/notFinite(file:field:row:column:value:)`` naming the first bad row;
  ///   ``DatasetError/unordered(file:rows:compared:firstRow:)`` where the following row is asked for
  ///   and stored next observations contradict it in more than one row of a hundred;
  ///   ``DatasetError/noReturns(file:rows:compared:firstRow:)`` where returns are asked for from such rows.
  public func transitions(
    _ rule: TransitionRule = .followingRow, returnDiscount: Double? = nil
  ) throws(DatasetError) -> Transitions {
    var terminals = try terminals()
    let ends =
      returnDiscount == nil
      ? nil
      : zip(terminals, try timeouts(terminals: terminals)).map {
        $0 || $1
      }
    let stored = rule == .storedNextObservations && hasNextObservations
    // Time-outs do not end the value function, and a stored successor makes them whole transitions.
    let keep: [Bool]?
    if stored {
      keep = nil
    } else {
      var flags = try timeouts(terminals: terminals)
      for index in flags.indices { flags[index] = !flags[index] }
      if rows > 0 { flags[rows - 1] = false }
      keep = flags
    }
    let count = keep.map { $0.reduce(0) { $1 ? $0 + 1 : $0 } } ?? rows

    var observations = try finite("observations")
    if let keep, hasNextObservations {
      try checkOrder(observations, where: zip(keep, terminals).map { $0 && !$1 })
    }
    if stored, let ends { try checkOrderOfReturns(observations, ends: ends) }
    let next: [Float]
    if let keep {
      next = D4RLDataset.following(observations, size: observationSize, keep)
      D4RLDataset.thin(&observations, size: observationSize, keep)
      terminals = zip(terminals, keep).compactMap { $1 ? $0 : nil }
    } else {
      next = try finite("next_observations")
    }
    var actions = try finite("actions")
    var rewards = try finite("rewards")
    var returns = returnDiscount.map { D4RLDataset.returnsToGo(rewards, ends: ends!, discount: $0) }
    if let keep {
      D4RLDataset.thin(&actions, size: actionSize, keep)
      D4RLDataset.thin(&rewards, size: 1, keep)
      if returns != nil { D4RLDataset.thin(&returns!, size: 1, keep) }
    }
    var result = Transitions(
      observations: Matrix(rows: count, columns: observationSize, elements: observations),
      actions: Matrix(rows: count, columns: actionSize, elements: actions), rewards: rewards,
      terminated: terminals,
      nextObservations: Matrix(rows: count, columns: observationSize, elements: next))
    result.returnsToGo = returns
    return result
  }

  /// Refuses returns of rows that are not in the order of time.
  ///
  /// - Parameter ends: the last rows of episodes.
  func checkOrderOfReturns(_ observations: [Float], ends: [Bool]) throws(DatasetError) {
    guard hasNextObservations, rows > 0 else { return }
    var inside = ends.map { !$0 }
    inside[rows - 1] = false
    do { try checkOrder(observations, where: inside) } catch {
      guard case .unordered(let file, let wrong, let compared, let first) = error else {
        throw error
      }
      throw .noReturns(file: file, rows: wrong, compared: compared, firstRow: first)
    }
  }

  /// Refuses rows that are not in the order of time, such as a replay buffer's after sampling.
  ///
  /// - Parameter inside: rows that should be followed by what happened next.
  private func checkOrder(_ observations: [Float], where inside: [Bool]) throws(DatasetError) {
    let size = observationSize
    let next = try array("next_observations")
    let block = DatasetScan.blockRows(self, about: 1 << 14)
    var results = [Result<Order, HDF5Error>](
      repeating: .success(Order()), count: (rows + block - 1) / block)
    let pool = WorkerPool(threads: max(1, min(WorkerPool.processorCount, results.count)))
    defer { pool.shutDown() }
    results.withUnsafeMutableBufferPointer { results in
      // Each call writes its own result.
      nonisolated(unsafe) let results = results
      pool.run(results.count) { [rows] index, _ in
        let part = index * block..<min(rows, (index + 1) * block)
        do throws(HDF5Error) {
          let next = try next.read(Float.self, rows: part, threads: 1)
          results[index] = .success(Order(next, observations, size, part, where: inside))
        } catch { results[index] = .failure(error) }
      }
    }
    var (compared, wrong, firstRow) = (0, 0, 0)
    for result in results {
      let order = try hdf5 { () throws(HDF5Error) in try result.get() }
      if wrong == 0 { firstRow = order.firstRow }
      compared += order.compared
      wrong += order.wrong
    }
    guard wrong * 100 > compared else { return }
    throw .unordered(file: path, rows: wrong, compared: compared, firstRow: firstRow)
  }

  /// How many of some rows have a next observation that is not the following row.
  private struct Order {
    var compared = 0
    var wrong = 0
    var firstRow = 0

    init() {}

    /// - Parameter next: of `rows` alone.
    init(
      _ next: [Float], _ observations: [Float], _ size: Int, _ rows: Range<Int>,
      where inside: [Bool]
    ) {
      next.withUnsafeBufferPointer { next in
        observations.withUnsafeBufferPointer { observations in
          for row in rows where inside[row] {
            compared += 1
            let (from, to) = ((row - rows.lowerBound) * size, (row + 1) * size)
            var agree = true
            for column in 0..<size {
              agree = agree && D4RLDataset.agree(next[from + column], observations[to + column])
            }
            if agree { continue }
            if wrong == 0 { firstRow = row }
            wrong += 1
          }
        }
      }
    }
  }

  private static func agree(_ left: Float, _ right: Float) -> Bool {
    abs(left - right) <= 1e-4 * max(1, abs(right))
  }

  /// Whether two observations are the same but for rounding; neither is NaN.
  static func agree(_ left: ArraySlice<Float>, _ right: ArraySlice<Float>) -> Bool {
    zip(left, right).allSatisfy(agree)
  }

  /// Σ γᵏ·r from each row to the end of its episode; an episode that the file cuts ends there.
  static func returnsToGo(
    _ rewards: [Float], ends: [Bool], discount: Double
  ) -> [Float] {
    var result = [Float](repeating: 0, count: rewards.count)
    var sum = 0.0
    for row in rewards.indices.reversed() {
      sum = Double(rewards[row]) + (ends[row] ? 0 : discount * sum)
      result[row] = Float(sum)
    }
    return result
  }

  /// A whole column, all of it finite.
  func finite(_ name: String) throws(DatasetError) -> [Float] {
    let values = try read(Float.self, name)
    if let index = D4RLDataset.firstNonFinite(values) {
      let width = max(1, values.count / max(1, rows))
      throw .notFinite(
        file: path, field: name, row: index / width, column: index % width,
        value: Double(values[index]))
    }
    return values
  }

  /// Index of the first NaN or infinity.
  static func firstNonFinite(_ values: [Float]) -> Int? {
    // Without its sign, a number that is not finite is the largest of all bit patterns; a maximum of
    // integers vectorises.
    var largest: UInt32 = 0
    for value in values { largest = max(largest, value.bitPattern & 0x7fff_ffff) }
    return largest < 0x7f80_0000 ? nil : values.firstIndex { !$0.isFinite }
  }

  /// The ranges of rows that are marked.
  private static func runs(_ keep: [Bool]) -> [Range<Int>] {
    var (result, row) = ([] as [Range<Int>], 0)
    while let start = keep[row...].firstIndex(of: true) {
      row = keep[start...].firstIndex(of: false) ?? keep.count
      result.append(start..<row)
    }
    return result
  }

  /// The rows behind those that are marked.
  private static func following(_ values: [Float], size: Int, _ keep: [Bool]) -> [Float] {
    let runs = runs(keep)
    let count = runs.reduce(0) { $0 + $1.count } * size
    return [Float](unsafeUninitializedCapacity: count) { target, initialized in
      for run in runs {
        initialized = target[initialized...].initialize(
          fromContentsOf: values[(run.lowerBound + 1) * size..<(run.upperBound + 1) * size])
      }
    }
  }

  /// Keeps the rows that are marked, in place.
  private static func thin(_ values: inout [Float], size: Int, _ keep: [Bool]) {
    let count = values.withUnsafeMutableBufferPointer { buffer in
      var written = 0
      for run in runs(keep) {
        if written != run.lowerBound * size {
          (buffer.baseAddress! + written).update(
            from: buffer.baseAddress! + run.lowerBound * size, count: run.count * size)
        }
        written += run.count * size
      }
      return written
    }
    values.removeLast(values.count - count)
  }

  /// The behaviour policy stored in v2 medium and expert files, under D4RL's names without their
  /// path (`fc0.weight` `[out, in]`, …, `last_fc_log_std.bias`); `nil` where there is none.
  public func storedPolicy() throws(DatasetError) -> NamedTensors? {
    try D4RLDataset.storedPolicy(in: file)
  }

  static func storedPolicy(in file: HDF5File) throws(DatasetError) -> NamedTensors? {
    try hdf5 { () throws(HDF5Error) in
      try file.requireReadable("metadata/policy")
      guard file.contains("metadata/policy") else { return nil }
      var result = NamedTensors()
      for object in file.objects(below: "metadata/policy") where object.kind == .dataset {
        let name = object.path.dropFirst("metadata/policy/".count)
          .split(separator: "/").joined(separator: ".")
        let array = try file.dataset(object.path)
        if array.type.isString {
          result.metadata[name] = try array.readString()
        } else {
          result[name] = Tensor(.float32(try array.read(Float.self)), shape: array.shape)
        }
      }
      return result.tensors.isEmpty ? nil : result
    }
  }
}
