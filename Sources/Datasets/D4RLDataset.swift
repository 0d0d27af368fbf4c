internal import Environments
public import HDF5
public import RLCore

/// The generations of D4RL's Gym-MuJoCo files.
public enum D4RLVersion: String, Sendable, Codable {
  /// No `next_observations`, `infos` or `metadata`; episodes at the limit have 999 rows.
  case v0
  /// `infos` of single precision, or medium-replay files all in float64.
  case v1
  case v2
}

/// One array of a file.
public struct D4RLColumn: Sendable, Equatable {
  /// Path inside the file, such as `infos/qpos`.
  public let name: String
  /// Extents, the number of rows first.
  public let shape: [Int]
  /// Type of the elements in the file, whatever they are read as.
  public let type: HDF5Type
  /// How the elements lie in the file.
  public let storage: HDF5Storage
  /// Bytes in the file, compressed where the column is.
  public let storedBytes: Int

  /// For people: `chunks [4096, 17], deflate 4`.
  public var storageDescription: String {
    switch storage {
    case .chunked(let shape, let deflate):
      "chunks \(shape)" + (deflate.map { ", deflate \($0)" } ?? "")
    case .contiguous: "contiguous"
    }
  }
}

/// An open D4RL file of any version, its layout checked, its columns read on demand.
///
/// Accepts what genuine files contain: float64 columns, rewards and flags of shape `(n, 1)`, flags
/// stored as floats, files without `timeouts`, `next_observations`, `infos` or `metadata`.
public final class D4RLDataset {
  /// Where the file was found, for a name of D4RL's too.
  public let path: String
  /// The same file, for what else it holds.
  public let file: HDF5File
  /// Rows of every column.
  public let rows: Int
  /// Numbers of an observation, by the width of `observations`.
  public let observationSize: Int
  /// A, numbers of an action, by the width of `actions`.
  public let actionSize: Int
  /// Every array of at least one dimension, ascending by name; `metadata` left out.
  public let columns: [D4RLColumn]
  /// The generation: what the layout says for sure, else the file's name, else v2.
  public let version: D4RLVersion
  /// Whether the file says which rows are time-outs, in `timeouts` or d3rlpy 1's
  /// `episode_terminals`; otherwise they are counted (see ``timeouts(terminals:)``).
  public let hasTimeouts: Bool
  /// Whether `next_observations` are stored, or s′ can only be the following row.
  public let hasNextObservations: Bool
  /// Scalars below `metadata` as text, ascending by name.
  public let metadata: [(name: String, value: String)]
  /// Arrays, links and types beyond D4RL's own that cannot be read; they are left out.
  public let unreadable: [HDF5Error]
  private var open: [String: HDF5Dataset] = [:]

  /// - Parameter path: a file, or one of D4RL's names (see ``DatasetLocation``).
  public init(contentsOf path: String) throws(DatasetError) {
    let path = try DatasetLocation.resolve(path)
    self.path = path
    let file = try hdf5 { () throws(HDF5Error) in try HDF5File(reading: path) }
    self.file = file
    let listing = try hdf5 { () throws(HDF5Error) in try D4RLListing(file) }
    columns = listing.columns
    metadata = listing.metadata
    unreadable = listing.unreadable
    var byName: [String: D4RLColumn] = [:]
    for column in columns { byName[column.name] = column }
    let missing = ForeignLayout.required.filter { byName[$0] == nil }
    guard missing.isEmpty else { throw ForeignLayout.error(file, missing: missing) }

    let rows = byName["observations"]!.shape[0]
    self.rows = rows
    let ends = ["timeouts", "episode_terminals"].filter { byName[$0] != nil }
    hasTimeouts = !ends.isEmpty
    hasNextObservations = byName["next_observations"] != nil
    let check = D4RLLayout(file: path, rows: rows, columns: byName)
    observationSize = try check.matrix("observations")
    actionSize = try check.matrix("actions")
    try check.column("rewards", flags: false)
    try check.column("terminals", flags: true)
    for name in ends { try check.column(name, flags: true) }
    if hasNextObservations { try check.matrix("next_observations", columns: observationSize) }
    for name in ["infos/qpos", "infos/qvel"] where byName[name] != nil {
      _ = try check.matrix(name)
    }
    if byName["infos/action_log_probs"] != nil {
      try check.column("infos/action_log_probs", flags: false)
    }
    version = check.version
  }

  /// The array of this name, such as `infos/qpos`; `nil` where there is none.
  public func column(_ name: String) -> D4RLColumn? { columns.first { $0.name == name } }

  /// Whether the physical states of all rows are stored, as `verify` needs.
  public var hasPhysicalStates: Bool {
    column("infos/qpos") != nil && column("infos/qvel") != nil
  }

  /// The open array of that name.
  func array(_ name: String) throws(DatasetError) -> HDF5Dataset {
    if let array = open[name] { return array }
    let array = try hdf5 { () throws(HDF5Error) in try file.dataset(name) }
    open[name] = array
    return array
  }

  /// Reads rows of a column of numbers, `[rows, columns]` row by row.
  func read<Element: HDF5Element>(
    _ type: Element.Type, _ name: String, rows: Range<Int>? = nil
  ) throws(DatasetError) -> [Element] {
    let array = try array(name)
    return try hdf5 { () throws(HDF5Error) in try array.read(type, rows: rows) }
  }

  /// Reads a column of flags.
  func flags(_ name: String, rows: Range<Int>? = nil) throws(DatasetError) -> [Bool] {
    let array = try array(name)
    return try hdf5 { () throws(HDF5Error) in try array.readFlags(rows: rows) }
  }

  // MARK: Identity

  /// The robot the file is of: by its metadata, else its name, else what its numbers allow; `nil`
  /// where that leaves a doubt.
  public var environmentName: String? {
    if let declaredEnvironment { return declaredEnvironment }
    let fits = { (name: String) in
      name == "hopper"
        ? self.observationSize == 11 && self.actionSize == 3
        : self.observationSize == 17 && self.actionSize == 6
    }
    let base = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    for (part, name) in [
      ("halfcheetah", "halfcheetah"), ("hopper", "hopper"), ("walker", "walker2d"),
    ]
    where base.contains(part) && fits(name) {
      return ["-", "_"].contains { base.contains("\(part)\($0)v5") } ? "\(name)-v5" : name
    }
    if fits("hopper") { return "hopper" }
    guard fits("walker2d"), rows > 0,
      let first = try? read(Double.self, "observations", rows: 0..<1)
    else { return nil }
    // The first row follows a reset: walker2d's torso starts 1.25 m above the ground, whereas
    // halfcheetah's height is measured from where it stands.
    if abs(first[0] - 1.25) < 0.05 { return "walker2d" }
    if abs(first[0]) < 0.2 { return "halfcheetah" }
    return nil
  }

  /// Which of D4RL's kinds the file's name says it is (`random`, `medium`, `medium-replay`,
  /// `medium-expert`, `full-replay`, `expert`); `nil` where it says none.
  public var kindName: String? {
    let base = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    let words = base.split { !$0.isLetter }
    for (kind, parts) in [
      ("medium-replay", ["medium", "replay"]), ("medium-replay", ["mixed"]),
      ("full-replay", ["full", "replay"]), ("medium-expert", ["medium", "expert"]),
      ("medium", ["medium"]), ("expert", ["expert"]), ("random", ["random"]),
    ] where parts.allSatisfy({ part in words.contains { $0 == part } }) {
      return kind
    }
    return nil
  }

  /// The robot, and its version, that the metadata speak of.
  private var declaredEnvironment: String? {
    guard let stored = metadata.first(where: { $0.name == "environment" }) else { return nil }
    if let kind = try? EnvironmentKind(named: stored.value) { return kind.rawValue }
    let text = stored.value.lowercased()
    return ["halfcheetah", "hopper", "walker2d"].first { text.hasPrefix($0) }
  }

  /// Refuses a file that cannot be of this environment.
  public func check(against specification: EnvironmentSpecification) throws(DatasetError) {
    guard observationSize == specification.observationSize else {
      throw .mismatch(
        file: path, field: "observations",
        expected: "\(specification.observationSize) columns (\(specification.name))",
        actual: "\(observationSize) columns")
    }
    guard actionSize == specification.actionSize else {
      throw .mismatch(
        file: path, field: "actions",
        expected: "\(specification.actionSize) columns (\(specification.name))",
        actual: "\(actionSize) columns")
    }
    if let name = environmentName, name != specification.name, !leavesOpen(specification) {
      throw .mismatch(
        file: path, field: "environment", expected: specification.name, actual: name)
    }
  }

  /// Whether the file may be of this version of its robot: neither its metadata nor an official name
  /// say which one it is of.
  private func leavesOpen(_ specification: EnvironmentSpecification) -> Bool {
    guard declaredEnvironment == nil,
      let name = environmentName.flatMap({ EnvironmentKind(rawValue: $0) }),
      let kind = EnvironmentKind(rawValue: specification.name)
    else { return false }
    let base = path.split(separator: "/").last ?? ""
    return name.robot == kind.robot && !D4RLCatalog.entries.contains { $0.fileName == base }
  }

  // MARK: Flags

  /// `terminals` of all rows.
  public func terminals() throws(DatasetError) -> [Bool] { try flags("terminals") }

  /// `timeouts` of all rows; where the file has none, D4RL's rule: a row is a time-out when the
  /// count of steps in its episode equals 999.
  public func timeouts(terminals: [Bool]) throws(DatasetError) -> [Bool] {
    if hasTimeouts { return try markedTimeouts(terminals: terminals) }
    var counter = D4RLTimeoutCounter()
    return terminals.map { counter.isTimeout(terminal: $0) }
  }

  /// The time-outs that the file marks; `episode_terminals` marks every end of an episode, so those of
  /// its rows that are no terminals are time-outs.
  ///
  /// - Parameter terminals: those of `rows`.
  func markedTimeouts(
    rows: Range<Int>? = nil, terminals: [Bool]
  ) throws(DatasetError) -> [Bool] {
    var result =
      column("timeouts") != nil
      ? try flags("timeouts", rows: rows) : [Bool](repeating: false, count: terminals.count)
    guard column("episode_terminals") != nil else { return result }
    let ends = try flags("episode_terminals", rows: rows)
    for row in result.indices where ends[row] && !terminals[row] { result[row] = true }
    return result
  }
}

/// `qlearning_dataset`'s rule for files without `timeouts`: the counter of steps in the episode
/// equals 999, and starts again after a terminal or time-out row.
struct D4RLTimeoutCounter {
  private var step = 0

  mutating func isTimeout(terminal: Bool) -> Bool {
    let timeout = step == 999
    step = terminal || timeout ? 0 : step + 1
    return timeout
  }
}
