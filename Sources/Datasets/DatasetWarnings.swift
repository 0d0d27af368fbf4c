internal import HDF5
internal import RLCore

/// Says in plain words what is odd about a file.
enum DatasetWarnings {
  /// - Returns: all of them, and those that bear on what is learnt from the file.
  static func collect(
    _ dataset: D4RLDataset, _ scan: DatasetScan, _ specification: EnvironmentSpecification?
  ) -> (all: [String], training: [String]) {
    var (warnings, training) = ([] as [String], [] as [String])
    func add(_ text: String) {
      warnings.append(text)
      training.append(text)
    }
    for bad in scan.nonFinite {
      warnings.append(
        "\(bad.column) has NaN or infinite values in \(rows(bad.count)), the first is row \(bad.row)"
      )
    }
    let differences = dataset.metadata.first { $0.name == MinariEnvironment.differencesName }
    if let differences {
      add("the file is not of the plain robot: \(differences.value.printable)")
    }
    if !dataset.hasTimeouts {
      warnings.append(
        "there is no timeouts column; a row counts as time-out after 1000 steps of an episode")
    }
    if dataset.column("episode_terminals") != nil {
      warnings.append(
        "rows marked in episode_terminals (d3rlpy 1) that are no terminals count as time-outs")
    }
    if !dataset.hasNextObservations {
      warnings.append(
        "there is no next_observations column (v0); the following row is the next observation")
    }
    let found = flags(scan, specification)
    warnings += found.all
    training += found.training
    if scan.discontinuities.count > 0 {
      add(
        "next_observations differs from the following row's observation inside an episode in "
          + at(scan.discontinuities))
    }
    if case .shifted = scan.stateFault {
      warnings.append(
        "infos/qpos and infos/qvel hold \(scan.stateFault!); rewards and steps cannot be recomputed"
      )
    } else if scan.frozenStates.count > scan.comparedStates / 2 {
      warnings.append(
        "infos/qpos and infos/qvel do not change from row to row (a fault of D4RL's v1 files): "
          + "rows cannot be replayed from them")
    } else {
      if scan.stateDisagreements.count > 0 {
        warnings.append(
          "observations disagree with infos/qpos and infos/qvel in " + at(scan.stateDisagreements))
      }
      if scan.velocitiesAtLimit.count > 0, scan.velocitiesAboveLimit == 0 {
        warnings.append(
          "infos/qvel holds the clipped velocities that were observed "
            + "(\(scan.velocitiesAtLimit.count) are at ±10, the first in row "
            + "\(scan.velocitiesAtLimit.firstRow)), not those of the simulator; rewards and steps "
            + "cannot be recomputed exactly")
      }
    }
    if scan.largeActions.count > 0 {
      add("actions lie outside [-1, 1] in " + at(scan.largeActions))
    }
    for name in ["observations", "actions", "rewards"] {
      guard dataset.rows > 1, let columns = scan.statistics[name]?.constantColumns,
        !columns.isEmpty
      else { continue }
      add(
        name == "rewards"
          ? "rewards are the same in every row"
          : "\(name): \(columns.count == 1 ? "column" : "columns") "
            + "\(columns.map(String.init).joined(separator: ", ")) never "
            + (columns.count == 1 ? "changes" : "change"))
    }
    if scan.duplicates.count > 0 {
      warnings.append(
        "\(rows(scan.duplicates.count)) \(scan.duplicates.count == 1 ? "repeats" : "repeat") the "
          + "observation and action of an earlier row, the first is row \(scan.duplicates.firstRow)"
          + (dataset.rows > DatasetScan.duplicateLimit
            ? " (looked for in the first \(DatasetScan.duplicateLimit) rows)" : ""))
    }
    for error in dataset.unreadable {
      warnings.append("\(error.object) is left out: \(error.reason)")
    }
    let wide = dataset.columns.filter {
      $0.type == .float(bytes: 8) && !$0.name.hasPrefix("infos/q")
    }
    if !wide.isEmpty {
      warnings.append(
        "float64 where D4RL has float32: \(wide.map(\.name).joined(separator: ", ")); "
          + "values are rounded to float32 when read")
    }
    let tall = dataset.columns.filter { $0.shape.count == 2 && $0.shape[1] == 1 }
    if !tall.isEmpty {
      warnings.append("shape (n, 1) instead of (n): \(tall.map(\.name).joined(separator: ", "))")
    }
    let numbers = ["terminals", "timeouts", "episode_terminals"].filter {
      dataset.column($0).map { $0.type != .boolean } ?? false
    }
    if !numbers.isEmpty {
      warnings.append("flags stored as numbers: \(numbers.joined(separator: ", "))")
    }
    return (warnings, training)
  }

  private static func flags(
    _ scan: DatasetScan, _ specification: EnvironmentSpecification?
  ) -> (all: [String], training: [String]) {
    var (warnings, training) = ([] as [String], [] as [String])
    func add(_ text: String) {
      warnings.append(text)
      training.append(text)
    }
    if let specification, !specification.canTerminate, let row = scan.firstTerminalRow {
      add(
        "\(scan.terminals) \(scan.terminals == 1 ? "terminal" : "terminals"), the first in row "
          + "\(row), although \(specification.name) cannot fall")
    }
    if scan.doublyFlagged.count > 0 {
      add("both terminal and time-out are set in " + at(scan.doublyFlagged))
    }
    let limit = specification?.maximumEpisodeSteps ?? 1000
    let early = scan.timeoutLengths.filter { $0.key < limit - 1 }
    if let shortest = early.keys.min() {
      let count = early.values.reduce(0) { $0 + $1.count }
      let row = early.values.map(\.firstRow).min()!
      warnings.append(
        "\(count) \(count == 1 ? "time-out comes" : "time-outs come") before the limit of \(limit) "
          + "steps, the first in row \(row), the earliest after \(shortest) "
          + "\(shortest == 1 ? "step" : "steps") (unfinished episodes that were cut)")
    }
    if let short = scan.timeoutLengths[limit - 1] {
      warnings.append(
        "\(short.count) \(short.count == 1 ? "episode at the limit has" : "episodes at the limit have") "
          + "\(limit - 1) rows (usual in v0 files), the first ends in row \(short.firstRow)")
    }
    if let longest = scan.episodes.max(by: { $0.length < $1.length }), longest.length > limit {
      add(
        "the longest episode has \(longest.length) rows from row \(longest.firstRow) on, more than "
          + "the limit of \(limit)")
    }
    if let last = scan.episodes.last, !last.isComplete {
      warnings.append(
        "the last episode is cut after \(rows(last.length)) without terminal or time-out, from row "
          + "\(last.firstRow) on (usual in D4RL)")
    }
    return (warnings, training)
  }

  private static func rows(_ count: Int) -> String { count == 1 ? "1 row" : "\(count) rows" }

  private static func at(_ found: DatasetScan.Occurrences) -> String {
    "\(rows(found.count)), the first is row \(found.firstRow)"
  }
}
