public import RLCore

/// One episode of a file, where the robot was and what it got.
public struct StoredEpisode: Sendable, Equatable {
  /// qpos and qvel before each step.
  public let states: [PhysicalState]
  /// r of each step.
  public let rewards: [Double]
  /// Flag `terminals` of the last row.
  public let terminal: Bool
  /// The last row is a time-out, by the file's flags or by D4RL's count of steps.
  public let timeout: Bool
}

extension D4RLDataset {
  /// Refuses a file without the physical states of this robot.
  func checkStates(of specification: EnvironmentSpecification) throws(DatasetError) {
    for (name, size) in [
      ("infos/qpos", specification.positionSize), ("infos/qvel", specification.velocitySize),
    ] {
      guard let column = column(name) else { throw .missing(file: path, field: name) }
      guard column.shape == [rows, size] else {
        throw .mismatch(
          file: path, field: name, expected: "shape [\(rows), \(size)]",
          actual: "shape \(column.shape)")
      }
    }
  }

  /// Reads some episodes.
  ///
  /// - Parameters:
  ///   - numbers: from 0, in the order of the file; an unfinished last one counts too.
  ///   - specification: of the robot.
  /// - Throws: where the file is of another robot, lacks `infos/qpos` or `infos/qvel`, has no such episode, or
  ///   holds a number in it that is not finite.
  public func episodes(
    _ numbers: Range<Int>, of specification: EnvironmentSpecification
  ) throws(DatasetError) -> [StoredEpisode] {
    try check(against: specification)
    try checkStates(of: specification)
    let terminals = try terminals()
    let timeouts = try timeouts(terminals: terminals)
    var ends = terminals.indices.filter { terminals[$0] || timeouts[$0] }
    if let last = terminals.indices.last, ends.last != last { ends.append(last) }
    guard let last = numbers.last, ends.indices.contains(last), numbers.lowerBound >= 0 else {
      throw .mismatch(
        file: path, field: "episode", expected: "numbers from 0 to \(ends.count - 1)",
        actual: "\(numbers.lowerBound) to \(numbers.upperBound - 1)")
    }
    var result: [StoredEpisode] = []
    for number in numbers {
      let first = number == 0 ? 0 : ends[number - 1] + 1
      let end = ends[number]
      result.append(
        try episode(
          first..<end + 1, specification, terminal: terminals[end], timeout: timeouts[end]))
    }
    return result
  }

  private func episode(
    _ range: Range<Int>, _ specification: EnvironmentSpecification, terminal: Bool, timeout: Bool
  ) throws(DatasetError) -> StoredEpisode {
    let (q, v) = (specification.positionSize, specification.velocitySize)
    let positions = try finite("infos/qpos", range, columns: q)
    let velocities = try finite("infos/qvel", range, columns: v)
    return StoredEpisode(
      states: (0..<range.count).map { row in
        PhysicalState(
          position: Array(positions[row * q..<(row + 1) * q]),
          velocity: Array(velocities[row * v..<(row + 1) * v]))
      },
      rewards: try finite("rewards", range, columns: 1), terminal: terminal, timeout: timeout)
  }

  private func finite(
    _ name: String, _ rows: Range<Int>, columns: Int
  ) throws(DatasetError) -> [Double] {
    let values = try read(Double.self, name, rows: rows)
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(
        file: path, field: name, row: rows.lowerBound + bad / columns, column: bad % columns,
        value: values[bad])
    }
    return values
  }
}
