internal import HDF5

/// One pass over the rows of a file, block by block.
struct DatasetScan {
  let dataset: D4RLDataset
  private(set) var episodes: [DatasetSummary.EpisodeRecord] = []
  private(set) var terminals = 0
  private(set) var timeouts = 0
  private(set) var transitions = 0
  /// Rows flagged both terminal and time-out.
  private(set) var doublyFlagged = 0
  /// First NaN or infinity of each column that has one, and how many such rows there are.
  private(set) var nonFinite: [(column: String, row: Int, count: Int)] = []
  /// Rows of the first terminals, for messages.
  private(set) var firstTerminalRow: Int?
  /// Time-outs on episodes of another length than the commonest among time-outs.
  private(set) var timeoutLengths: [Int: Int] = [:]
  /// Rows, inside an episode, whose next observation is not the following row; and the first.
  private(set) var discontinuities = 0
  private(set) var firstDiscontinuity: Int?
  /// Rows whose observation is not [qpos[1...], clipped qvel]; and the first.
  private(set) var stateDisagreements = 0
  private(set) var firstStateDisagreement: Int?
  /// Rows with |qvel| never above 10 although |observed velocity| reaches it.
  private(set) var velocitiesAtLimit = 0
  private(set) var velocitiesAboveLimit = 0
  /// Per column of numbers.
  private(set) var statistics: [String: ColumnStatistics] = [:]
  /// Elements of actions at ±1, to three digits.
  private(set) var saturatedActions = 0
  /// Rows whose observation and action appeared before, among the first ``duplicateLimit``.
  private(set) var duplicates = 0
  private var seen: Set<UInt64> = []
  static let duplicateLimit = 2_000_000

  init(_ dataset: D4RLDataset) { self.dataset = dataset }

  /// Rows of a block: whole chunks, so that each is inflated once.
  static func blockRows(_ dataset: D4RLDataset) -> Int {
    var chunk = 1
    if case .chunked(let shape, _) = dataset.column("observations")!.storage { chunk = shape[0] }
    let target = 65_536
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
        ? try dataset.flags("timeouts", rows: rows)
        : terminalFlags.map { counter.isTimeout(terminal: $0) }
      let observations = try read("observations", rows)
      let actions = try read("actions", rows)
      for value in actions where abs(value) >= 0.999 { saturatedActions += 1 }
      noteDuplicates(observations, actions, rows)
      let next = dataset.hasNextObservations ? try read("next_observations", rows) : nil
      let states = dataset.hasPhysicalStates ? try readStates(rows) : nil
      let width = dataset.observationSize

      for index in 0..<rows.count {
        let row = start + index
        let observation = observations[index * width..<(index + 1) * width]
        if let before = previousNext, open != nil, !before.elementsEqual(observation) {
          discontinuities += 1
          if firstDiscontinuity == nil { firstDiscontinuity = row - 1 }
        }
        if let next { previousNext = next[index * width..<(index + 1) * width] }
        if let states { compare(observation, states, index, row) }
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
          timeoutLengths[open!.length, default: 0] += 1
        }
        if terminal && timeout { doublyFlagged += 1 }
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
    guard let first = D4RLDataset.firstNonFinite(values) else { return values }
    let width = max(1, values.count / max(1, rows.count))
    let bad = Set(values.indices.lazy.filter { !values[$0].isFinite }.map { $0 / width }).count
    if let known = nonFinite.firstIndex(where: { $0.column == name }) {
      nonFinite[known].count += bad
    } else {
      nonFinite.append((name, rows.lowerBound + first / width, bad))
    }
    return values
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
      if !seen.insert(hash).inserted { duplicates += 1 }
    }
  }

  private struct States {
    let positions: [Double]
    let velocities: [Double]
    let positionSize: Int
    let velocitySize: Int
  }

  private mutating func readStates(_ rows: Range<Int>) throws(DatasetError) -> States? {
    let positionSize = dataset.column("infos/qpos")!.shape[1]
    let velocitySize = dataset.column("infos/qvel")!.shape[1]
    guard positionSize - 1 + velocitySize == dataset.observationSize else { return nil }
    let positions = try dataset.read(Double.self, "infos/qpos", rows: rows)
    let velocities = try dataset.read(Double.self, "infos/qvel", rows: rows)
    statistics["infos/qpos", default: ColumnStatistics(size: positionSize)]
      .add(positions.map { Float($0) })
    statistics["infos/qvel", default: ColumnStatistics(size: velocitySize)]
      .add(velocities.map { Float($0) })
    return States(
      positions: positions, velocities: velocities, positionSize: positionSize,
      velocitySize: velocitySize)
  }

  /// observation = [qpos[1...], qvel], velocities clipped to ±10 on the robots that can fall.
  private mutating func compare(
    _ observation: ArraySlice<Float>, _ states: States, _ index: Int, _ row: Int
  ) {
    let clips = dataset.actionSize == 3 || terminals > 0
    var worst = 0.0
    let base = observation.startIndex
    for column in 1..<states.positionSize {
      let value = states.positions[index * states.positionSize + column]
      worst = max(worst, abs(value - Double(observation[base + column - 1])) / max(1, abs(value)))
    }
    for column in 0..<states.velocitySize {
      let value = states.velocities[index * states.velocitySize + column]
      let seen = Double(observation[base + states.positionSize - 1 + column])
      if abs(seen) == 10 { velocitiesAtLimit += 1 }
      if abs(value) > 10 { velocitiesAboveLimit += 1 }
      let clipped = min(max(value, -10), 10)
      let difference =
        clips || abs(seen) == 10
        ? min(abs(clipped - seen), abs(value - seen)) : abs(value - seen)
      worst = max(worst, difference / max(1, abs(value)))
    }
    if !(worst < 1e-4) {
      stateDisagreements += 1
      if firstStateDisagreement == nil { firstStateDisagreement = row }
    }
  }
}
