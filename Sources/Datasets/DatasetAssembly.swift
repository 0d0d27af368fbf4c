public import DenseMath
public import Environments
internal import HDF5
internal import Physics
public import RLCore

/// Makes a new file from rows of others, block by block: slices, merged and stitched sets.
///
/// A column that one of the sources lacks is left out of the result (except `timeouts`, which are
/// counted as D4RL does), and ``notes`` say so. No transition ever crosses from one piece into the next: where a piece ends
/// within an episode, its last row becomes a time-out, unless it is the last of all.
public struct DatasetAssembly {
  /// Consecutive rows of one source.
  public struct Piece {
    /// Where the rows come from.
    public let dataset: D4RLDataset
    /// Of the source, from 0, without the upper bound.
    public let rows: Range<Int>

    /// - Precondition: the source has these rows.
    public init(_ dataset: D4RLDataset, rows: Range<Int>) {
      precondition(
        rows.lowerBound >= 0 && rows.upperBound <= dataset.rows,
        "rows \(rows) of a dataset of \(dataset.rows)")
      (self.dataset, self.rows) = (dataset, rows)
    }
  }

  /// In the order of their rows in the new file; empty ones are left out.
  public let pieces: [Piece]
  /// Rows of the new file.
  public var rows: Int { pieces.reduce(0) { $0 + $1.rows.count } }
  /// What the new file lacks that a source has, in plain words.
  public private(set) var notes: [String] = []
  let shape: D4RLShape
  private static let blockRows = 65_536

  /// - Throws: where there are no rows, or the sources have observations or actions of different
  ///   widths.
  public init(_ pieces: [Piece], output: String) throws(DatasetError) {
    let pieces = pieces.filter { !$0.rows.isEmpty }
    guard let first = pieces.first?.dataset else {
      throw .mismatch(file: output, field: "rows", expected: "at least one", actual: "none")
    }
    for piece in pieces {
      let (dataset, file) = (piece.dataset, piece.dataset.path)
      for (field, expected, actual) in [
        ("observations", first.observationSize, dataset.observationSize),
        ("actions", first.actionSize, dataset.actionSize),
      ] where expected != actual {
        throw .mismatch(
          file: file, field: field, expected: "\(expected) columns as in \(first.path)",
          actual: "\(actual) columns")
      }
      if let name = dataset.environmentName, let other = first.environmentName, name != other {
        throw .mismatch(
          file: file, field: "environment", expected: "\(other) as in \(first.path)", actual: name)
      }
    }
    self.pieces = pieces
    let all = pieces.map(\.dataset)
    func width(_ name: String) -> Int {
      let widths = Set(all.map { $0.column(name)?.shape.last ?? 0 })
      return widths.count == 1 ? widths.first! : 0
    }
    let hasStates = width("infos/qpos") > 0 && width("infos/qvel") > 0
    var shape = D4RLShape(
      observationSize: first.observationSize, actionSize: first.actionSize,
      positionSize: hasStates ? width("infos/qpos") : 0,
      velocitySize: hasStates ? width("infos/qvel") : 0)
    shape.hasNextObservations = all.allSatisfy(\.hasNextObservations)
    shape.hasLogProbs = all.allSatisfy { $0.column("infos/action_log_probs") != nil }
    self.shape = shape
    notes = DatasetAssembly.losses(all, shape)
  }

  /// One note for each column that only some of the sources have.
  private static func losses(_ sources: [D4RLDataset], _ shape: D4RLShape) -> [String] {
    func note(_ names: [String], isKept: Bool, _ consequence: String = "") -> String? {
      let having = sources.filter { source in names.contains { source.column($0) != nil } }
      guard !isKept, !having.isEmpty else { return nil }
      let without = sources.filter { source in names.contains { source.column($0) == nil } }
      let reason =
        without.isEmpty
        ? "its width differs"
        : "\(without[0].path) has none" + (without.count > 1 ? ", nor have others" : "")
      return "\(names.joined(separator: " and ")) left out: \(reason)\(consequence)"
    }
    return [
      note(
        ["next_observations"], isKept: shape.hasNextObservations,
        "; the following row will be the next observation, as in v0 files"),
      note(["infos/qpos", "infos/qvel"], isKept: shape.positionSize > 0),
      note(["infos/action_log_probs"], isKept: shape.hasLogProbs),
    ].compactMap(\.self)
  }

  /// Writes the file.
  ///
  /// - Parameters:
  ///   - command: goes into the metadata.
  ///   - policy: goes into the metadata; by default the policy of the one source, if it has one.
  ///   - integers: further metadata; these win over the source's.
  ///   - rewards: replaces the rewards of a block of rows.
  public func write(
    to path: String, command: String, replacing: Bool = false, policy: NamedTensors? = nil,
    integers: [String: Int] = [:],
    rewards: ((D4RLRows) throws(DatasetError) -> [Float])? = nil
  ) throws(DatasetError) {
    var metadata = D4RLMetadata()
    metadata.strings["command"] = command
    metadata.strings["sources"] = pieces.map {
      "\($0.dataset.path.split(separator: "/").last ?? "") rows \($0.rows)"
    }.prefix(64).joined(separator: "; ")
    if let name = pieces[0].dataset.environmentName { metadata.strings["environment"] = name }
    if Set(pieces.map(\.dataset.path)).count == 1 {
      metadata.policy =
        if let policy { policy } else { try pieces[0].dataset.storedPolicy() }
      for (name, value) in pieces[0].dataset.metadata
      where !name.hasPrefix("policy/") && metadata.strings[name] == nil && integers[name] == nil {
        metadata.strings[name] = value
      }
    }
    if let text = pieces.lazy.compactMap({ piece in
      piece.dataset.metadata.first { $0.name == MinariEnvironment.differencesName }?.value
    }).first {
      metadata.strings[MinariEnvironment.differencesName] = text
    }
    metadata.integers = integers
    let writer = try D4RLWriter(
      creating: path, rows: rows, shape: shape, metadata: metadata, replacing: replacing)
    try forEachBlock { (block) throws(DatasetError) in
      var block = block
      if let rewards { block.rewards = try rewards(block) }
      try writer.append(block)
    }
    try writer.finish()
  }

  /// Hands on all rows in order, block by block.
  func forEachBlock(
    _ body: (D4RLRows) throws(DatasetError) -> Void
  ) throws(DatasetError) {
    for (index, piece) in pieces.enumerated() {
      let counted = piece.dataset.hasTimeouts ? nil : try countedTimeouts(piece.dataset)
      var start = piece.rows.lowerBound
      while start < piece.rows.upperBound {
        let end = min(start + Self.blockRows, piece.rows.upperBound)
        var block = try read(piece.dataset, start..<end, counted)
        if end == piece.rows.upperBound, index < pieces.count - 1, !block.terminals.last! {
          block.timeouts[block.count - 1] = true
        }
        try body(block)
        start = end
      }
    }
  }

  private func countedTimeouts(_ dataset: D4RLDataset) throws(DatasetError) -> [Bool] {
    try dataset.timeouts(terminals: dataset.terminals())
  }

  private func read(
    _ dataset: D4RLDataset, _ rows: Range<Int>, _ timeouts: [Bool]?
  ) throws(DatasetError) -> D4RLRows {
    var block = D4RLRows()
    block.observations = try dataset.read(Float.self, "observations", rows: rows)
    block.actions = try dataset.read(Float.self, "actions", rows: rows)
    block.rewards = try dataset.read(Float.self, "rewards", rows: rows)
    block.terminals = try dataset.flags("terminals", rows: rows)
    block.timeouts =
      if let timeouts {
        Array(timeouts[rows])
      } else {
        try dataset.markedTimeouts(rows: rows, terminals: block.terminals)
      }
    if shape.hasNextObservations {
      block.nextObservations = try dataset.read(Float.self, "next_observations", rows: rows)
    }
    if shape.hasLogProbs {
      block.actionLogProbs = try dataset.read(Float.self, "infos/action_log_probs", rows: rows)
    }
    if shape.positionSize > 0 {
      block.positions = try dataset.read(Double.self, "infos/qpos", rows: rows)
      block.velocities = try dataset.read(Double.self, "infos/qvel", rows: rows)
    }
    return block
  }
}

extension DatasetAssembly {
  /// D4RL's rule for medium-expert: the first file cut after its last complete episode, then the
  /// second, cut to `rows` rows (`nil`: as many as both files have together, at most).
  public static func stitching(
    _ first: D4RLDataset, _ second: D4RLDataset, rows: Int? = nil, output: String
  ) throws(DatasetError) -> DatasetAssembly {
    let episodes = try DatasetSummary.episodes(of: first)
    let end = episodes.last { $0.isComplete }.map { $0.firstRow + $0.length } ?? 0
    let limit = rows ?? first.rows + second.rows
    let head = min(end, limit)
    return try DatasetAssembly(
      [
        Piece(first, rows: 0..<head),
        Piece(second, rows: 0..<min(second.rows, limit - head)),
      ], output: output)
  }

  /// All rows of a file whose rewards ``simulatedRewards(_:pool:file:)`` can replace.
  ///
  /// - Throws: where `infos/qpos` and `infos/qvel` are not the states of the observations: rewards
  ///   computed from them would be wrong.
  public static func relabelling(
    _ dataset: D4RLDataset, output: String
  ) throws(DatasetError) -> DatasetAssembly {
    var assembly = try DatasetAssembly(
      [Piece(dataset, rows: 0..<dataset.rows)], output: output)
    guard dataset.hasPhysicalStates else { return assembly }
    var scan = DatasetScan(dataset)
    try scan.run()
    if let fault = scan.stateFault { throw fault.error(in: dataset.path) }
    if scan.velocitiesAtLimit.count > 0, scan.velocitiesAboveLimit == 0 {
      assembly.notes.append(
        "infos/qvel holds clipped velocities: \(scan.velocitiesAtLimit.count) at ±10, the first in "
          + "row \(scan.velocitiesAtLimit.firstRow); rewards of those rows are not exact")
    }
    return assembly
  }

  /// The episodes that `isWanted` says yes to, by index.
  public static func slicing(
    _ dataset: D4RLDataset, output: String,
    where isWanted: (_ index: Int, DatasetSummary.EpisodeRecord) -> Bool
  ) throws(DatasetError) -> DatasetAssembly {
    let episodes = try DatasetSummary.episodes(of: dataset)
    var ranges: [Range<Int>] = []
    for (index, episode) in episodes.enumerated() where isWanted(index, episode) {
      let rows = episode.firstRow..<episode.firstRow + episode.length
      // Only neighbours that are whole may share a piece.
      if let last = ranges.last, last.upperBound == rows.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<rows.upperBound
      } else {
        ranges.append(rows)
      }
    }
    return try DatasetAssembly(ranges.map { Piece(dataset, rows: $0) }, output: output)
  }

  /// What this package's simulator pays for each row's stored state and action.
  public static func simulatedRewards(
    _ kind: EnvironmentKind, pool: WorkerPool, file: String
  ) throws(DatasetError) -> (D4RLRows) throws(DatasetError) -> [Float] {
    var environments: [any Environment] = []
    for _ in 0..<pool.threads {
      do throws(PhysicsError) { environments.append(try kind.makeEnvironment()) } catch {
        throw .system(file: file, operation: "cannot simulate", message: "\(error)")
      }
    }
    let specification = kind.specification
    let workers = environments
    return { (rows) throws(DatasetError) -> [Float] in
      guard rows.positions.count == rows.count * specification.positionSize,
        rows.velocities.count == rows.count * specification.velocitySize
      else { throw .missing(file: file, field: "infos/qpos and infos/qvel of \(kind)") }
      var rewards = rows.rewards
      rewards.withUnsafeMutableBufferPointer { rewards in
        // Each call writes its own rows only, and each worker has its own environment.
        nonisolated(unsafe) let rewards = rewards
        nonisolated(unsafe) let workers = workers
        pool.run((rows.count + 255) / 256) { part, worker in
          for row in part * 256..<min(rows.count, part * 256 + 256) {
            func slice<Value>(_ values: [Value], _ size: Int) -> ArraySlice<Value> {
              values[row * size..<(row + 1) * size]
            }
            let state = PhysicalState(
              position: Array(slice(rows.positions, specification.positionSize)),
              velocity: Array(slice(rows.velocities, specification.velocitySize)))
            _ = workers[worker].reset(to: state)
            let step = workers[worker].step(
              slice(rows.actions, specification.actionSize).map { Double($0) })
            rewards[row] = step.unstable ? .nan : Float(step.reward)
          }
        }
      }
      if let bad = rewards.firstIndex(where: { !$0.isFinite }) {
        throw .notFinite(file: file, field: "rewards", row: bad, column: 0, value: .nan)
      }
      return rewards
    }
  }
}
