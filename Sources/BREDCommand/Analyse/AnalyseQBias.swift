import Analysis
import ArgumentParser
import Foundation
import RLCore
import Runs
import Stages

struct AnalyseQBias: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "q-bias",
    abstract: "Critics' estimates against returns of rollouts, over a run (BRED, appendix L).",
    discussion: """
      For runs that kept agents on their way: online.agentInterval=10 keeps one every ten blocks, with 1000 \
      states and actions of the online buffer. From each state, exactly restored, the stored action is taken \
      and the policy followed, drawing actions. SAC's critics count the entropy to come, so there is a soft \
      return with it beside the plain one.

      A row of the CSV for each agent, written as soon as it is known; --resume goes on with the next agent.

      Examples:
        bred run --task walker2d-medium-v2 --method bred \\
          --set online.agentInterval=10 --output runs/w
        bred analyse q-bias runs/w --output q-bias.csv
        bred analyse q-bias runs/w runs/online-only --states 200 --rollouts 5 \\
          --output quick.csv
      """)

  @Argument(help: "Run directories.", transform: HomePath.expanded)
  var runs: [String]

  @Option(
    name: [.short, .long], help: "CSV file to write.", completion: .file(),
    transform: OutputFile.init)
  var output: OutputFile

  @Option(name: .long, parsing: .unconditional, help: "States for each agent, 2 to 1000.")
  var states = QBias.Options().states

  @Option(name: .long, parsing: .unconditional, help: "Rollouts from each state, 1 to 10000.")
  var rollouts = QBias.Options().rollouts

  @Option(
    name: .long, parsing: .unconditional,
    help: "Steps after which a rollout is cut, 1 to 100000.")
  var horizon = QBias.Options().horizon

  @Option(name: .long, parsing: .unconditional, help: "Seed of the rollouts.")
  var seed: UInt64 = 0

  @Flag(name: .long, help: "Keep the rows that --output has, and go on.")
  var resume = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if runs.isEmpty { throw ValidationError("no run directory given") }
    for (name, value, allowed) in [
      ("--states", states, 2...1000), ("--rollouts", rollouts, 1...10_000),
      ("--horizon", horizon, 1...100_000),
    ] where !allowed.contains(value) {
      throw ValidationError(
        "\(name) is \(value), allowed: \(allowed.lowerBound)…\(allowed.upperBound)")
    }
  }

  mutating func run() throws {
    try output.prepare(replacing: resume, hint: "see --resume")
    var options = QBias.Options()
    (options.states, options.rollouts) = (states, rollouts)
    (options.horizon, options.seed) = (horizon, seed)
    let agents = try runs.flatMap { run in
      try KeptAgents.folders(in: run).map { (run: run, folder: $0) }
    }
    var results = try QBias.read(output.path)
    if let other = results.first(where: {
      ($0.rollouts, $0.horizon, $0.seed) != (rollouts, horizon, seed) || $0.states > states
    }) {
      throw RunError.mismatch(
        what: "\(output.path): the rows that are there",
        expected: "\(rollouts) rollouts of \(horizon) steps from \(states) states, seed \(seed)",
        actual: "\(other.rollouts) of \(other.horizon) from \(other.states), seed \(other.seed)")
    }
    let pool = threads.pool()
    let done = results.map { ($0.run, $0.environmentSteps) }
    for (run, folder) in agents {
      let steps = try KeptAgents.environmentSteps(in: folder)
      if done.contains(where: { $0 == (run, steps) }) { continue }
      let found = try QBias(run: run, agent: folder, options, pool: pool)
      results.append(found)
      try AtomicText.write(QBias.csv(results), to: output.path)
      if !outputOptions.quiet {
        Console.log(
          String(
            format: "%@ after %d steps: Q %.1f, return %.1f (soft %.1f), bias %.1f ± %.1f", run,
            steps, found.estimate, found.plainReturn, found.softReturn, found.plainBias,
            found.plainBiasError))
      }
    }
    if outputOptions.json { try Console.print(JSONText.line(["results": results])) }
  }
}
