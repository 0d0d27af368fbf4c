import Configuration
public import DenseMath
import Foundation
public import Logging
import RLCore
public import Runs
import Stages
import Synchronization

/// Does one job of a sweep in this process.
public struct JobExecution {
  private let output: String
  private let plan: SweepPlan
  private let pool: WorkerPool
  private let interruption: Interruption
  private let logger: Logger
  private let reporter: ProgressReporter
  private let watch = ClaimWatch()

  /// - Parameter output: the sweep's directory.
  public init(
    _ output: String, pool: WorkerPool, interruption: Interruption, logger: Logger,
    reporter: ProgressReporter
  ) throws(RunError) {
    self.output = output
    plan = try SweepPlan.read(output)
    self.pool = pool
    self.interruption = interruption
    self.logger = logger
    self.reporter = reporter
  }

  /// What became of a job.
  public enum Outcome: Equatable, Sendable {
    case done
    /// Another process works on it, or it needs what is not done.
    case notNow(String)
  }

  /// Does the job, unless another process works on it; what it needs must be done.
  ///
  /// - Throws: `Interrupted` after a checkpoint; what the stages throw, when the claim says so too.
  public func run(_ id: String) throws -> Outcome {
    guard let job = plan.jobs.first(where: { $0.id == id }) else {
      throw RunError.missing(path: "\(output)/\(SweepPlan.folder)", what: "job '\(id)'")
    }
    // A directory that holds something else is refused by the work itself, so that the claim says so.
    if (try? JobState.isDone(job, in: output)) == true { return .done }
    for need in plan.jobs where job.needs.contains(need.id) {
      guard try JobState.isDone(need, in: output) else {
        return .notNow("'\(job.title)' needs '\(need.title)', which is not done")
      }
    }
    let claims = JobClaims(job, in: output)
    let (generation, finding) = watch.look(claims)
    if case .working(let claim) = finding {
      return .notNow(
        "'\(job.title)' is worked on by process \(claim.worker.process) on \(claim.worker.host)")
    }
    guard let claim = try claims.take(generation + 1) else {
      return .notNow("'\(job.title)' was just claimed by another process")
    }
    let signs = SignsOfLife(claim, interruption)
    reporter.onProgress = { claim.note(stage: $0, share: $1, progress: $2) }
    defer {
      reporter.onProgress = nil
      signs.stop()
    }
    do {
      try work(on: job)
      try claim.end(.done)
      return .done
    } catch let error as Interrupted {
      if signs.isLost {
        return .notNow(
          "'\(job.title)' was taken over by another process, which found this one dead")
      }
      try claim.end(.stopped)
      throw error
    } catch {
      try claim.end(.failed, message: "\(error)")
      throw error
    }
  }

  /// Does the job and what it needs, waiting for other processes that work on them and taking over what they
  /// leave.
  public func complete(_ id: String) throws {
    for need in plan.jobs.first(where: { $0.id == id })?.needs ?? [] { try complete(need) }
    var said = ""
    while case .notNow(let reason) = try run(id) {
      if reason != said { logger.info("waiting: \(reason)") }
      said = reason
      Thread.sleep(forTimeInterval: ClaimWatch.interval / 2)
      if interruption.isRequested { throw Interrupted(directory: output) }
    }
  }

  private func work(on job: SweepJob) throws {
    let directory = "\(output)/\(job.directory)"
    var context = StageContext(
      configuration: try job.configuration(), pool: pool, reporter: reporter,
      interruption: interruption, logger: logger, resume: true)
    let needs = job.needs.compactMap { id in plan.jobs.first { $0.id == id } }
    switch job.kind {
    case .agent:
      context.owner = output
      try OfflineStage(context).run(output: directory)
    case .start:
      if let given = job.given { return try prepare(given, job, directory, context) }
      try RunDirectory.make(directory)
      try OfflineStage.assemble(
        needs.map { "\(output)/\($0.directory)" }, configuration: context.configuration,
        output: "\(directory)/\(OfflineStage.name)")
      try Pipeline(context).run(output: directory)
    case .run:
      guard let start = needs.first else {
        try Pipeline(context).run(output: directory)
        return
      }
      if start.given != nil {
        try OnlineStage(context).run(
          ensemble: "\(output)/\(start.directory)/\(GivenStart.folder)", output: directory)
        return
      }
      try link(start, into: directory)
      try Pipeline(context).run(output: directory)
    }
  }

  /// The agents of a start that nobody has to train, and what is distilled from them.
  private func prepare(
    _ given: GivenStart, _ job: SweepJob, _ directory: String, _ context: StageContext
  ) throws {
    let run = try RunDirectory(path: directory, resume: true)
    try given.copy(to: directory)
    try AtomicText.write(job.yaml, to: run.file("config.yaml"))
    if given.distils {
      var context = context
      context.owner = directory
      try DistillStage(context).run(
        ensemble: run.file(GivenStart.folder), output: run.file(DistillStage.name),
        addToEnsemble: true)
    }
    try run.write(json: given, to: "summary.json")
  }

  /// Gives a run what it shares with others, as its own stages.
  private func link(_ start: SweepJob, into directory: String) throws {
    let manager = FileManager.default
    try RunDirectory.make(directory)
    let depth = directory.dropFirst(output.count + 1).split(separator: "/").count
    let up = String(repeating: "../", count: depth)
    for stage in [OfflineStage.name, DistillStage.name]
    where try RunDirectory.exists("\(output)/\(start.directory)/\(stage)") {
      let path = "\(directory)/\(stage)"
      let target = "\(up)\(start.directory)/\(stage)"
      if let before = try? manager.destinationOfSymbolicLink(atPath: path) {
        if before == target { continue }
        try manager.removeItem(atPath: path)
      }
      try manager.createSymbolicLink(atPath: path, withDestinationPath: target)
    }
  }
}

/// Where a job stands on disk.
enum JobState {
  /// Whether nothing is left to do.
  ///
  /// - Throws: where its directory holds something else than this job.
  static func isDone(_ job: SweepJob, in output: String) throws -> Bool {
    let directory = "\(output)/\(job.directory)"
    guard try RunDirectory.exists("\(directory)/summary.json") else { return false }
    let yaml = try? String(contentsOfFile: "\(directory)/config.yaml", encoding: .utf8)
    if yaml == job.yaml { return true }
    var context = StageContext(
      configuration: try job.configuration(), pool: WorkerPool(threads: 1), resume: true)
    context.owner = job.kind == .agent ? output : nil
    return try RunDirectory.holdsFinishedRun(directory, context: context)
  }
}

/// Says every few seconds that a claim's process lives, and stops the work when the claim is lost.
private final class SignsOfLife: Sendable {
  private let isOver = Atomic<Bool>(false)
  private let lost = Atomic<Bool>(false)

  init(_ claim: HeldClaim, _ interruption: Interruption) {
    Thread.detachNewThread { [self] in
      while true {
        Thread.sleep(forTimeInterval: ClaimWatch.interval)
        if isOver.load(ordering: .relaxed) { return }
        if !claim.beat() {
          lost.store(true, ordering: .relaxed)
          interruption.request()
          return
        }
      }
    }
  }

  var isLost: Bool { lost.load(ordering: .relaxed) }
  func stop() { isOver.store(true, ordering: .relaxed) }
}
