internal import HDF5

/// Makes a D4RL file of the v2 layout from a Minari dataset.
public struct MinariImport {
  private let dataset: MinariDataset
  private static let blockRows = 65_536

  /// - Parameter asPlainRobot: takes data of a robot with other arguments, wrappers or time limit for
  ///   the plain robot's; the file's metadata keep what differs.
  /// - Throws: where the robot differs and that was not asked for.
  public init(_ dataset: MinariDataset, asPlainRobot: Bool = false) throws(DatasetError) {
    self.dataset = dataset
    let differences = dataset.metadata.differences
    guard differences.isEmpty || asPlainRobot else {
      throw .system(
        file: "\(dataset.folder)/\(MinariMetadata.fileName)",
        operation: "is of another task than \(dataset.environmentName ?? "the plain robot")",
        message: differences.joined(separator: "; ")
          + "; --as-plain-robot takes it for the plain robot's")
    }
  }

  /// Writes the file. An episode that ends without termination or truncation gets a time-out in its
  /// last row, unless it is the last of all, so that no transition crosses into the next.
  public func write(
    to path: String, replacing: Bool = false
  ) throws(DatasetError) -> ConversionReport {
    let shape = self.shape
    let writer = try D4RLWriter(
      creating: path, rows: dataset.rows, shape: shape, metadata: try metadata(),
      replacing: replacing)
    var block = D4RLRows()
    var unfinished = 0
    for index in dataset.steps.indices {
      var episode = try dataset.episode(index)
      if index < dataset.steps.count - 1, !episode.terminals.last!, !episode.timeouts.last! {
        episode.timeouts[episode.count - 1] = true
        unfinished += 1
      }
      if !shape.hasNextObservations { episode.nextObservations = [] }
      block.append(episode, 0..<episode.count, shape)
      if block.count >= Self.blockRows {
        try writer.append(block)
        block = D4RLRows()
      }
    }
    try writer.append(block)
    try writer.finish()
    return report(path, unfinished)
  }

  private var shape: D4RLShape {
    var shape = D4RLShape(
      observationSize: dataset.observationSize, actionSize: dataset.actionSize,
      positionSize: dataset.positionSize, velocitySize: dataset.velocitySize)
    shape.hasNextObservations = !dataset.metadata.repeatsFinalObservations
    shape.hasLogProbs = dataset.hasLogProbs
    return shape
  }

  private func metadata() throws(DatasetError) -> D4RLMetadata {
    var result = D4RLMetadata()
    for (name, value) in dataset.metadata.d4rl {
      if let number = Int(value), "\(number)" == value {
        result.integers[name] = number
      } else {
        result.strings[name] = value
      }
    }
    func add(_ name: String, _ value: String?) {
      guard let value, result.strings[name] == nil, result.integers[name] == nil else { return }
      result.strings[name] = value
    }
    add("environment", dataset.environmentName)
    let differences = dataset.metadata.differences
    if !differences.isEmpty {
      result.strings[MinariEnvironment.differencesName] = differences.joined(separator: "; ")
    }
    add("algorithm", dataset.metadata.texts["algorithm_name"])
    add("minari_dataset_id", dataset.metadata.datasetID)
    for name in MinariMetadata.carried where name != "algorithm_name" {
      add(name, dataset.metadata.texts[name])
    }
    let policy = "\(dataset.folder)/\(MinariDataset.policyName)"
    if DatasetLocation.exists(policy) {
      let file = try hdf5 { () throws(HDF5Error) in try HDF5File(reading: policy) }
      result.policy = try D4RLDataset.storedPolicy(in: file)
    }
    return result
  }

  private func report(_ path: String, _ unfinished: Int) -> ConversionReport {
    var report = ConversionReport(
      output: path, format: "d4rl", rows: dataset.rows, episodes: dataset.steps.count)
    if !dataset.metadata.differences.isEmpty {
      report.notes.append(
        "taken for the plain \(dataset.environmentName ?? "robot"), although "
          + dataset.metadata.differences.joined(separator: "; "))
    }
    if unfinished > 0 {
      report.notes.append(
        "\(unfinished) episodes before the last end without termination or truncation; their last "
          + "rows became time-outs")
    }
    if dataset.metadata.repeatsFinalObservations {
      report.notes.append("the last observations were repetitions: no next_observations")
    }
    if !dataset.leftOut.isEmpty {
      report.notes.append("left out: \(dataset.leftOut.joined(separator: ", "))")
    }
    return report
  }
}
