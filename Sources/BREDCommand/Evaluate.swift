import ArgumentParser
import Foundation
import RLCore
import Runs
import Stages

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Play episodes with a policy and report its return and D4RL score.",
    discussion: """
      The mean action, unless --stochastic. Undiscounted returns, at most 1000 steps an episode. \
      An ensemble directory (member-0/actor.safetensors and so on) acts as the moment-matched \
      mixture of its members, a run's directory stands for what its last stage made.

      Examples:
        bred evaluate --env hopper --policy runs/ft-0/weights/policy.safetensors \\
          --episodes 20
        bred evaluate --policy runs/cql-0/weights
        bred evaluate --env halfcheetah --policy actor.safetensors --episodes 100 \\
          --seed 1 --json
      """)

  @Option(
    name: [.customLong("env"), .customLong("env-id"), .customLong("task")],
    help: ArgumentHelp(
      "Task: hopper, walker2d or halfcheetah. (default: the one that the file names)",
      valueName: "name"))
  var env: String?

  @Option(
    name: .long, help: "Policy weights, safetensors; or a folder of agents.", completion: .file(),
    transform: HomePath.expanded)
  var policy: String

  @Option(
    name: [.customLong("episodes"), .customLong("eval-episodes")], parsing: .unconditional,
    help: "Episodes to play.")
  var episodes = 10

  @Option(name: .long, parsing: .unconditional, help: "Seed of starts and actions.")
  var seed: UInt64 = 0

  @Flag(name: .long, help: "Sample actions instead of taking the mean.")
  var stochastic = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    if !(1...1_000_000).contains(episodes) {
      throw ValidationError("--episodes is \(episodes), allowed: 1…1000000")
    }
  }

  mutating func run() throws {
    let result = try EvaluateStage(environment: env, pool: threads.pool()).run(
      policyFile: policy, episodes: episodes, seed: seed,
      selection: stochastic ? .sample : .mean)
    if outputOptions.json {
      try Console.print(JSONText.line(result))
      return
    }
    let protocolNote =
      "\(stochastic ? "sampled" : "mean") actions, \(result.episodes) episodes, seed \(seed)"
    try Console.print(
      String(
        format: "%@: return %.1f ± %.1f, normalized score %.2f (%@)", result.environment,
        result.mean, result.std, result.normalizedScore, protocolNote))
  }
}
