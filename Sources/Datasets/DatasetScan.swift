internal import HDF5

/// One pass over the rows of a file, block by block.
struct DatasetScan {
  let dataset: D4RLDataset
  private(set) var episodes: [DatasetSummary.EpisodeRecord] = []
  private(set) var terminals = 0
  private(set) var timeouts = 0
  private(set) var transitions = 0
  /// Rows flagged both terminal and time-out.
  private(set) var doublyFlagged = Occurrences()
  /// First NaN or infinity of each column that has one, and how many such rows there are.
  private(set) var nonFinite: [(column: String, row: Int, count: Int)] = []
  /// The first terminal, for messages.
  private(set) var firstTerminalRow: Int?
  /// Time-out rows by the length of the episode that they end.
  private(set) var timeoutLengths: [Int: Occurrences] = [:]
  /// Rows, inside an episode, whose next observation is not the following row.
  private(set) var discontinuities = Occurrences()
  /// Rows whose observation is not [qpos[1...], clipped qvel].
  private(set) var stateDisagreements = Occurrences()
  /// Rows whose state is that of the row before, or after, by the observations there.
  private(set) var stateOfRowBefore = 0
  private(set) var stateOfRowAfter = 0
  /// Rows, inside an episode, whose state is that of the row before, and how many could be.
  private(set) var frozenStates = Occurrences()
  private(set) var comparedStates = 0
  /// Observed velocities at the limit of ±10, and stored ones beyond it.
  private(set) var velocitiesAtLimit = Occurrences()
  private(set) var velocitiesAboveLimit = 0
  /// Rows with an action outside [−1, 1].
  private(set) var largeActions = Occurrences()
  /// Per column of numbers.
  private(set) var statistics: [String: ColumnStatistics] = [:]
  /// Elements of actions at ±1, to three digits.
  private(set) var saturatedActions = 0
  /// Rows whose observation and action appeared before, among the first ``duplicateLimit``.
  private(set) var duplicates = Occurrences()
  private var seen: Set<UInt64> = []
  static let duplicateLimit = 2_000_000
  /// Rows whose state was compared with the observation.
  private var statedRows = 0
  /// Whether observations hold velocities clipped to ±10, as those of the robots that can fall do.
  private let clipsVelocities: Bool

  /// How often something was met, and in which row first.
  struct Occurrences {
    private(set) var count = 0
    private(set) var firstRow = 0

    mutating func note(row: Int) {
      if count == 0 { firstRow = row }
      count += 1
    }
  }

  init(_ dataset: D4RLDataset) {
    self.dataset = dataset
    clipsVelocities = dataset.environmentName?.hasPrefix("halfcheetah") != true
  }

  /// Rows of a block: whole chunks, so that each is inflated once.
  static func blockRows(_ dataset: D4RLDataset, about target: Int = 65_536) -> Int {
    var chunk = 1
    if case .chunked(let shape, _) = dataset.column("observations")!.storage { chunk = shape[0] }
    return chunk >= target ? chunk : target / chunk * chunk
  }

  mutating func run() throws(DatasetError) {
    let blockRows = DatasetScan.blockRows(dataset)
    var open: DatasetSummary.EpisodeRecord?
    var counter = D4RLTimeoutCounter()
    var previousNext: ArraySlice<Float>?
    for start in stride(from: 0, to: dataset.rows, by: blockRows) {
      let rows = start..<min(dataset.rows, start + blockRows)
      let rewards = try read("rewards", rows)
      let terminalFlags = try dataset.flags("terminals", rows: rows)
      let timeoutFlags =
        dataset.hasTimeouts
        ? try dataset.markedTimeouts(rows: rows, terminals: terminalFlags)
        : terminalFlags.map { counter.isTimeout(terminal: $0) }
      let observations = try read("observations", rows)
      let actions = try read("actions", rows)
      note(actions: actions, from: start)
      noteDuplicates(observations, actions, rows)
      let next = dataset.hasNextObservations ? try read("next_observations", rows) : nil
      if dataset.column("infos/action_log_probs") != nil {
        _ = try read("infos/action_log_probs", rows)
      }
      let before = lastState
      let states = dataset.hasPhysicalStates ? try readStates(rows) : nil
      let width = dataset.observationSize

      for index in 0..<rows.count {
        let row = start + index
        let observation = observations[index * width..<(index + 1) * width]
        if let before = previousNext, open != nil, !D4RLDataset.agree(before, observation) {
          discontinuities.note(row: row - 1)
        }
        if let next { previousNext = next[index * width..<(index + 1) * width] }
        if let states {
          if !compare(observation, states, index, row) {
            compareNeighbours(observations, states, index)
          }
          if open != nil { compareStates(states, index, row, before: before) }
        }
        if open == nil {
          open = .init(firstRow: row, length: 0, returnValue: 0, terminal: false, timeout: false)
        }
        open!.length += 1
        open!.returnValue += Double(rewards[index])
        let (terminal, timeout) = (terminalFlags[index], timeoutFlags[index])
        if terminal {
          terminals += 1
          if firstTerminalRow == nil { firstTerminalRow = row }
        }
        if timeout {
          timeouts += 1
          timeoutLengths[open!.length, default: Occurrences()].note(row: row)
        }
        if terminal && timeout { doublyFlagged.note(row: row) }
        if !timeout && row < dataset.rows - 1 { transitions += 1 }
        if terminal || timeout {
          open!.terminal = terminal
          open!.timeout = timeout
          episodes.append(open!)
          open = nil
        }
      }
    }
    if let open { episodes.append(open) }
  }

  private mutating func read(_ name: String, _ rows: Range<Int>) throws(DatasetError) -> [Float] {
    let values = try dataset.read(Float.self, name, rows: rows)
    let size = max(1, values.count / max(1, rows.count))
    statistics[name, default: ColumnStatistics(size: size)].add(values)
    note(nonFinite: values, name, rows)
    return values
  }

  private mutating func note(nonFinite values: [Float], _ name: String, _ rows: Range<Int>) {
    guard let first = D4RLDataset.firstNonFinite(values) else { return }
    let width = max(1, values.count / max(1, rows.count))
    let bad = Set(values.indices.lazy.filter { !values[$0].isFinite }.map { $0 / width }).count
    if let known = nonFinite.firstIndex(where: { $0.column == name }) {
      nonFinite[known].count += bad
    } else {
      nonFinite.append((name, rows.lowerBound + first / width, bad))
    }
  }

  private mutating func note(actions: [Float], from start: Int) {
    var lastRow = -1
    for (index, value) in actions.enumerated() where abs(value) >= 0.999 {
      saturatedActions += 1
      // A rounding of the last digit is no action of another range.
      let row = index / dataset.actionSize
      if abs(value) > 1.000_001, row != lastRow {
        largeActions.note(row: start + row)
        lastRow = row
      }
    }
  }

  private mutating func noteDuplicates(
    _ observations: [Float], _ actions: [Float], _ rows: Range<Int>
  ) {
    guard rows.lowerBound < Self.duplicateLimit else { return }
    let (wide, narrow) = (dataset.observationSize, dataset.actionSize)
    for row in 0..<rows.count {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for index in row * wide..<(row + 1) * wide {
        hash = (hash ^ UInt64(observations[index].bitPattern)) &* 0x100_0000_01b3
        hash ^= hash >> 29
      }
      for index in row * narrow..<(row + 1) * narrow {
        hash = (hash ^ UInt64(actions[index].bitPattern)) &* 0x100_0000_01b3
        hash ^= hash >> 29
      }
      if !seen.insert(hash).inserted { duplicates.note(row: rows.lowerBound + row) }
    }
  }

  private struct States {
    let positions: [Double]
    let velocities: [Double]
    let positionSize: Int
    let velocitySize: Int

    func row(_ index: Int) -> (positions: ArraySlice<Double>, velocities: ArraySlice<Double>) {
      (
        positions[index * positionSize..<(index + 1) * positionSize],
        velocities[index * velocitySize..<(index + 1) * velocitySize]
      )
    }
  }

  /// That of the last row read.
  private var lastState: [Double] = []

  private mutating func compareStates(
    _ states: States, _ index: Int, _ row: Int, before: [Double]
  ) {
    let (positions, velocities) = states.row(index)
    comparedStates += 1
    let same: Bool
    if index > 0 {
      let (oldPositions, oldVelocities) = states.row(index - 1)
      same = positions.elementsEqual(oldPositions) && velocities.elementsEqual(oldVelocities)
    } else {
      same = before.elementsEqual(Array(positions) + velocities)
    }
    if same { frozenStates.note(row: row) }
  }

  private mutating func readStates(_ rows: Range<Int>) throws(DatasetError) -> States? {
    let positionSize = dataset.column("infos/qpos")!.shape[1]
    let velocitySize = dataset.column("infos/qvel")!.shape[1]
    guard positionSize - 1 + velocitySize == dataset.observationSize else { return nil }
    let positions = try dataset.read(Double.self, "infos/qpos", rows: rows)
    let velocities = try dataset.read(Double.self, "infos/qvel", rows: rows)
    for (name, size, values) in [
      ("infos/qpos", positionSize, positions), ("infos/qvel", velocitySize, velocities),
    ] {
      let rounded = values.map { Float($0) }
      statistics[name, default: ColumnStatistics(size: size)].add(rounded)
      note(nonFinite: rounded, name, rows)
    }
    lastState = Array(positions.suffix(positionSize) + velocities.suffix(velocitySize))
    return States(
      positions: positions, velocities: velocities, positionSize: positionSize,
      velocitySize: velocitySize)
  }

  /// How the stored states are wrong as a whole; `nil` where they are those of the observations.
  var stateFault: StateFault? {
    guard statedRows > 0, stateDisagreements.count > 0 else { return nil }
    // Rows at the joints of blocks have no neighbour here, and ends of episodes none at all.
    let most = statedRows / 2
    if stateOfRowAfter > most { return .shifted(by: 1) }
    if stateOfRowBefore > most { return .shifted(by: -1) }
    if frozenStates.count > comparedStates / 2 { return .frozen }
    return .otherStates(rows: stateDisagreements.count, firstRow: stateDisagreements.firstRow)
  }

  /// Counts agreement with the states one row away, which a file that is one row late has throughout.
  private mutating func compareNeighbours(
    _ observations: [Float], _ states: States, _ index: Int
  ) {
    let width = dataset.observationSize
    func agrees(_ other: Int) -> Bool {
      guard other >= 0, (other + 1) * width <= observations.count else { return false }
      return difference(observations[other * width..<(other + 1) * width], states, index) < 1e-4
    }
    if agrees(index - 1) { stateOfRowBefore += 1 }
    if agrees(index + 1) { stateOfRowAfter += 1 }
  }

  /// observation = [qpos[1...], qvel], velocities clipped to ±10 on the robots that can fall.
  private mutating func compare(
    _ observation: ArraySlice<Float>, _ states: States, _ index: Int, _ row: Int
  ) -> Bool {
    statedRows += 1
    let base = observation.startIndex
    for column in 0..<states.velocitySize {
      let value = states.velocities[index * states.velocitySize + column]
      let seen = observation[base + states.positionSize - 1 + column]
      if clipsVelocities, abs(seen) == 10 { velocitiesAtLimit.note(row: row) }
      if abs(value) > 10 { velocitiesAboveLimit += 1 }
    }
    let agrees = difference(observation, states, index) < 1e-4
    if !agrees { stateDisagreements.note(row: row) }
    return agrees
  }

  /// Largest difference between an observation and what would be seen of a state, relative to the
  /// state's numbers where they are beyond 1.
  private func difference(
    _ observation: ArraySlice<Float>, _ states: States, _ index: Int
  ) -> Double {
    var worst = 0.0
    let base = observation.startIndex
    for column in 1..<states.positionSize {
      let value = states.positions[index * states.positionSize + column]
      worst = max(worst, abs(value - Double(observation[base + column - 1])) / max(1, abs(value)))
    }
    for column in 0..<states.velocitySize {
      let value = states.velocities[index * states.velocitySize + column]
      let seen = Double(observation[base + states.positionSize - 1 + column])
      let clipped = min(max(value, -10), 10)
      let difference =
        clipsVelocities
        ? min(abs(clipped - seen), abs(value - seen)) : abs(value - seen)
      worst = max(worst, difference / max(1, abs(value)))
    }
    return worst
  }
}
