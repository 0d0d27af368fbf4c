import Foundation
public import Runs

/// Batch scripts that do a sweep on a Slurm cluster: arrays of tasks for each kind of job, each kind after
/// the one before.
///
/// A task that is preempted or runs out of time writes a checkpoint and is queued again; one that fails is
/// tried again a few times. What a task needs and does not find, because another task was lost, it does
/// itself; claims keep two from doing the same.
public struct SlurmScripts {
  /// What a cluster asks for.
  public struct Options: Sendable {
    /// As `sbatch --partition` takes it; `nil`: the cluster's own choice.
    public var partition: String?
    /// As `sbatch --account` takes it; `nil`: the cluster's own choice.
    public var account: String?
    /// As `sbatch --time` takes it.
    public var time = "24:00:00"
    /// Of each task, as `sbatch --mem` takes it.
    public var memory = "4G"
    /// Of each task: `sbatch --cpus-per-task`, and threads of `bred`.
    public var processors = 2
    /// Tasks of one array that run at once; `nil`: as many as the cluster lets.
    public var atOnce: Int?
    /// Most tasks of one array; jobs beyond it make further arrays. Slurm refuses arrays of MaxArraySize tasks,
    /// which is 1001 where the cluster does not say otherwise.
    public var arraySize = 1000
    /// How often a task that fails is tried again.
    public var retries = 2
    /// Seconds before the end of its time at which a task is told to write its checkpoint.
    public var warning = 120
    /// Further options of `sbatch`, one each.
    public var more: [String] = []

    public init() {}
  }

  /// One array.
  public struct Script: Sendable, Equatable {
    /// What the jobs of all its tasks are.
    public let kind: SweepJob.Kind
    /// Ids of its tasks' jobs, in order.
    public let jobs: [String]
    /// The batch script.
    public let text: String
    /// Where ``SlurmScripts/write()`` puts the script.
    public let path: String
    let listPath: String
  }

  /// In the order in which they must be submitted; without jobs that are done or at work.
  public let scripts: [Script]
  private let output: String

  /// - Parameters:
  ///   - output: the sweep's directory.
  ///   - program: of `bred`, as the nodes see it.
  public init(_ plan: SweepPlan, output: String, program: String, options: Options) {
    let output = URL(fileURLWithPath: output).standardizedFileURL.path
    self.output = output
    var done: Set<String> = []
    let status = SweepStatus(plan, in: output, done: &done, watch: ClaimWatch())
    let open = Set(
      status.entries.filter { $0.state != .done && $0.state != .running }.map(\.job.id))
    scripts = SweepJob.Kind.allCases.flatMap { kind in
      let jobs = plan.jobs(kind).map(\.id).filter(open.contains)
      return stride(from: 0, to: jobs.count, by: options.arraySize).map { first in
        let part = Array(jobs[first..<min(first + options.arraySize, jobs.count)])
        let array = first == 0 ? kind.rawValue : "\(kind.rawValue)-\(first / options.arraySize + 1)"
        let list = "\(output)/slurm/\(array).list"
        return Script(
          kind: kind, jobs: part,
          text: SlurmScripts.text(
            array, name: plan.name, count: part.count, list: list, output: output,
            program: program, options),
          path: "\(output)/slurm/\(array).sh", listPath: list)
      }
    }
  }

  private static func text(
    _ array: String, name: String, count: Int, list: String, output: String, program: String,
    _ options: Options
  ) -> String {
    let limit = options.atOnce.map { "%\($0)" } ?? ""
    var lines = [
      "#!/bin/bash",
      "# Written by bred sweep slurm. Task i does the job in line i + 1 of \(array).list.",
    ]
    let settings =
      [
        "job-name=\(name)-\(array)", "array=0-\(count - 1)\(limit)",
        "output=\(output)/logs/slurm-\(array)-%a.log", "open-mode=append", "requeue",
        "ntasks=1", "cpus-per-task=\(options.processors)", "mem=\(options.memory)",
        "time=\(options.time)", "signal=B:USR1@\(options.warning)",
      ] + (options.partition.map { ["partition=\($0)"] } ?? [])
      + (options.account.map { ["account=\($0)"] } ?? []) + options.more
    lines += settings.map { "#SBATCH --\($0)" }
    lines.append(
      """

      job=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" \(quoted(list)))
      \(quoted(program)) sweep job \(quoted(output)) "$job" --wait --threads "${SLURM_CPUS_PER_TASK:-1}" &
      child=$!
      # The time is nearly up, or another job is to have this place: bred writes a checkpoint.
      trap 'kill -USR1 "$child" 2>/dev/null' USR1 TERM
      wait "$child"
      status=$?
      # A signal ends `wait`, not the child.
      while kill -0 "$child" 2>/dev/null; do
        wait "$child"
        status=$?
      done
      wait "$child" 2>/dev/null
      last=$?
      [ "$last" -ne 127 ] && status=$last
      if [ "$status" -eq 130 ] || { [ "$status" -ne 0 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt \(options.retries) ]; }; then
        echo "task ended with $status: queued again"
        scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
        # Slurm ends the task.
        sleep 60
      fi
      exit "$status"

      """)
    return lines.joined(separator: "\n")
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }

  /// Writes scripts and lists of jobs to `slurm` in the sweep's directory; earlier ones give way.
  public func write() throws(RunError) {
    do {
      try FileManager.default.createDirectory(
        atPath: "\(output)/slurm", withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: "\(output)/slurm", reason: "\(error)")
    }
    for script in scripts {
      try AtomicText.write(script.text, to: script.path)
      try AtomicText.write(script.jobs.joined(separator: "\n") + "\n", to: script.listPath)
    }
  }

  /// Hands the arrays to `sbatch`, each to begin when those of the kind before have ended.
  ///
  /// - Returns: the number of each array.
  public func submit() throws -> [(script: Script, number: String)] {
    var result: [(script: Script, number: String)] = []
    for script in scripts {
      let before = SlurmScripts.kindBefore(script.kind, among: result.map(\.script.kind))
      let numbers = result.filter { $0.script.kind == before }.map(\.number)
      let after =
        numbers.isEmpty ? [] : ["--dependency=afterany:\(numbers.joined(separator: ":"))"]
      let answer = try SlurmScripts.sbatch(["--parsable"] + after + [script.path])
      // `--parsable` gives the number, and the cluster's name behind a semicolon.
      result.append((script, String(answer.prefix { $0 != ";" && !$0.isWhitespace })))
    }
    return result
  }

  /// The last kind in order that stands before `kind` and has arrays.
  static func kindBefore(
    _ kind: SweepJob.Kind, among submitted: [SweepJob.Kind]
  ) -> SweepJob.Kind? {
    submitted.last { $0 != kind }
  }

  private static func sbatch(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["sbatch"] + arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let message = String(
      decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw RunError.inconsistent(
        path: "sbatch", reason: message.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    return text
  }
}
