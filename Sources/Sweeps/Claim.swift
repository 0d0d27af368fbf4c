import Foundation
import Runs

/// Who works on a job, or has worked on it last: `claims/JOB/GENERATION.json`.
///
/// A process claims a job by making the file of the next generation, which only one can, on shared file systems
/// too. While it works it writes the file anew every few seconds; a claim that has stopped to do so is dead,
/// and the next generation takes over. A process that finds a later generation than its own stops.
public struct Claim: Codable, Sendable, Equatable {
  /// How the work under a claim stands.
  public enum State: String, Codable, Sendable {
    case working
    /// Asked to stop, after writing a checkpoint.
    case stopped
    case failed
    case done
  }

  /// Whether the work goes on, or how it ended.
  public var state = State.working
  /// The process that made the claim.
  public var worker: WorkerIdentity
  /// Grows with each sign of life.
  public var beat = 0
  /// Seconds since 1970.
  public var began = 0.0
  /// Seconds of work under this claim.
  public var seconds = 0.0
  /// Why it ended, where that was an error.
  public var message: String?
  /// Stage at work, and how far it is, 0…1.
  public var stage = ""
  /// Of the stage's work, 0 to 1.
  public var share = 0.0
  /// Counts for people, `12000/1000000 updates`.
  public var progress = ""
}

/// A process, told apart from others on any machine.
public struct WorkerIdentity: Codable, Sendable, Equatable {
  /// Name of its machine.
  public var host: String
  /// The system's number of it; these come again.
  public var process: Int32
  /// Of the machine's start and the process's name space.
  var machine: String
  /// When the process began, in the system's ticks: numbers of processes come again.
  var started: String

  static let current = WorkerIdentity(
    host: ProcessInfo.processInfo.hostName, process: getpid(), machine: machineNow,
    started: startTime(of: getpid()) ?? "")

  private static var machineNow: String {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    let space = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
    return (boot ?? "").trimmingCharacters(in: .whitespacesAndNewlines) + " " + (space ?? "")
  }

  /// Whether the process has certainly ended: known only on its own machine.
  var isGone: Bool {
    guard machine == WorkerIdentity.current.machine else { return false }
    return WorkerIdentity.startTime(of: process) != started
  }

  private static func startTime(of process: Int32) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = text.lastIndex(of: ")")
    else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    // A zombie works no more.
    return fields.count > 19 && fields[0] != "Z" ? String(fields[19]) : nil
  }
}

/// The claims on one job.
struct JobClaims {
  let folder: String

  init(_ job: SweepJob, in output: String) { folder = "\(output)/claims/\(job.id)" }

  private func file(_ generation: Int) -> String { "\(folder)/\(generation).json" }

  /// The last generation; 0 where nobody has claimed the job.
  var generation: Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.compactMap { $0.hasSuffix(".json") ? Int($0.dropLast(5)) : nil }.max() ?? 0
  }

  func read(_ generation: Int) -> Claim? {
    guard let data = FileManager.default.contents(atPath: file(generation)) else { return nil }
    return try? JSONDecoder().decode(Claim.self, from: data)
  }

  /// Takes the next generation.
  ///
  /// - Returns: `nil` where another process was faster.
  func take(_ generation: Int) throws(RunError) -> HeldClaim? {
    try RunDirectory.make(folder)
    let held = HeldClaim(claims: self, generation: generation)
    // With all that it says at once: of an empty claim nobody could tell whose it was.
    do { try held.write(replacing: false) } catch {
      if try RunDirectory.exists(file(generation)) { return nil }
      throw error
    }
    return held
  }

  func write(_ claim: Claim, _ generation: Int, replacing: Bool = true) throws(RunError) {
    try AtomicText.write(JSONText.pretty(claim), to: file(generation), replacing: replacing)
  }
}

/// A claim of this process, with its signs of life.
final class HeldClaim: @unchecked Sendable {
  private let claims: JobClaims
  private let generation: Int
  private let lock = NSLock()
  private var claim = Claim(worker: .current, began: Date().timeIntervalSince1970)
  private let start = Date()

  init(claims: JobClaims, generation: Int) {
    (self.claims, self.generation) = (claims, generation)
  }

  func note(stage: String, share: Double, progress: String) {
    lock.withLock {
      (claim.stage, claim.share, claim.progress) = (stage, share, progress)
    }
  }

  /// Shows that the process lives.
  ///
  /// - Returns: whether the claim is still this process's.
  func beat() -> Bool {
    guard claims.generation == generation else { return false }
    // A file system that is full or away for a moment is no reason to stop.
    try? write()
    return true
  }

  func write(replacing: Bool = true) throws(RunError) {
    let text = lock.withLock {
      claim.beat += 1
      claim.seconds = Date().timeIntervalSince(start)
      return claim
    }
    try claims.write(text, generation, replacing: replacing)
  }

  func end(_ state: Claim.State, message: String? = nil) throws(RunError) {
    lock.withLock {
      claim.state = state
      claim.message = message
      if state == .done { claim.share = 1 }
    }
    try write()
  }
}

/// Tells living claims from dead ones by what it sees, so that no two clocks must agree.
final class ClaimWatch {
  /// Seconds between signs of life, and without one after which a claim is dead.
  static let interval = 2.0
  static let patience = 60.0
  private var seen: [String: (generation: Int, beat: Int, at: ContinuousClock.Instant)] = [:]

  private let now: () -> ContinuousClock.Instant

  init(now: @escaping () -> ContinuousClock.Instant = { ContinuousClock.now }) { self.now = now }

  enum Finding: Equatable {
    case unclaimed
    case working(Claim)
    case dead(Claim?)
    case ended(Claim)
  }

  /// The last claim on a job, and its generation.
  func look(_ claims: JobClaims) -> (generation: Int, finding: Finding) {
    let generation = claims.generation
    guard generation > 0 else { return (0, .unclaimed) }
    let claim = claims.read(generation)
    if let claim, claim.state != .working { return (generation, .ended(claim)) }
    if let claim, claim.worker.isGone { return (generation, .dead(claim)) }
    let beat = claim?.beat ?? 0
    let now = now()
    if let last = seen[claims.folder], last.generation == generation, last.beat == beat {
      if now - last.at > .seconds(ClaimWatch.patience) { return (generation, .dead(claim)) }
    } else {
      seen[claims.folder] = (generation, beat, now)
    }
    return (generation, .working(claim ?? Claim(worker: .current)))
  }
}
