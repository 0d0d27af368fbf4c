internal import HDF5
internal import RLCore

/// Says in plain words what is odd about a file.
enum DatasetWarnings {
  static func collect(
    _ dataset: D4RLDataset, _ scan: DatasetScan, _ specification: EnvironmentSpecification?
  ) -> [String] {
    var warnings: [String] = []
    for bad in scan.nonFinite {
      warnings.append(
        "\(bad.column) has NaN or infinite values in \(bad.count) rows, the first is row \(bad.row)"
      )
    }
    if !dataset.hasTimeouts {
      warnings.append(
        "there is no timeouts column; a row counts as time-out after 1000 steps of an episode")
    }
    if !dataset.hasNextObservations {
      warnings.append(
        "there is no next_observations column (v0); the following row is the next observation")
    }
    warnings += flags(dataset, scan, specification)
    if scan.discontinuities > 0, let row = scan.firstDiscontinuity {
      warnings.append(
        "next_observations differs from the following row's observation inside an episode in "
          + "\(scan.discontinuities) rows, the first is row \(row)")
    }
    let positions = scan.statistics["infos/qpos"]
    if dataset.rows > 1, let positions, positions.constantColumns.count == positions.size {
      warnings.append(
        "infos/qpos and infos/qvel do not change from row to row (a fault of D4RL's v1 files): "
          + "rows cannot be replayed from them")
    } else if scan.stateDisagreements > 0, let row = scan.firstStateDisagreement {
      warnings.append(
        "observations disagree with infos/qpos and infos/qvel in \(scan.stateDisagreements) rows, "
          + "the first is row \(row)")
    }
    for name in ["observations", "actions", "rewards"] {
      guard dataset.rows > 1, let columns = scan.statistics[name]?.constantColumns,
        !columns.isEmpty
      else { continue }
      warnings.append(
        name == "rewards"
          ? "rewards are the same in every row"
          : "\(name): columns \(columns.map(String.init).joined(separator: ", ")) never change")
    }
    if scan.duplicates > 0 {
      warnings.append(
        "\(scan.duplicates) rows repeat the observation and action of an earlier row"
          + (dataset.rows > DatasetScan.duplicateLimit
            ? " (looked for in the first \(DatasetScan.duplicateLimit) rows)" : ""))
    }
    for error in dataset.unreadable {
      warnings.append("\(error.object) is left out: \(error.reason)")
    }
    if scan.velocitiesAtLimit > 0, scan.velocitiesAboveLimit == 0 {
      warnings.append(
        "infos/qvel holds the clipped velocities that were observed (\(scan.velocitiesAtLimit) are "
          + "at ±10), not those of the simulator; rewards and steps cannot be recomputed exactly")
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
    let flags = ["terminals", "timeouts"].filter {
      dataset.column($0).map { $0.type != .boolean } ?? false
    }
    if !flags.isEmpty {
      warnings.append("flags stored as numbers: \(flags.joined(separator: ", "))")
    }
    return warnings
  }

  private static func flags(
    _ dataset: D4RLDataset, _ scan: DatasetScan, _ specification: EnvironmentSpecification?
  ) -> [String] {
    var warnings: [String] = []
    if let specification, !specification.canTerminate, let row = scan.firstTerminalRow {
      warnings.append(
        "\(scan.terminals) terminals, the first in row \(row), although \(specification.name) "
          + "cannot fall")
    }
    if scan.doublyFlagged > 0 {
      warnings.append("\(scan.doublyFlagged) rows are flagged both terminal and time-out")
    }
    let limit = specification?.maximumEpisodeSteps ?? 1000
    let early = scan.timeoutLengths.filter { $0.key < limit - 1 }
    let earlyCount = early.values.reduce(0, +)
    if earlyCount > 0 {
      warnings.append(
        "\(earlyCount) time-outs come before the limit of \(limit) steps, the earliest after "
          + "\(early.keys.min()!)")
    }
    let short = scan.timeoutLengths[limit - 1] ?? 0
    if short > 0 {
      warnings.append("\(short) episodes at the limit have \(limit - 1) rows (usual in v0 files)")
    }
    if let longest = scan.episodes.map(\.length).max(), longest > limit {
      warnings.append("the longest episode has \(longest) rows, more than the limit of \(limit)")
    }
    if let last = scan.episodes.last, !last.isComplete {
      warnings.append(
        "the last episode is cut after \(last.length) rows without terminal or time-out "
          + "(usual in D4RL)")
    }
    return warnings
  }
}
