internal import HDF5
public import RLCore

/// What a file says about itself.
public struct D4RLMetadata: Sendable {
  /// Scalars by name below `metadata`, such as `algorithm` or `seed`.
  public var strings: [String: String] = [:]
  /// Whole numbers by name below `metadata`.
  public var integers: [String: Int] = [:]
  /// The behaviour policy under D4RL's tensor names (`fc0.weight`, …); float32.
  public var policy: NamedTensors?

  public init() {}

  /// A file without rows: the policy, and strings and integers below `metadata`. One of that name gives way.
  ///
  /// - Throws: ``DatasetError``; the name then keeps what it had.
  public func write(to path: String) throws(DatasetError) {
    let output = try DatasetOutput(path, replacing: true)
    do throws(DatasetError) {
      let file = try hdf5 { () throws(HDF5Error) in
        try HDF5OutputFile(creating: output.temporaryPath, for: path)
      }
      try hdf5 { () throws(HDF5Error) in
        try writeValues(to: file)
        try file.close()
      }
      try output.commit(replacing: true)
    } catch {
      output.discard()
      throw error
    }
  }

  func writeValues(to file: HDF5OutputFile) throws(HDF5Error) {
    for (name, text) in strings.sorted(by: { $0.key < $1.key }) {
      try file.write(text, to: "metadata/\(name)")
    }
    for (name, value) in integers.sorted(by: { $0.key < $1.key }) {
      try file.write(value, to: "metadata/\(name)")
    }
    try writePolicy(to: file)
  }

  /// The policy alone, where D4RL has it: below `metadata/policy`.
  func writePolicy(to file: HDF5OutputFile) throws(HDF5Error) {
    guard let policy else { return }
    for (name, tensor) in policy.tensors.sorted(by: { $0.key < $1.key }) {
      guard case .float32(let values) = tensor.elements, (1...2).contains(tensor.shape.count)
      else { continue }
      let dataset = try file.createDataset(
        "metadata/policy/" + name.split(separator: ".").joined(separator: "/"),
        shape: tensor.shape, type: .float(bytes: 4), chunkRows: tensor.shape[0])
      try dataset.write(values)
    }
    try file.write("relu", to: "metadata/policy/nonlinearity")
    try file.write("tanh_gaussian", to: "metadata/policy/output_distribution")
  }
}

/// Rows to be appended to a file, columns side by side.
public struct D4RLRows: Sendable {
  /// s and s′, `[count, observationSize]`.
  public var observations: [Float] = []
  /// s′, `[count, observationSize]`; empty for a file without them.
  public var nextObservations: [Float] = []
  /// a, `[count, actionSize]`.
  public var actions: [Float] = []
  /// r, `[count]`.
  public var rewards: [Float] = []
  /// A real end of the task in this step, `[count]`.
  public var terminals: [Bool] = []
  /// A time limit, or another cut of the episode after this step, `[count]`.
  public var timeouts: [Bool] = []
  /// log π(a∣s), `[count]`.
  public var actionLogProbs: [Float] = []
  /// qpos and qvel before the step, `[count, positionSize]`, `[count, velocitySize]`.
  public var positions: [Double] = []
  /// qvel before the step, `[count, velocitySize]`.
  public var velocities: [Double] = []

  /// Rows of the block, by its rewards.
  public var count: Int { rewards.count }
  public init() {}
}

/// Widths of the columns of a file being written.
public struct D4RLShape: Sendable, Equatable {
  /// Numbers of an observation.
  public var observationSize: Int
  /// A, numbers of an action.
  public var actionSize: Int
  /// Zero leaves `infos/qpos` and `infos/qvel` out.
  public var positionSize: Int
  /// Length of qvel.
  public var velocitySize: Int
  /// Whether there is a column `next_observations`.
  public var hasNextObservations = true
  /// Whether there is a column `infos/action_log_probs`.
  public var hasLogProbs = true

  public init(observationSize: Int, actionSize: Int, positionSize: Int, velocitySize: Int) {
    (self.observationSize, self.actionSize) = (observationSize, actionSize)
    (self.positionSize, self.velocitySize) = (positionSize, velocitySize)
  }

  /// All columns of a D4RL file of this robot.
  public init(_ specification: EnvironmentSpecification) {
    self.init(
      observationSize: specification.observationSize, actionSize: specification.actionSize,
      positionSize: specification.positionSize, velocitySize: specification.velocitySize)
  }
}

/// Writes a file of D4RL's v2 layout, block by block, with bounded memory.
///
/// The file has its name only after ``finish()``; until then, and for ever if anything fails, the
/// name keeps what it had. Equal rows and metadata give equal bytes.
public final class D4RLWriter {
  /// The name that the file gets at the end.
  public let path: String
  /// Rows that the file will have.
  public let rows: Int
  /// Rows appended so far.
  public private(set) var written = 0
  private let shape: D4RLShape
  private let output: DatasetOutput
  private let replacing: Bool
  private let file: HDF5OutputFile
  private var columns: [String: HDF5OutputDataset] = [:]
  private var finished = false

  /// The same for all columns, so that blocks of rows are whole chunks in each.
  private static let chunkRows = 4096

  /// - Parameters:
  ///   - rows: exactly how many will be appended.
  ///   - replacing: whether an existing file of that name gives way at the end.
  public init(
    creating path: String, rows: Int, shape: D4RLShape, metadata: D4RLMetadata,
    replacing: Bool = false
  ) throws(DatasetError) {
    precondition(rows > 0, "a dataset of \(rows) rows")
    self.path = path
    self.rows = rows
    self.shape = shape
    self.replacing = replacing
    let output = try DatasetOutput(path, replacing: replacing)
    self.output = output
    file = try hdf5 { () throws(HDF5Error) in
      try HDF5OutputFile(creating: output.temporaryPath, for: path)
    }
    do throws(DatasetError) {
      try createColumns()
      try hdf5 { () throws(HDF5Error) in try metadata.writeValues(to: file) }
    } catch {
      abandon()
      throw error
    }
  }

  deinit { if !finished { abandon() } }

  private func abandon() {
    finished = true
    columns = [:]
    try? file.close()
    output.discard()
  }

  private func createColumns() throws(DatasetError) {
    var wanted: [(name: String, width: Int?, type: HDF5Type)] = [
      ("actions", shape.actionSize, .float(bytes: 4)),
      ("infos/action_log_probs", nil, .float(bytes: 4)),
      ("next_observations", shape.observationSize, .float(bytes: 4)),
      ("observations", shape.observationSize, .float(bytes: 4)),
      ("rewards", nil, .float(bytes: 4)),
      ("terminals", nil, .boolean),
      ("timeouts", nil, .boolean),
    ]
    if !shape.hasNextObservations { wanted.removeAll { $0.name == "next_observations" } }
    if !shape.hasLogProbs { wanted.removeAll { $0.name == "infos/action_log_probs" } }
    if shape.positionSize > 0 {
      wanted += [
        ("infos/qpos", shape.positionSize, .float(bytes: 8)),
        ("infos/qvel", shape.velocitySize, .float(bytes: 8)),
      ]
    }
    for (name, width, type) in wanted {
      columns[name] = try hdf5 { () throws(HDF5Error) in
        try file.createDataset(
          name, shape: [rows] + (width.map { [$0] } ?? []), type: type,
          chunkRows: D4RLWriter.chunkRows)
      }
    }
  }

  /// Appends a block; its columns must have the shapes of the file.
  public func append(_ block: D4RLRows) throws(DatasetError) {
    let count = block.count
    precondition(
      !finished && written + count <= rows, "\(written + count) rows in a file of \(rows)")
    precondition(
      block.observations.count == count * shape.observationSize
        && block.nextObservations.count
          == (shape.hasNextObservations ? count * shape.observationSize : 0)
        && block.actions.count == count * shape.actionSize && block.terminals.count == count
        && block.timeouts.count == count
        && block.actionLogProbs.count == (shape.hasLogProbs ? count : 0)
        && block.positions.count == count * shape.positionSize
        && block.velocities.count == count * shape.velocitySize,
      "the columns of a block must fit \(shape) and \(count) rows")
    guard count > 0 else { return }
    try hdf5 { () throws(HDF5Error) in
      try columns["observations"]!.write(block.observations, at: written)
      try columns["next_observations"]?.write(block.nextObservations, at: written)
      try columns["actions"]!.write(block.actions, at: written)
      try columns["rewards"]!.write(block.rewards, at: written)
      try columns["terminals"]!.write(block.terminals, at: written)
      try columns["timeouts"]!.write(block.timeouts, at: written)
      try columns["infos/action_log_probs"]?.write(block.actionLogProbs, at: written)
      try columns["infos/qpos"]?.write(block.positions, at: written)
      try columns["infos/qvel"]?.write(block.velocities, at: written)
    }
    written += count
  }

  /// Closes the file, syncs it and gives it its name.
  public func finish() throws(DatasetError) {
    precondition(written == rows, "\(written) of \(rows) rows were appended")
    do throws(DatasetError) {
      try hdf5 { () throws(HDF5Error) in
        // In an order of our own: a dictionary's differs from run to run, and so would the bytes.
        for (_, column) in columns.sorted(by: { $0.key < $1.key }) { try column.close() }
        try file.close()
      }
      try output.commit(replacing: replacing)
      finished = true
    } catch {
      abandon()
      throw error
    }
  }
}
