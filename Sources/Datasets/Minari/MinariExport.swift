internal import Foundation
internal import HDF5

/// What a conversion did, and what the other format could not hold.
public struct ConversionReport: Sendable, Encodable {
  /// Path of what was made: a folder of Minari's, or a D4RL file.
  public var output = ""
  /// `minari` or `d4rl`.
  public var format = ""
  /// Transitions in the result.
  public var rows = 0
  /// Episodes in the result, an unfinished last one included.
  public var episodes = 0
  /// In plain words.
  public var notes: [String] = []
}

/// Makes a Minari dataset from a D4RL file.
///
/// An episode's last observation is its last row's `next_observations`. `infos` get a last row of NaN,
/// because D4RL does not know the state after the last step; row t belongs to action t.
public struct MinariExport {
  private let dataset: D4RLDataset
  private let assembly: DatasetAssembly
  private let repeatsFinalObservations: Bool

  /// - Parameter repeatingFinalObservations: for files without `next_observations`: takes each
  ///   episode's last observation twice.
  public init(
    _ dataset: D4RLDataset, output: String, repeatingFinalObservations: Bool = false
  ) throws(DatasetError) {
    self.dataset = dataset
    assembly = try DatasetAssembly(
      [DatasetAssembly.Piece(dataset, rows: 0..<dataset.rows)], output: output)
    repeatsFinalObservations = !dataset.hasNextObservations
    guard dataset.hasNextObservations || repeatingFinalObservations else {
      throw .system(
        file: dataset.path, operation: "has no next_observations",
        message: "Minari needs the observation after each episode's last row; "
          + "--repeat-final-observations takes the last row's again")
    }
  }

  /// The identifier for a file of this name: `d4rl/hopper/medium-v2`, else `bred/NAME-v0`.
  public static func defaultID(for path: String) -> String {
    let base = path.split(separator: "/").last.map(String.init) ?? path
    if let entry = D4RLCatalog.entries.first(where: { $0.fileName == base }) {
      return "d4rl/\(entry.robot)/\(entry.kind)-\(entry.version)"
    }
    let stem = base.hasSuffix(".hdf5") ? String(base.dropLast(5)) : base
    let name = String(
      stem.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) ? $0 : "-" })
    let id = "bred/\(name)"
    return MinariMetadata.isValid(id: id) ? id : "\(id)-v0"
  }

  /// Writes the dataset's folder.
  ///
  /// - Parameters:
  ///   - path: the dataset's own folder, in which `data` is made.
  ///   - id: Minari's name of the dataset.
  ///   - replacing: whether an existing Minari dataset gives way at the end.
  public func write(
    to path: String, id: String, replacing: Bool = false
  ) throws(DatasetError) -> ConversionReport {
    guard MinariMetadata.isValid(id: id) else {
      throw .mismatch(
        file: path, field: "id", expected: "an identifier such as mujoco/hopper/medium-v0",
        actual: id)
    }
    let folder = try MinariFolder(path, replacing: replacing)
    do throws(DatasetError) {
      let report = try write(in: folder, id: id)
      try folder.commit()
      return report
    } catch {
      folder.discard()
      throw error
    }
  }

  private func write(in folder: MinariFolder, id: String) throws(DatasetError) -> ConversionReport {
    let data = folder.file(MinariDataset.dataName)
    let file = try hdf5 { () throws(HDF5Error) in try HDF5OutputFile(creating: data) }
    var writer = MinariEpisodeWriter(file: file, shape: assembly.shape)
    try assembly.forEachBlock { (block) throws(DatasetError) in try writer.append(block) }
    try writer.finish()
    try hdf5 { () throws(HDF5Error) in try file.close() }

    var metadata = MinariMetadata(
      datasetID: id, totalEpisodes: writer.episodes, totalSteps: dataset.rows)
    metadata.observationSize = dataset.observationSize
    metadata.actionSize = dataset.actionSize
    metadata.repeatsFinalObservations = repeatsFinalObservations
    for (name, value) in dataset.metadata where !name.hasPrefix("policy/") {
      metadata.d4rl[name] = value
    }
    // Those that a Minari dataset left there on the way to D4RL.
    for name in MinariMetadata.carried { metadata.texts[name] = metadata.d4rl[name] }
    metadata.texts["algorithm_name"] = metadata.d4rl["algorithm"]
    metadata.texts["description"] =
      "Converted from \(dataset.path.split(separator: "/").last ?? "")"
    // The first version of Minari's with this layout; later ones read it too.
    metadata.texts["minari_version"] = "0.5.0"
    var policy = D4RLMetadata()
    policy.policy = try dataset.storedPolicy()
    if policy.policy != nil {
      try hdf5 { () throws(HDF5Error) in
        let file = try HDF5OutputFile(creating: folder.file(MinariDataset.policyName))
        try policy.writePolicy(to: file)
        try file.close()
      }
    }
    let json = try metadata.json(
      robot: dataset.environmentName, dataBytes: folder.bytes(of: MinariDataset.dataName))
    do { try json.write(to: .init(fileURLWithPath: folder.file(MinariMetadata.fileName))) } catch {
      throw .system(
        file: folder.path, operation: "cannot be written", message: error.localizedDescription)
    }
    return report(folder.path, writer)
  }

  private func report(_ path: String, _ writer: MinariEpisodeWriter) -> ConversionReport {
    var report = ConversionReport(
      output: path, format: "minari", rows: dataset.rows, episodes: writer.episodes)
    if writer.seams > 0 {
      report.notes.append(
        "in \(writer.seams) rows next_observations is not the following row's observation inside an "
          + "episode; Minari cannot hold that, so an episode was cut (truncation) after each")
    }
    if repeatsFinalObservations {
      report.notes.append(
        "the file has no next_observations: each episode's last observation stands twice")
    }
    let wide = ["observations", "actions", "rewards"].filter {
      dataset.column($0)?.type == .float(bytes: 8)
    }
    if !wide.isEmpty {
      report.notes.append("float64 became float32: \(wide.joined(separator: ", "))")
    }
    let known: Set<String> = Set(
      [
        "observations", "actions", "rewards", "terminals", "timeouts", "next_observations",
      ] + MinariDataset.carriedInfos)
    let left = dataset.columns.map(\.name).filter { !known.contains($0) }
    if !left.isEmpty { report.notes.append("left out: \(left.joined(separator: ", "))") }
    return report
  }
}

/// Cuts rows into episodes and writes each as a group.
struct MinariEpisodeWriter {
  let file: HDF5OutputFile
  let shape: D4RLShape
  private(set) var episodes = 0
  /// Episodes cut because their rows do not continue one another.
  private(set) var seams = 0
  /// Rows of the episode that is not complete.
  private var open = D4RLRows()

  init(file: HDF5OutputFile, shape: D4RLShape) { (self.file, self.shape) = (file, shape) }

  mutating func append(_ block: D4RLRows) throws(DatasetError) {
    var start = 0
    if open.count > 0, block.count > 0, shape.hasNextObservations,
      !continues(open, open.count - 1, block, 0)
    {
      try cut()
    }
    for row in 0..<block.count {
      let isLast = row + 1 == block.count
      if block.terminals[row] || block.timeouts[row] {
        open.append(block, start..<row + 1, shape)
        try flush()
        start = row + 1
      } else if !isLast, shape.hasNextObservations, !continues(block, row, block, row + 1) {
        open.append(block, start..<row + 1, shape)
        try cut()
        start = row + 1
      }
    }
    open.append(block, start..<block.count, shape)
  }

  /// Writes what is left: an episode without an end, usual in D4RL.
  mutating func finish() throws(DatasetError) {
    if open.count > 0 { try flush() }
  }

  /// Ends the open episode where its rows do.
  private mutating func cut() throws(DatasetError) {
    open.timeouts[open.count - 1] = true
    seams += 1
    try flush()
  }

  /// Whether one row's next observation is another's observation.
  private func continues(
    _ before: D4RLRows, _ row: Int, _ after: D4RLRows, _ next: Int
  ) -> Bool {
    let size = shape.observationSize
    for column in 0..<size {
      let (a, b) = (
        before.nextObservations[row * size + column], after.observations[next * size + column]
      )
      guard a == b || (a.isNaN && b.isNaN) else { return false }
    }
    return true
  }

  private mutating func flush() throws(DatasetError) {
    let rows = open
    open = D4RLRows()
    let name = "episode_\(episodes)"
    let (count, shape, file, index) = (rows.count, self.shape, self.file, episodes)
    let last = shape.hasNextObservations ? rows.nextObservations : rows.observations
    let observations = rows.observations + last.suffix(shape.observationSize)
    try hdf5 { () throws(HDF5Error) in
      func matrix(_ field: String, _ width: Int, _ values: [Float]) throws(HDF5Error) {
        try file.createDataset(
          "\(name)/\(field)", shape: [values.count / width, width], type: .float(bytes: 4)
        ).write(values)
      }
      func states(_ field: String, _ width: Int, _ values: [Double]) throws(HDF5Error) {
        try file.createDataset(
          "\(name)/infos/\(field)", shape: [count + 1, width], type: .float(bytes: 8)
        ).write(values + [Double](repeating: .nan, count: width))
      }
      func flags(_ field: String, _ values: [Bool]) throws(HDF5Error) {
        try file.createDataset("\(name)/\(field)", shape: [count], type: .boolean).write(values)
      }
      try file.createGroup(name)
      try file.setAttribute("id", of: name, to: index)
      try file.setAttribute("total_steps", of: name, to: count)
      try matrix("observations", shape.observationSize, observations)
      try matrix("actions", shape.actionSize, rows.actions)
      try file.createDataset("\(name)/rewards", shape: [count], type: .float(bytes: 4))
        .write(rows.rewards)
      try flags("terminations", rows.terminals)
      try flags("truncations", rows.timeouts)
      if shape.positionSize > 0 {
        try states("qpos", shape.positionSize, rows.positions)
        try states("qvel", shape.velocitySize, rows.velocities)
      }
      if shape.hasLogProbs {
        try file.createDataset(
          "\(name)/infos/action_log_probs", shape: [count + 1], type: .float(bytes: 4)
        ).write(rows.actionLogProbs + [.nan])
      }
    }
    episodes += 1
  }
}

extension D4RLRows {
  /// Appends rows of another block of the same columns.
  mutating func append(_ other: D4RLRows, _ rows: Range<Int>, _ shape: D4RLShape) {
    func part<Value>(_ values: [Value], _ width: Int) -> ArraySlice<Value> {
      values.isEmpty ? [] : values[rows.lowerBound * width..<rows.upperBound * width]
    }
    observations += part(other.observations, shape.observationSize)
    nextObservations += part(other.nextObservations, shape.observationSize)
    actions += part(other.actions, shape.actionSize)
    rewards += part(other.rewards, 1)
    terminals += part(other.terminals, 1)
    timeouts += part(other.timeouts, 1)
    actionLogProbs += part(other.actionLogProbs, 1)
    positions += part(other.positions, shape.positionSize)
    velocities += part(other.velocities, shape.velocitySize)
  }
}
