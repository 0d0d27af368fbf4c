import Foundation
import RLCore
import Runs

/// What `bred sweep plan` says.
public struct SweepReport: Encodable {
  struct Line: Encodable {
    let id: String
    let kind: String
    let title: String
    let directory: String
    let needs: [String]
    /// Of a run.
    let task: String?
    let variant: String?
    let seed: Int?
    /// Runs that lean on it; 1 of a run itself.
    let runs: Int
    let seconds: Double?
    let bytes: Int?
  }

  let name: String
  let jobs: [Line]
  let missing: [String]
  /// As the file gives it.
  let figure: JSONValue?
  let processors: Int
  /// On one thread, of all jobs.
  let totalSeconds: Double?
  /// With one job on each processor.
  let wallSeconds: Double?
  let totalBytes: Int?

  /// - Parameters:
  ///   - costs: by id of the job; empty where none were measured.
  ///   - processors: jobs at once, for the time by the clock.
  public init(_ plan: SweepPlan, costs: [String: JobCost], processors: Int) {
    name = plan.name
    (missing, figure) = (plan.missing, plan.figure)
    self.processors = processors
    jobs = plan.jobs.map { job in
      Line(
        id: job.id, kind: job.kind.rawValue, title: job.title, directory: job.directory,
        needs: job.needs, task: job.place?.task, variant: job.place?.variant,
        seed: job.place?.seed, runs: job.kind == .run ? 1 : plan.users(of: job),
        seconds: costs[job.id]?.seconds, bytes: costs[job.id]?.bytes)
    }
    guard !costs.isEmpty else {
      (totalSeconds, wallSeconds, totalBytes) = (nil, nil, nil)
      return
    }
    totalSeconds = costs.values.reduce(0) { $0 + $1.seconds }
    totalBytes = costs.values.reduce(0) { $0 + $1.bytes }
    // Stage after stage; no job is faster than itself.
    wallSeconds = SweepJob.Kind.allCases.reduce(0) { sum, kind in
      let seconds = plan.jobs(kind).compactMap { costs[$0.id]?.seconds }
      return sum + max(seconds.max() ?? 0, seconds.reduce(0, +) / Double(processors))
    }
  }

  /// For people, with every job, and the whole cost where costs were measured.
  public var text: String {
    var lines = ["\(name): \(jobs.count { $0.kind == "run" }) runs"]
    // First, where it is not lost below a long list: nothing can run before these are there.
    if !missing.isEmpty { lines += ["\nmissing:"] + missing.map { "  \($0)" } }
    for kind in SweepJob.Kind.allCases {
      let group = jobs.filter { $0.kind == kind.rawValue }
      guard !group.isEmpty else { continue }
      let seconds = group.compactMap(\.seconds)
      let total =
        seconds.isEmpty
        ? "" : ", \(ProgressReporter.duration(seconds.reduce(0, +))) on one thread"
      let heading =
        switch kind {
        case .agent: "agents, trained once for all runs that begin with them"
        case .start: "starts: agents side by side, distilled where that is used"
        case .run: "runs"
        }
      lines.append("\n\(group.count) \(heading)\(total)")
      for line in group {
        var text = "  \(line.title)"
        if kind != .run, line.runs > 1 { text += "  for \(line.runs) runs" }
        if let seconds = line.seconds { text += "  \(ProgressReporter.duration(seconds))" }
        if let bytes = line.bytes { text += "  \(SweepReport.size(bytes))" }
        lines.append(text)
      }
    }
    if let totalSeconds, let wallSeconds, let totalBytes {
      lines.append(
        "\nabout \(ProgressReporter.duration(totalSeconds)) on one thread, "
          + "\(ProgressReporter.duration(wallSeconds)) with \(processors) jobs at once on this machine, "
          + "\(SweepReport.size(totalBytes)) on the disk")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func size(_ bytes: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var (value, unit) = (Double(bytes), 0)
    while value >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    return String(format: value < 10 && unit > 0 ? "%.1f %@" : "%.0f %@", value, units[unit])
  }
}
