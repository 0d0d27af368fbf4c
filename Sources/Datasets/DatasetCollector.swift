public import DenseMath
public import Environments
internal import Physics
public import RLCore

/// Makes a dataset as D4RL made its own: whole episodes of a policy with sampled actions, capped by
/// the time limit, cut to an exact number of rows.
public struct DatasetCollector {
  /// What happened.
  public struct Report: Sendable, Equatable, Encodable {
    /// Rows in the file.
    public var rows = 0
    /// Episodes in the file, the cut last one included.
    public var episodes = 0
    /// Rows flagged as real ends; a row at the time limit is none.
    public var terminals = 0
    /// Rows flagged as time-outs, those before an unstable step included.
    public var timeouts = 0
    /// Mean return of the episodes that are whole.
    public var meanReturn = 0.0
    /// Episodes that MuJoCo could not continue; their last step is left out.
    public var unstableEpisodes = 0
  }

  /// The task that is played.
  public let environment: EnvironmentKind
  /// Of starts and actions: episode k draws from the stream (seed, k).
  public let seed: UInt64
  /// Rows of the file, the last episode being cut there.
  public let steps: Int

  /// - Precondition: `steps` is above 0.
  public init(environment: EnvironmentKind, seed: UInt64, steps: Int) {
    precondition(steps > 0, "\(steps) steps")
    self.environment = environment
    self.seed = seed
    self.steps = steps
  }

  /// Runs `policy` and writes the file. The same bytes come out for any number of threads.
  ///
  /// - Parameters:
  ///   - metadata: completed here with environment, seed and versions.
  ///   - replacing: whether an existing file of that name gives way at the end.
  ///   - progress: called with the number of rows written so far.
  public func collect(
    _ policy: any Policy, to path: String, metadata: D4RLMetadata, pool: WorkerPool,
    replacing: Bool = false, progress: (Int) -> Void = { _ in }
  ) throws(DatasetError) -> Report {
    let specification = environment.specification
    var metadata = metadata
    metadata.strings["environment"] = environment.rawValue
    metadata.strings["mujoco_version"] = PhysicsModel.libraryVersion
    metadata.strings["seed"] = String(seed)
    let writer = try D4RLWriter(
      creating: path, rows: steps, shape: D4RLShape(specification), metadata: metadata,
      replacing: replacing)
    let rollouts: Rollouts
    do throws(PhysicsError) { rollouts = try Rollouts(environment, pool: pool) } catch {
      throw .system(file: path, operation: "cannot simulate", message: "\(error)")
    }
    var report = Report()
    var returns: [Double] = []
    try rollouts.collect(policy, selection: .sample, seed: seed, purpose: "dataset/episode") {
      (episode) throws(DatasetError) in
      if episode.result.unstable { report.unstableEpisodes += 1 }
      guard episode.count > 0 else { return true }
      let count = min(episode.count, steps - writer.written)
      let rows = DatasetCollector.rows(of: episode, first: count)
      try writer.append(rows)
      report.episodes += 1
      if count == episode.count { returns.append(episode.result.returnValue) }
      report.terminals += rows.terminals.reduce(0) { $1 ? $0 + 1 : $0 }
      report.timeouts += rows.timeouts.reduce(0) { $1 ? $0 + 1 : $0 }
      progress(writer.written)
      return writer.written < steps
    }
    try writer.finish()
    report.rows = steps
    report.meanReturn = returns.reduce(0, +) / Double(max(1, returns.count))
    return report
  }

  /// The first `count` rows of an episode, flagged as D4RL flags them: a row at the time limit is a
  /// time-out even where the robot also fell.
  static func rows(of episode: Episode, first count: Int) -> D4RLRows {
    var rows = D4RLRows()
    rows.observations = Array(episode.observations.prefix(count * episode.observationSize))
    rows.nextObservations = Array(episode.nextObservations.prefix(count * episode.observationSize))
    rows.actions = Array(episode.actions.prefix(count * episode.actionSize))
    rows.rewards = episode.rewards.prefix(count).map { Float($0) }
    rows.actionLogProbs = Array(episode.logProbs.prefix(count))
    rows.positions = Array(episode.positions.prefix(count * episode.positionSize))
    rows.velocities = Array(episode.velocities.prefix(count * episode.velocitySize))
    for row in 0..<count {
      // After an unstable step nothing may seem to follow the last good row.
      let cut = row == episode.count - 1 && episode.result.unstable
      let truncated = episode.truncated(at: row) || cut
      rows.timeouts.append(truncated)
      rows.terminals.append(episode.terminated(at: row) && !truncated)
    }
    return rows
  }
}
