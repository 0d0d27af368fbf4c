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
    if stored, rows > 0, let ends {
      var inside = ends.map { !$0 }
      inside[rows - 1] = false
      do { try checkOrder(observations, where: inside) } catch {
        guard case .unordered(let file, let wrong, let compared, let first) = error else {
          throw error
        }
        throw .noReturns(file: file, rows: wrong, compared: compared, firstRow: first)
      }
    }
    let next: [Float]
    if let keep {
      let size = observationSize
      next = [Float](unsafeUninitializedCapacity: count * size) { target, initialized in
        observations.withUnsafeBufferPointer { source in
          var written = 0
          for row in 0..<rows where keep[row] {
            let from = (row + 1) * size
            for column in 0..<size {
              target.initializeElement(at: written + column, to: source[from + column])
            }
            written += size
          }
          initialized = written
        }
      }
      D4RLDataset.thin(&observations, size: size, keep)
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

  /// Refuses rows that are not in the order of time, such as a replay buffer's after sampling.
  ///
  /// - Parameter inside: rows that should be followed by what happened next.
  private func checkOrder(_ observations: [Float], where inside: [Bool]) throws(DatasetError) {
    let size = observationSize
    var (compared, wrong, firstRow) = (0, 0, 0)
    let block = DatasetScan.blockRows(self)
    for start in stride(from: 0, to: rows, by: block) {
      let end = min(rows, start + block)
      let next = try read(Float.self, "next_observations", rows: start..<end)
      for row in start..<end where inside[row] {
        compared += 1
        let stored = next[(row - start) * size..<(row - start + 1) * size]
        guard !D4RLDataset.agree(stored, observations[(row + 1) * size..<(row + 2) * size]) else {
          continue
        }
        if wrong == 0 { firstRow = row }
        wrong += 1
      }
    }
    guard wrong * 100 > compared else { return }
    throw .unordered(file: path, rows: wrong, compared: compared, firstRow: firstRow)
  }

  /// Whether two observations are the same but for rounding; neither is NaN.
  static func agree(_ left: ArraySlice<Float>, _ right: ArraySlice<Float>) -> Bool {
    zip(left, right).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) }
  }

  /// Σ γᵏ·r from each row to the end of its episode; an episode that the file cuts ends there.
  private static func returnsToGo(
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
  private func finite(_ name: String) throws(DatasetError) -> [Float] {
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

  /// Keeps the rows that are marked, in place.
  private static func thin(_ values: inout [Float], size: Int, _ keep: [Bool]) {
    let count = values.withUnsafeMutableBufferPointer { buffer in
      var written = 0
      for row in keep.indices where keep[row] {
        let from = row * size
        if written != from {
          for column in 0..<size { buffer[written + column] = buffer[from + column] }
        }
        written += size
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
