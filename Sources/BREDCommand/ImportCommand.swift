import Agents
import ArgumentParser
import Autodiff
import Environments
import Exchange
import Foundation
import RLCore
import Runs

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take over an actor of rlkit, CORL, Stable-Baselines3 or d3rlpy.",
    discussion: """
      The file holds the actor's state dictionary as safetensors; in the program that trained it:

        safetensors.torch.save_file(actor.state_dict(), "actor.safetensors")

      The names of the tensors say whose it is; docs/exchange.md has the table. Layers of ReLU and actions in \
      [-1, 1] are taken for granted. Where observations were normalised, add normalizer.mean and \
      normalizer.std to the tensors.

      Examples:
        bred import actor.safetensors --env hopper --output hopper.safetensors
        bred evaluate --policy hopper.safetensors
        bred import iql.safetensors --env walker2d --log-std-min -6 --log-std-max 0 \\
          --output awac.safetensors
      """)

  @Argument(
    help: "Weights, safetensors.", completion: .file(), transform: HomePath.expanded)
  var weights: String

  @Option(
    name: [.customLong("env"), .customLong("env-id"), .customLong("task")],
    help: ArgumentHelp(
      "Robot that it was trained on: hopper, walker2d or halfcheetah; sizes are compared.",
      valueName: "name"))
  var env: String

  @Option(
    name: [.short, .long], help: "File to write; one that is there is replaced.",
    completion: .file(), transform: OutputFile.init)
  var output: OutputFile

  @Option(
    name: .customLong("log-std-min"), parsing: .unconditional,
    help: "Least log σ. (default: the program's own)")
  var logStdMinimum: Float?

  @Option(
    name: .customLong("log-std-max"), parsing: .unconditional,
    help: "Greatest log σ. (default: the program's own)")
  var logStdMaximum: Float?

  private var bounds: LogStdBounds? {
    guard let logStdMinimum, let logStdMaximum else { return nil }
    return LogStdBounds(lower: logStdMinimum, upper: logStdMaximum)
  }

  func validate() throws {
    if (logStdMinimum == nil) != (logStdMaximum == nil) {
      throw ValidationError("--log-std-min and --log-std-max come together")
    }
    if let bounds, !(bounds.lower < bounds.upper && bounds.lower.isFinite && bounds.upper.isFinite)
    {
      throw ValidationError(
        "--log-std-min is \(bounds.lower), expected less than --log-std-max, \(bounds.upper)")
    }
  }

  mutating func run() throws {
    try output.prepare()
    let kind = try EnvironmentKind(named: env)
    let actor = try ForeignActor.read(weights, logStdBounds: bounds)
    var file = actor.network
    let space = kind.specification
    let found = (file.network.shape.inputSize, file.actionSize)
    guard found == (space.observationSize, space.actionSize) else {
      throw RunError.mismatch(
        what: weights,
        expected: "\(space.observationSize) observations and \(space.actionSize) actions of "
          + space.name,
        actual: "\(found.0) and \(found.1)")
    }
    file.metadata["environment"] = kind.rawValue
    file.metadata["producer"] = PackageVersion.producer
    file.metadata["source"] = actor.program
    try file.write(to: output.path)
    if !actor.leftAside.isEmpty {
      let parts = Set(actor.leftAside.map { $0.prefix { $0 != "." } }).sorted()
      Console.log(
        "left aside: \(actor.leftAside.count) tensors of \(parts.joined(separator: ", "))")
    }
    try Console.print(
      "\(output.path): \(file.role.rawValue), hidden layers \(file.network.shape.hiddenSizes), "
        + "from \(actor.program)")
  }
}
