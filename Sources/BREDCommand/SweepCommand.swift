import ArgumentParser
import Configuration
import DenseMath
import Foundation
import Logging
import RLCore
import Runs
import Sweeps

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Many runs: tasks × methods × seeds × a grid of any keys.",
    discussion: """
      What runs share is done once: the agents of a task, each by itself, and their distilled policy. \
      docs/sweeps.md describes the file.

      Examples:
        bred sweep plan experiments/figures/figure-03.yaml
        bred sweep run experiments/figures/figure-03.yaml --output sweeps/figure-03
        bred sweep status sweeps/figure-03
      """,
    subcommands: [
      SweepPlanCommand.self, SweepRun.self, SweepSlurm.self, SweepStatusCommand.self,
      SweepJobCommand.self,
    ]
  )
}

/// The file of a sweep.
struct SweepFileArgument: ParsableArguments {
  @Argument(help: "YAML of the sweep.", completion: .file(), transform: HomePath.expanded)
  var file: String

  @Option(
    name: .long,
    help: ArgumentHelp(
      "YAML that lies over it: tasks to keep, seeds, datasets, values.", valueName: "file"),
    completion: .file(), transform: HomePath.expanded)
  var scale: String?

  func plan(in output: String? = nil) throws -> SweepPlan {
    try SweepPlan(SweepFile(file: file, scale: scale), in: output)
  }

  /// The plan of a sweep all of whose data are there.
  func completePlan(in output: String) throws -> SweepPlan {
    let plan = try plan(in: output)
    guard plan.missing.isEmpty else {
      throw RunError.missing(
        path: file, what: "data or agents (" + plan.missing.joined(separator: "; ") + ")")
    }
    return plan
  }
}

struct SweepPlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "The runs of a sweep, what they share, and what they will cost here.",
    discussion: """
      Costs come from a short measurement of each kind of update and robot on this machine, on one thread. \
      Data that are not there are named first; `run` and `slurm` refuse to start without them.

      Examples:
        bred sweep plan my-sweep.yaml
        bred sweep plan my-sweep.yaml --json --no-costs
      """)

  @OptionGroup var file: SweepFileArgument
  @Flag(inversion: .prefixedNo, help: "Measure what the jobs will take.") var costs = true
  @Flag(name: .long, help: "Print one JSON object on standard output.") var json = false

  mutating func run() throws {
    let plan = try file.plan()
    let costs = costs ? try CostEstimator().costs(plan) : [:]
    let report = SweepReport(plan, costs: costs, processors: ProcessorBudget.current.count)
    try Console.print(json ? JSONText.line(report) : report.text, terminator: json ? "\n" : "")
  }
}

struct SweepRun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a sweep on this machine, several jobs at once.",
    discussion: """
      Ctrl-C writes all checkpoints; the same command goes on. A job that fails does not stop the others, \
      and is tried again by the next call. Several calls, also on machines that share the file system, may \
      work on one directory. Runs appear in OUTPUT/runs/TASK/METHOD/seed-S.

      Examples:
        bred sweep run my-sweep.yaml --output sweeps/mine
        bred sweep run my-sweep.yaml --output sweeps/mine --jobs 4
      """)

  @OptionGroup var file: SweepFileArgument

  @Option(
    name: [.short, .long], help: ArgumentHelp("Directory of the sweep.", valueName: "dir"),
    completion: .directory, transform: HomePath.expanded)
  var output: String

  @Option(name: .long, help: "Jobs at once. (default: one for each thread)")
  var jobs: Int?

  @OptionGroup var threads: ThreadOptions
  @Flag(name: [.short, .long], help: "Warnings and errors only.") var quiet = false

  func validate() throws {
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs is \(jobs), allowed: 1…1024")
    }
  }

  mutating func run() throws {
    let plan = try file.completePlan(in: output)
    let interruption = Interruption()
    interruption.listen()
    let threads = threads.threads ?? ProcessorBudget.current.count
    let costs = quiet ? [:] : try CostEstimator().costs(plan).mapValues(\.seconds)
    let runner = SweepRunner(
      plan, output: output, jobs: jobs ?? threads, threads: threads, costs: costs,
      interruption: interruption, quiet: quiet)
    let status: SweepStatus
    do { status = try runner.run() } catch is Interrupted {
      Console.log(
        "stopped after writing checkpoints; to continue, the same command:\n  "
          + Invocation.repeating())
      throw ExitCode(130)
    }
    if !quiet || !status.isComplete { Console.log("\(output): \(status.summary)") }
    guard status.isComplete else {
      for entry in status.entries where entry.state == .failed {
        Console.log(
          "failed: \(entry.job.title): \(entry.claim?.message ?? "ended without a word"); "
            + "see \(output)/logs/\(entry.job.id).log")
      }
      throw ExitCode.failure
    }
  }
}

struct SweepSlurm: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "slurm",
    abstract: "Submit a sweep to a Slurm cluster.",
    discussion: """
      One array of tasks for each kind of job: agents, starts, runs. A preempted task, or one whose time \
      is up, writes a checkpoint and is queued again. Called again, it submits what is not done and does \
      not run. The directory and the data must be seen by all nodes.

      Examples:
        bred sweep slurm my-sweep.yaml --output /scratch/mine --dry-run
        bred sweep slurm my-sweep.yaml --output /scratch/mine --partition long \\
          --time 2-00:00:00 --cpus 4
        bred sweep slurm my-sweep.yaml --output /scratch/mine --sbatch qos=low \\
          --sbatch exclude=node7
      """)

  @OptionGroup var file: SweepFileArgument

  @Option(
    name: [.short, .long], help: ArgumentHelp("Directory of the sweep.", valueName: "dir"),
    completion: .directory, transform: HomePath.expanded)
  var output: String

  @Option(name: .long, help: "Partition.") var partition: String?
  @Option(name: .long, help: "Account.") var account: String?
  @Option(name: .long, help: "Time of a task, as sbatch takes it.") var time = "24:00:00"
  @Option(name: .long, help: "Memory of a task.") var memory = "4G"
  @Option(name: .long, help: "Processors of a task, which are its threads.") var cpus = 2
  @Option(name: .customLong("at-once"), help: "Most tasks of one array at once.") var atOnce: Int?
  @Option(
    name: .customLong("array-size"),
    help: "Most tasks of one array, below the cluster's MaxArraySize; more jobs make more arrays.")
  var arraySize = SlurmScripts.Options().arraySize
  @Option(name: .long, help: "How often a task that fails is tried again.") var retries = 2

  @Option(
    name: .customLong("sbatch"), parsing: .singleValue,
    help: ArgumentHelp("A further option of sbatch, without --; repeatable.", valueName: "option"))
  var more: [String] = []

  @Flag(name: .customLong("dry-run"), help: "Write and show the scripts, submit nothing.")
  var dryRun = false

  func validate() throws {
    for (name, value) in [("--cpus", cpus), ("--at-once", atOnce ?? 1)]
    where !(1...1024).contains(value) {
      throw ValidationError("\(name) is \(value), allowed: 1…1024")
    }
    guard (1...4_000_000).contains(arraySize) else {
      throw ValidationError("--array-size is \(arraySize), allowed: 1…4000000")
    }
    guard (0...100).contains(retries) else {
      throw ValidationError("--retries is \(retries), allowed: 0…100")
    }
  }

  mutating func run() throws {
    let plan = try file.completePlan(in: output)
    var options = SlurmScripts.Options()
    (options.partition, options.account) = (partition, account)
    (options.time, options.memory, options.processors) = (time, memory, cpus)
    (options.atOnce, options.retries, options.more) = (atOnce, retries, more)
    options.arraySize = arraySize
    try plan.write(to: output)
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
    let slurm = SlurmScripts(plan, output: output, program: program, options: options)
    guard !slurm.scripts.isEmpty else {
      return Console.log("\(output): nothing to submit; bred sweep status \(output)")
    }
    try slurm.write()
    if dryRun {
      for script in slurm.scripts {
        try Console.print("# \(script.path), \(script.jobs.count) tasks\n\(script.text)")
      }
      return
    }
    for (script, number) in try slurm.submit() {
      try Console.print("\(number)  \(script.jobs.count) tasks: \(script.kind.rawValue)")
    }
  }
}

struct SweepStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "How far a sweep is; from any machine that sees its directory.",
    discussion: """
      Examples:
        bred sweep status sweeps/mine
        bred sweep status sweeps/mine --json
      """)

  @Argument(help: "Directory of the sweep.", completion: .directory, transform: HomePath.expanded)
  var directory: String

  @Flag(name: .long, help: "Print one JSON object on standard output.") var json = false

  private struct Listing: Encodable {
    struct Job: Encodable {
      let id: String
      let kind: String
      let title: String
      let directory: String
      let state: String
      let share: Double?
      let message: String?
    }
    let counts: [String: Int]
    let jobs: [Job]
  }

  mutating func run() throws {
    let status = try SweepStatus(directory: directory)
    if json {
      let counts = SweepStatus.State.allCases.map { ($0.rawValue, status.count($0)) }
      try Console.print(
        JSONText.line(
          Listing(
            counts: Dictionary(uniqueKeysWithValues: counts),
            jobs: status.entries.map { entry in
              Listing.Job(
                id: entry.job.id, kind: entry.job.kind.rawValue, title: entry.job.title,
                directory: entry.job.directory, state: entry.state.rawValue,
                share: entry.claim?.share, message: entry.claim?.message)
            })))
      return
    }
    for entry in status.entries {
      var line = "\(entry.state.rawValue)".padding(toLength: 9, withPad: " ", startingAt: 0)
      line += entry.job.title
      if let claim = entry.claim, entry.state != .done {
        if !claim.stage.isEmpty { line += "  \(claim.stage) \(claim.progress)" }
        if entry.state == .running { line += "  on \(claim.worker.host)" }
        if let message = claim.message { line += "  \(message)" }
      }
      try Console.print(line)
    }
    try Console.print(status.summary)
  }
}

/// One job of a sweep; what `sweep run` and batch systems start.
struct SweepJobCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "job",
    abstract: "Do one job of a sweep in this process.",
    discussion: """
      Examples:
        bred sweep job sweeps/mine agent-0123456789ab --threads 4
      """)

  @Argument(help: "Directory of the sweep.", completion: .directory, transform: HomePath.expanded)
  var directory: String
  @Argument(help: "The job's name, from bred sweep status --json.") var id: String
  @OptionGroup var threads: ThreadOptions
  @Flag(
    name: .long,
    help: "Do what the job needs too; wait for other processes, and take over what they leave.")
  var wait = false
  @Flag(name: .long, help: .hidden) var supervised = false

  mutating func run() throws {
    let interruption = Interruption()
    // A terminal's Ctrl-C is for the runner, who asks this process to stop.
    interruption.listen(ignoring: supervised ? [SIGINT, SIGHUP] : [])
    let execution = try JobExecution(
      directory, pool: threads.pool(), interruption: interruption,
      logger: StandardErrorLog.logger(level: .info), reporter: ProgressReporter(style: .automatic))
    if wait { return try execution.complete(id) }
    let outcome = try execution.run(id)
    if case .notNow(let reason) = outcome { Console.log(reason) }
  }
}
