import ArgumentParser
import Datasets
import Environments
import Foundation
import RLCore
import Runs
import Stages

struct DatasetCollect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collect",
    abstract: "Make a dataset by D4RL's recipe: whole episodes of sampled actions, cut to N rows.",
    discussion: """
      The same seed gives the same bytes, whatever the number of threads.

      Examples:
        bred dataset collect --env halfcheetah --policy medium.safetensors \\
          --steps 1000000 \\
          --seed 0 --output halfcheetah-medium.hdf5
        bred dataset collect --env hopper --random --steps 100000 \\
          --output hopper-random.hdf5
      """)

  @Option(
    name: [.customLong("env"), .customLong("env-id"), .customLong("task")],
    help: ArgumentHelp(
      "Task: hopper, walker2d or halfcheetah, or one of these with -v5.", valueName: "name"))
  var env: String

  @Option(
    name: .long, help: ArgumentHelp("Policy weights, safetensors.", valueName: "file"),
    completion: .file(), transform: HomePath.expanded)
  var policy: String?

  @Flag(name: .long, help: "Uniform random actions instead of a policy.")
  var random = false

  @Option(name: .long, parsing: .unconditional, help: "Rows of the dataset.")
  var steps: Int

  @Option(name: .long, parsing: .unconditional, help: "Seed of starts and actions.")
  var seed: UInt64 = 0

  @Option(
    name: [.short, .long], help: ArgumentHelp("File to make.", valueName: "file"),
    completion: .file(), transform: OutputFile.init)
  var output: OutputFile

  @Flag(name: .long, help: "Replace an existing file.")
  var force = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    guard (policy != nil) != random else {
      throw ValidationError("give either --policy FILE or --random")
    }
    guard (1...1_000_000_000).contains(steps) else {
      throw ValidationError("--steps is \(steps), allowed: 1…1000000000")
    }
  }

  mutating func run() throws {
    try output.prepare()
    let kind = try EnvironmentKind(named: env)
    let behaviour = try BehaviourPolicy(policyFile: policy, kind)
    var metadata = behaviour.metadata
    metadata.strings["command"] =
      "bred dataset collect --env \(kind) "
      + (policy.map { "--policy \(URL(fileURLWithPath: $0).lastPathComponent)" } ?? "--random")
      + " --steps \(steps) --seed \(seed)"
    let collector = DatasetCollector(environment: kind, seed: seed, steps: steps)
    let started = Date()
    let (quiet, steps) = (outputOptions.quiet, self.steps)
    var nextNotice = steps / 10
    let report = try collector.collect(
      behaviour.policy, to: output.path, metadata: metadata, pool: threads.pool(), replacing: force
    ) { rows in
      guard !quiet, rows >= nextNotice else { return }
      while nextNotice <= rows { nextNotice += max(1, steps / 10) }
      Console.log(String(format: "collected %d of %d rows", rows, steps))
    }
    if outputOptions.json {
      try Console.print(JSONText.line(report))
      return
    }
    let seconds = Date().timeIntervalSince(started)
    try Console.print(
      String(
        format: "%@: %d rows, %d episodes, mean return %.1f, %d terminals, %d time-outs, %.1f s",
        output.path, report.rows, report.episodes, report.meanReturn, report.terminals,
        report.timeouts,
        seconds))
  }
}
