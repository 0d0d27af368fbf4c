public import DenseMath
public import Environments
internal import Physics
internal import RLCore

/// Replays the stored states and actions of a file through this package's simulator.
///
/// Row i is set up from `infos/qpos`, `infos/qvel` and stepped with `actions`; the outcome is compared
/// with the file's next observation, reward and terminal flag. Rows are cut into blocks of fixed
/// size, so the result does not depend on the number of threads.
public struct DatasetVerification: Sendable, Encodable {
  /// Rows that were replayed and compared.
  public var checked = 0
  /// Over the largest difference among the elements of each row's next observation.
  public var maxObservationError = 0.0
  /// Median over rows of the same.
  public var medianObservationError = 0.0
  /// Largest |stored − simulated reward|.
  public var maxRewardError = 0.0
  /// Median over rows of the same.
  public var medianRewardError = 0.0
  /// Rows whose terminal flag the simulator does not share. Time-out rows are not compared: D4RL
  /// leaves `terminals` clear there even where the robot fell.
  public var terminalMismatches = 0
  /// Rows at which MuJoCo could not continue; not among `checked`.
  public var unstableRows = 0
  /// Rows without a next observation to compare with (v0: ends of episodes).
  public var skippedRows = 0
  /// Row with the largest observation error, and with the largest reward error.
  public var worstObservationRow = 0
  /// Row with the largest reward error, from 0.
  public var worstRewardRow = 0
  /// Name of the environment in which the rows were replayed.
  public var environment = ""
  /// Rows whose stored log-probability was compared with that of the stored policy.
  public var logProbsChecked = 0
  /// Largest |stored − computed log-probability|.
  public var maxLogProbError = 0.0
  /// Median over rows of the same.
  public var medianLogProbError = 0.0
  /// Row with the largest of these errors, from 0.
  public var worstLogProbRow = 0
  /// How `infos/qpos` and `infos/qvel` are wrong, in plain words; `nil` where they are the states of the
  /// observations. Nothing that was replayed from wrong states means anything.
  public var stateFault: String?
  /// The same as an error.
  public private(set) var fault: DatasetError?
  /// In plain words.
  public var remarks: [String] = []

  private static let blockSize = 4096

  private struct RowResult {
    var observationError: Double
    var rewardError: Double
    var terminalMismatch: Bool
  }

  /// log π(a∣s) of actions `[rows, actionSize]` given observations `[rows, observationSize]`.
  public typealias LogProb = (_ actions: Matrix, _ observations: Matrix) -> [Float]

  /// - Parameter logProb: of the policy stored in the file, where there is one: its log-probabilities
  ///   are compared with `infos/action_log_probs`.
  public init(
    _ dataset: D4RLDataset, in kind: EnvironmentKind, pool: WorkerPool, logProb: LogProb? = nil,
    progress: (Int) -> Void = { _ in }
  ) throws(DatasetError) {
    let specification = kind.specification
    try dataset.check(against: specification)
    environment = kind.rawValue
    try dataset.checkStates(of: specification)
    var scan = DatasetScan(dataset)
    try scan.run()
    stateFault = scan.stateFault?.description
    fault = scan.stateFault?.error(in: dataset.path)
    var environments: [any Environment] = []
    for _ in 0..<pool.threads {
      do throws(PhysicsError) { environments.append(try kind.makeEnvironment()) } catch {
        throw .system(file: dataset.path, operation: "cannot simulate", message: "\(error)")
      }
    }

    var observationErrors: [Float] = []
    var rewardErrors: [Float] = []
    observationErrors.reserveCapacity(dataset.rows)
    rewardErrors.reserveCapacity(dataset.rows)
    let superblock = Self.blockSize * 16
    for start in stride(from: 0, to: dataset.rows, by: superblock) {
      let rows = start..<min(dataset.rows, start + superblock)
      let block = try Block(dataset, rows, specification)
      let results = Self.replay(block, environments, pool)
      for (index, result) in results.enumerated() {
        switch result {
        case .skipped: skippedRows += 1
        case .unstable: unstableRows += 1
        case .compared(let row):
          if row.observationError > maxObservationError || checked == 0 {
            (maxObservationError, worstObservationRow) = (row.observationError, start + index)
          }
          if row.rewardError > maxRewardError || checked == 0 {
            (maxRewardError, worstRewardRow) = (row.rewardError, start + index)
          }
          if row.terminalMismatch { terminalMismatches += 1 }
          observationErrors.append(Float(row.observationError))
          rewardErrors.append(Float(row.rewardError))
          checked += 1
        }
      }
      progress(rows.upperBound)
    }
    medianObservationError = Self.median(&observationErrors)
    medianRewardError = Self.median(&rewardErrors)
    if let logProb { try compareLogProbs(dataset, logProb) }
    remarks = makeRemarks(dataset)
  }

  /// Rows with an action nearer to ±1 are passed over: rounding to float32 loses what the
  /// log-probability depends on there.
  private static let largestAction: Float = 0.999

  private mutating func compareLogProbs(
    _ dataset: D4RLDataset, _ logProb: LogProb
  ) throws(DatasetError) {
    guard dataset.column("infos/action_log_probs") != nil else { return }
    var errors: [Float] = []
    let size = dataset.actionSize
    for start in stride(from: 0, to: dataset.rows, by: Self.blockSize) {
      let rows = start..<min(dataset.rows, start + Self.blockSize)
      let stored = try dataset.read(Float.self, "infos/action_log_probs", rows: rows)
      let actions = try dataset.read(Float.self, "actions", rows: rows)
      let found = logProb(
        Matrix(rows: rows.count, columns: size, elements: actions),
        Matrix(
          rows: rows.count, columns: dataset.observationSize,
          elements: try dataset.read(Float.self, "observations", rows: rows)))
      for row in 0..<rows.count
      where actions[row * size..<(row + 1) * size].allSatisfy({ abs($0) < Self.largestAction }) {
        // A NaN on either side is as wrong as can be.
        let difference = abs(stored[row] - found[row])
        let error = difference.isNaN ? .infinity : difference
        if Double(error) > maxLogProbError || errors.isEmpty {
          (maxLogProbError, worstLogProbRow) = (Double(error), start + row)
        }
        errors.append(error)
      }
    }
    logProbsChecked = errors.count
    medianLogProbError = Self.median(&errors)
  }

  /// What happened to one row.
  private enum Outcome {
    case skipped
    case unstable
    case compared(RowResult)
  }

  /// The columns of some rows.
  private struct Block {
    let specification: EnvironmentSpecification
    let count: Int
    let positions: [Double]
    let velocities: [Double]
    let actions: [Double]
    let rewards: [Double]
    let terminals: [Bool]
    let timeouts: [Bool]
    /// s′ of each row.
    let next: [Double]
    /// False where `next` holds nothing to compare with.
    let hasNext: [Bool]

    init(
      _ dataset: D4RLDataset, _ rows: Range<Int>, _ specification: EnvironmentSpecification
    ) throws(DatasetError) {
      self.specification = specification
      count = rows.count
      positions = try dataset.read(Double.self, "infos/qpos", rows: rows)
      velocities = try dataset.read(Double.self, "infos/qvel", rows: rows)
      actions = try dataset.read(Double.self, "actions", rows: rows)
      rewards = try dataset.read(Double.self, "rewards", rows: rows)
      terminals = try dataset.flags("terminals", rows: rows)
      timeouts =
        dataset.hasTimeouts
        ? try dataset.markedTimeouts(rows: rows, terminals: terminals)
        : [Bool](repeating: false, count: rows.count)
      if dataset.hasNextObservations {
        next = try dataset.read(Double.self, "next_observations", rows: rows)
        hasNext = [Bool](repeating: true, count: rows.count)
      } else {
        let end = min(dataset.rows, rows.upperBound + 1)
        let values = try dataset.read(
          Double.self, "observations", rows: rows.lowerBound + 1..<max(rows.lowerBound + 1, end))
        let missing = rows.count * specification.observationSize - values.count
        next = values + [Double](repeating: 0, count: missing)
        var known = zip(terminals, timeouts).map { !$0 && !$1 }
        if missing > 0 { known[rows.count - 1] = false }
        hasNext = known
      }
    }
  }

  private static func replay(
    _ block: Block, _ environments: [any Environment], _ pool: WorkerPool
  ) -> [Outcome] {
    var outcomes = [Outcome](repeating: .skipped, count: block.count)
    let parts = (block.count + 255) / 256
    outcomes.withUnsafeMutableBufferPointer { outcomes in
      // Each call writes its own rows only, and each worker has its own environment.
      nonisolated(unsafe) let outcomes = outcomes
      nonisolated(unsafe) let environments = environments
      pool.run(parts) { part, worker in
        for row in part * 256..<min(block.count, (part + 1) * 256) where block.hasNext[row] {
          outcomes[row] = replay(block, row, environments[worker])
        }
      }
    }
    return outcomes
  }

  private static func replay(_ block: Block, _ row: Int, _ environment: any Environment) -> Outcome
  {
    let specification = block.specification
    func slice(_ values: [Double], _ size: Int) -> [Double] {
      Array(values[row * size..<(row + 1) * size])
    }
    let state = PhysicalState(
      position: slice(block.positions, specification.positionSize),
      velocity: slice(block.velocities, specification.velocitySize))
    guard state.position.allSatisfy(\.isFinite), state.velocity.allSatisfy(\.isFinite) else {
      return .unstable
    }
    _ = environment.reset(to: state)
    let step = environment.step(slice(block.actions, specification.actionSize))
    if step.unstable { return .unstable }
    var error = 0.0
    let start = row * specification.observationSize
    for column in 0..<specification.observationSize {
      error = max(error, abs(step.observation[column] - block.next[start + column]))
    }
    let mismatch = !block.timeouts[row] && step.terminated != block.terminals[row]
    return .compared(
      RowResult(
        observationError: error, rewardError: abs(step.reward - block.rewards[row]),
        terminalMismatch: mismatch))
  }

  private static func median(_ values: inout [Float]) -> Double {
    guard !values.isEmpty else { return 0 }
    values.sort()
    let middle = values.count / 2
    return values.count % 2 == 1
      ? Double(values[middle]) : (Double(values[middle - 1]) + Double(values[middle])) / 2
  }

  private func makeRemarks(_ dataset: D4RLDataset) -> [String] {
    var remarks: [String] = []
    if let stateFault {
      remarks.append(
        "infos/qpos and infos/qvel hold \(stateFault): the differences above say nothing about the "
          + "dynamics")
    } else if checked > 0, medianObservationError > 1e-4 {
      let bound = environment.hasPrefix("hopper") ? 0.05 : 0.5
      if medianObservationError < bound {
        remarks.append(
          "the file's dynamics differ from this MuJoCo by a median of "
            + "\(short(medianObservationError)); D4RL recorded its files with an older engine, where "
            + "differences of about 0.01 (hopper), 0.13 (walker2d), 0.15 (halfcheetah) are normal: "
            + "this does not mean that the file is broken")
      } else {
        remarks.append(
          "the file's dynamics differ from this MuJoCo by a median of "
            + "\(short(medianObservationError)), more than the older engine behind D4RL explains")
      }
    } else if checked > 0 {
      remarks.append("the file was made by the same dynamics as this MuJoCo's")
    }
    if logProbsChecked > 0, !(medianLogProbError < 1e-3) {
      remarks.append(
        "infos/action_log_probs differ from those of the stored policy by a median of "
          + "\(short(medianLogProbError)): another policy chose the actions (usual in replay data)")
    } else if logProbsChecked > 0, !(maxLogProbError < 0.1) {
      remarks.append(
        "infos/action_log_probs are those of the stored policy in most rows; the largest difference "
          + "is \(short(maxLogProbError)) in row \(worstLogProbRow)")
    }
    if terminalMismatches > 0 {
      remarks.append(
        "in \(terminalMismatches) rows the terminal flag is not what this simulator says")
    }
    if unstableRows > 0 {
      remarks.append("from \(unstableRows) rows MuJoCo cannot continue")
    }
    return remarks
  }

  private func short(_ value: Double) -> String {
    "\((value * 10_000).rounded() / 10_000)"
  }

  private enum CodingKeys: String, CodingKey {
    case checked, maxObservationError, medianObservationError, maxRewardError, medianRewardError
    case terminalMismatches, unstableRows, skippedRows, worstObservationRow, worstRewardRow
    case environment, remarks
    case logProbsChecked, maxLogProbError, medianLogProbError, worstLogProbRow, stateFault
  }
}
