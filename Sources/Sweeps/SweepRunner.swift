import DenseMath
import Foundation
public import Runs

/// Runs the jobs of a sweep on this machine, several at once, each in a process of its own.
///
/// Any number of runners, here and on machines that share the file system, may work on one directory.
public final class SweepRunner {
  private let plan: SweepPlan
  private let output: String
  private let jobs: Int
  private let threads: Int
  private let interruption: Interruption
  private let display: SweepDisplay
  private let watch = ClaimWatch()
  private var done: Set<String> = []
  private var children: [Child] = []
  /// How often jobs have failed under this runner: an error comes again, a kill perhaps not.
  private var failures: [String: Int] = [:]
  private static let mostKills = 3
  /// Seconds between looks at the directory, which is perhaps on another machine.
  private static let lookInterval = 1.0

  private struct Child {
    let job: SweepJob
    let process: Process
    let threads: Int
    let log: String
  }

  /// - Parameters:
  ///   - output: the sweep's directory, made where it is not there.
  ///   - jobs: at most so many at once.
  ///   - threads: of all jobs together.
  ///   - costs: seconds that each job will take, by id, where they are known.
  public init(
    _ plan: SweepPlan, output: String, jobs: Int, threads: Int, costs: [String: Double] = [:],
    interruption: Interruption, quiet: Bool = false
  ) {
    self.plan = plan
    self.output = output.count > 1 && output.hasSuffix("/") ? String(output.dropLast()) : output
    self.jobs = jobs
    self.threads = threads
    self.interruption = interruption
    display = SweepDisplay(costs: costs, jobs: jobs, quiet: quiet)
  }

  /// Runs until nothing is left that could be done.
  ///
  /// - Returns: how the sweep stands then.
  /// - Throws: `Interrupted` when asked to stop, after all checkpoints; `RunError`.
  public func run() throws -> SweepStatus {
    try plan.write(to: output)
    var nextLook = 0.0
    while true {
      let hasEnded = try reap()
      if interruption.isRequested { return try stop() }
      let now = ProcessInfo.processInfo.systemUptime
      if hasEnded || now >= nextLook {
        nextLook = now + SweepRunner.lookInterval
        let status = SweepStatus(plan, in: output, done: &done, watch: watch)
        try launch(status)
        display.show(status)
        let others = status.entries.contains { entry in
          entry.state == .running && !children.contains { $0.job.id == entry.job.id }
        }
        if children.isEmpty, !others {
          display.close()
          return status
        }
      }
      Thread.sleep(forTimeInterval: 0.2)
    }
  }

  private func launch(_ status: SweepStatus) throws {
    var ready = status.entries.filter { entry in
      (entry.state == .ready || entry.state == .failed)
        && failures[entry.job.id, default: 0] < SweepRunner.mostKills
        && !children.contains { $0.job.id == entry.job.id }
    }
    // The longest way first: agents before what needs them.
    while children.count < jobs, !ready.isEmpty {
      let job = ready.removeFirst().job
      let used = children.reduce(0) { $0 + $1.threads }
      let slots = min(jobs - children.count, ready.count + 1)
      try start(job, threads: max(1, (threads - used) / max(1, slots)))
    }
  }

  private func start(_ job: SweepJob, threads: Int) throws {
    let log = "\(output)/logs/\(job.id).log"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      "sweep", "job", output, job.id, "--threads", "\(threads)", "--supervised",
    ]
    let number = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard number >= 0 else {
      throw RunError.cannotWrite(path: log, reason: RunError.lastSystemMessage)
    }
    let file = FileHandle(fileDescriptor: number, closeOnDealloc: true)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = file
    process.standardError = file
    do { try process.run() } catch {
      throw RunError.cannotRead(path: process.executableURL?.path ?? "bred", reason: "\(error)")
    }
    display.note("begins: \(job.title) (\(threads) thread\(threads == 1 ? "" : "s"))")
    children.append(Child(job: job, process: process, threads: threads, log: log))
  }

  /// Takes note of the children that have ended.
  ///
  /// - Returns: whether there are any.
  private func reap() throws -> Bool {
    // Asked once: one that ends meanwhile is for the next time.
    let ended = children.filter { !$0.process.isRunning }
    children.removeAll { child in ended.contains { $0.job.id == child.job.id } }
    for child in ended {
      child.process.waitUntilExit()
      let status = child.process.terminationStatus
      switch (child.process.terminationReason, status) {
      case (.exit, 0):
        // What was left to another process shows as running from now on.
        let isDone = (try? JobState.isDone(child.job, in: output)) == true
        display.note("\(isDone ? "done" : "left to another process"): \(child.job.title)")
      case (.exit, 130) where interruption.isRequested: break
      case (let reason, _):
        let isKill = reason == .uncaughtSignal
        failures[child.job.id, default: 0] += isKill ? 1 : SweepRunner.mostKills
        let how = isKill ? "ended by signal \(status)" : "failed"
        display.note("\(how): \(child.job.title); see \(child.log)" + lastLine(child.log))
      }
    }
    return !ended.isEmpty
  }

  private func lastLine(_ log: String) -> String {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    guard let line = text.split(separator: "\n").last else { return "" }
    return "\n  \(line)"
  }

  private func stop() throws -> SweepStatus {
    display.note("stopping: \(children.count) jobs write their checkpoints")
    // Not SIGTERM, of which a second one would not wait.
    for child in children { kill(child.process.processIdentifier, SIGUSR1) }
    for child in children { child.process.waitUntilExit() }
    children = []
    display.close()
    throw Interrupted(directory: output)
  }
}

/// One line for the whole sweep on a terminal; else a line for each event.
private final class SweepDisplay {
  private let costs: [String: Double]
  private let jobs: Int
  private let quiet: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var drawn = 0
  private var lastDraw = ContinuousClock.now - .seconds(10)

  init(costs: [String: Double], jobs: Int, quiet: Bool) {
    (self.costs, self.jobs, self.quiet) = (costs, jobs, quiet)
  }

  func note(_ text: String) {
    guard !quiet else { return }
    close()
    Console.log(text)
  }

  func show(_ status: SweepStatus) {
    guard !quiet, isTerminal, ContinuousClock.now - lastDraw > .seconds(0.5) else { return }
    lastDraw = ContinuousClock.now
    let running = status.entries.filter { $0.state == .running }
    var text = status.summary
    if let left = timeLeft(status) { text += ", \(left) left" }
    for entry in running {
      guard let claim = entry.claim, !claim.stage.isEmpty else { continue }
      text += "; \(entry.job.title) \(Int(100 * claim.share))%"
    }
    let columns = ProgressLine.columns
    let line = String(text.prefix(max(1, columns - 1)))
    Console.log(
      ProgressLine.clearing(length: drawn, columns: columns) + line, terminator: "")
    drawn = line.count
  }

  /// What is left by the estimates, at the speed that the jobs have shown so far.
  private func timeLeft(_ status: SweepStatus) -> String? {
    var left = 0.0
    var (expected, taken) = (0.0, 0.0)
    for entry in status.entries where entry.state != .blocked && entry.state != .failed {
      guard let cost = costs[entry.job.id] else { return nil }
      let share = entry.state == .done ? 1 : entry.claim?.share ?? 0
      left += cost * (1 - share)
      if entry.state == .running, let claim = entry.claim, share > 0.02 {
        expected += cost * share
        taken += claim.seconds
      }
    }
    guard left > 0 else { return nil }
    let pace = expected > 0 ? min(max(taken / expected, 0.1), 10) : 1
    return ProgressReporter.duration(left * pace / Double(max(1, jobs)))
  }

  func close() {
    if drawn > 0 {
      Console.log(
        ProgressLine.clearing(length: drawn, columns: ProgressLine.columns), terminator: "")
    }
    drawn = 0
  }
}
