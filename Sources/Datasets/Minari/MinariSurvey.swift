internal import HDF5

/// The first pass over a Minari file: are all episodes there, and do their arrays fit one another?
struct MinariSurvey {
  private(set) var observationSize = 0
  private(set) var actionSize = 0
  private(set) var positionSize = 0
  private(set) var velocitySize = 0
  private(set) var hasLogProbs = false
  private(set) var steps: [Int] = []
  /// Every array below `infos` of any episode, and whatever cannot be read.
  private(set) var infos: Set<String> = []
  private let file: HDF5File

  init(_ file: HDF5File, _ metadata: MinariMetadata) throws(DatasetError) {
    self.file = file
    let objects = file.objects()
    let groups = objects.filter {
      $0.kind == .group && $0.path.hasPrefix("episode_") && !$0.path.contains("/")
    }
    guard metadata.totalEpisodes > 0 else {
      throw wrong("total_episodes", "at least one", "\(metadata.totalEpisodes)")
    }
    let total = metadata.totalEpisodes
    let names = Set(groups.map(\.path))
    // Before the count is believed: it may be any number.
    let missing = (0..<min(total, names.count + 1)).first { !names.contains("episode_\($0)") }
    if let missing {
      try hdf5 { () throws(HDF5Error) in try file.requireReadable("episode_\(missing)") }
      throw wrong("episode_\(missing)", "a group (total_episodes is \(total))", "nothing")
    }
    guard names.count == total else {
      throw wrong("total_episodes", "\(total) as in metadata.json", "\(names.count) groups")
    }
    var counts: [String: Int] = [:]
    for object in objects where object.kind == .dataset {
      let parts = object.path.split(separator: "/", maxSplits: 1)
      guard parts.count == 2, parts[1].hasPrefix("infos/") else { continue }
      let name = String(parts[1])
      infos.insert(name)
      counts[name, default: 0] += 1
    }
    for failure in file.leftOut {
      let parts = failure.object.split(separator: "/", maxSplits: 1)
      let name = String(parts.count == 2 ? parts[1] : parts[0])
      if MinariDataset.carriedInfos.contains(name) { throw .hdf5(failure) }
      infos.insert(name)
    }
    let common = Set(counts.filter { $0.value == total }.keys)
    let hasStates = common.isSuperset(of: ["infos/qpos", "infos/qvel"])
    hasLogProbs = common.contains("infos/action_log_probs")
    observationSize = metadata.observationSize ?? 0
    actionSize = metadata.actionSize ?? 0
    steps.reserveCapacity(total)
    for index in 0..<total { try add(index, hasStates) }
    let sum = steps.reduce(0, +)
    guard sum == metadata.totalSteps else {
      throw wrong("total_steps", "\(metadata.totalSteps) as in metadata.json", "\(sum) steps")
    }
  }

  private func wrong(_ field: String, _ expected: String, _ actual: String) -> DatasetError {
    .mismatch(file: file.path, field: field, expected: expected, actual: actual)
  }

  private mutating func add(_ index: Int, _ hasStates: Bool) throws(DatasetError) {
    let name = "episode_\(index)"
    let actions = try array(name, "actions")
    guard let count = actions.shape.first, count > 0 else {
      throw wrong("\(name)/actions", "shape [steps, columns]", "shape \(actions.shape)")
    }
    observationSize = try matrix(name, "observations", rows: count + 1, width: observationSize)
    actionSize = try matrix(name, "actions", rows: count, width: actionSize)
    for field in ["rewards", "terminations", "truncations"] {
      try column(name, field, rows: count...count, flags: field != "rewards")
    }
    if hasStates {
      positionSize = try matrix(
        name, "infos/qpos", rows: count + 1, orElse: count, width: positionSize)
      velocitySize = try matrix(
        name, "infos/qvel", rows: count + 1, orElse: count, width: velocitySize)
    }
    if hasLogProbs {
      try column(name, "infos/action_log_probs", rows: count...count + 1, flags: false)
    }
    let attributes = try hdf5 { () throws(HDF5Error) in try file.attributes(of: name) }
    for (field, expected) in [("id", index), ("total_steps", count)] {
      guard let value = attributes[field] else { continue }
      guard value == .integer(Int64(expected)) else {
        throw wrong("\(name)/@\(field)", "\(expected)", MinariSurvey.text(value))
      }
    }
    steps.append(count)
  }

  private func array(_ episode: String, _ field: String) throws(DatasetError) -> HDF5Dataset {
    try hdf5 { () throws(HDF5Error) in try file.dataset("\(episode)/\(field)") }
  }

  /// - Parameter width: that of the episodes before, zero for the first.
  private func matrix(
    _ episode: String, _ field: String, rows: Int, orElse: Int? = nil, width: Int
  ) throws(DatasetError) -> Int {
    let array = try array(episode, field)
    guard array.shape.count == 2, array.shape[0] == rows || array.shape[0] == orElse,
      array.shape[1] > 0, width == 0 || array.shape[1] == width
    else {
      throw wrong(
        "\(episode)/\(field)", "shape [\(rows), \(width == 0 ? "columns" : "\(width)")]",
        "shape \(array.shape)")
    }
    try requireNumbers(array, "\(episode)/\(field)")
    return array.shape[1]
  }

  private func column(
    _ episode: String, _ field: String, rows: ClosedRange<Int>, flags: Bool
  ) throws(DatasetError) {
    let array = try array(episode, field)
    guard let first = array.shape.first, rows.contains(first), array.rowSize == 1 else {
      throw wrong("\(episode)/\(field)", "shape [\(rows.upperBound)]", "shape \(array.shape)")
    }
    if !(flags && array.type == .boolean) { try requireNumbers(array, "\(episode)/\(field)") }
  }

  private func requireNumbers(_ array: HDF5Dataset, _ field: String) throws(DatasetError) {
    switch array.type {
    case .float, .integer: return
    default: throw wrong(field, "numbers", "\(array.type)")
    }
  }

  private static func text(_ value: HDF5AttributeValue) -> String {
    switch value {
    case .integer(let number): "\(number)"
    case .real(let number): "\(number)"
    case .flag(let flag): "\(flag)"
    case .text(let text): "'\(text.prefix(64))'"
    }
  }
}
