import ArgumentParser
import Configuration
import DenseMath
import Environments
import Foundation
import Logging
import RLCore
import Stages
import Runs

/// Options of every command that computes.
struct OutputOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  @Flag(name: [.short, .long], help: "No progress on standard error; warnings and errors only.")
  var quiet = false

  var reporter: ProgressReporter { ProgressReporter(style: quiet ? .quiet : .automatic) }

  func logger() -> Logger { StandardErrorLog.logger(level: quiet ? .warning : .info) }
}

struct ThreadOptions: ParsableArguments {
  @Option(
    name: .long, parsing: .unconditional,
    help: ArgumentHelp(
      "Threads to work with, 1 to 1024; the results do not depend on it. "
        + "(default: the processors that this process may use; see bred doctor)"))
  var threads: Int?

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads), allowed: 1…1024")
    }
  }

  func pool() -> WorkerPool {
    let pool = WorkerPool(threads: threads)
    if let threads, pool.threads < threads {
      Console.log("warning: the system gave \(pool.threads) of \(threads) threads")
    }
    return pool
  }
}

/// Options of every command that trains.
struct TrainingOptions: ParsableArguments {
  @Option(
    name: [.customLong("env"), .customLong("env-id")],
    help: ArgumentHelp(
      "Robot: hopper, walker2d or halfcheetah; names such as Hopper-v4 or hopper-medium-v2 give it "
        + "too. --env-id is an alias.", valueName: "name"))
  var env: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Robot, dataset and what depends on them: a name of bred task list, or a YAML file; a "
        + "robot's name means as much as --env.", valueName: "name"))
  var task: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What learns offline and online: a name of bred method list, or a YAML file.",
      valueName: "name"))
  var method: String?

  @Option(
    name: .long,
    help: ArgumentHelp("YAML with the values that differ from the defaults.", valueName: "file"),
    completion: .file(), transform: HomePath.expanded)
  var config: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "Override one value, as in online.sac.policyLearningRate=3e-5; repeatable. docs/settings.md has all keys.",
      valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    name: .long, parsing: .unconditional,
    help: "Seed of all random numbers; equal seeds give equal bytes. (default: 0)")
  var seed: String?

  @Option(
    name: [.short, .long], help: ArgumentHelp("Run directory to make.", valueName: "dir"),
    completion: .directory, transform: HomePath.expanded)
  var output: String

  @Flag(name: .long, help: "Continue the run in --output; start it where there is none.")
  var resume = false

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  /// What a stage needs, with the configuration that files and options give.
  ///
  /// - Parameters:
  ///   - stages: those that the command runs.
  ///   - method: what lies below every file, such as training from scratch.
  ///   - preset: a configuration file given as an argument.
  ///   - more: values from options of the command's own.
  func context(
    stages: Set<ExperimentStage>, dataset: String? = nil, method: ConfigurationLayer? = nil,
    preset: String? = nil, more: [ConfigurationOption] = []
  ) throws -> StageContext {
    if preset != nil, config != nil {
      throw ValidationError("--config and the configuration file as argument exclude each other")
    }
    if method != nil, self.method != nil {
      throw ValidationError("this command is a method of its own, and --method another")
    }
    var options = more
    var task: ConfigurationLayer?
    if let name = self.task {
      switch try TaskChoice(name) {
      case .layer(let layer): task = layer
      case .robot(let robot):
        options.append(.init(name: "--task", key: "environment", value: robot.rawValue))
      }
    }
    if let env {
      let robot = try EnvironmentKind(named: env)
      options.removeAll { $0.key == "environment" }
      options.append(.init(name: "--env", key: "environment", value: robot.rawValue))
    }
    if let seed { options.append(.init(name: "--seed", key: "seed", value: seed)) }
    if let dataset {
      options.append(.init(name: "--dataset", key: "dataset.path", value: dataset))
    }
    if let path = preset ?? config { try TrainingOptions.refuseDirectory(path) }
    let file = try (preset ?? config).map { try ConfigurationLayer(file: $0) }
    let resolved = try ExperimentConfiguration.resolve(
      ConfigurationSources(
        method: method ?? self.method.map(ConfigurationLibrary.methods.layer), task: task,
        file: file,
        overrides: overrides, options: options),
      catalog: .registered, stages: stages)
    let interruption = Interruption()
    interruption.listen()
    return StageContext(
      configuration: resolved.configuration, pool: threads.pool(),
      reporter: outputOptions.reporter, interruption: interruption, logger: outputOptions.logger(),
      resume: resume)
  }

  /// A run's directory is easily given for its configuration.
  private static func refuseDirectory(_ path: String) throws {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
      isDirectory.boolValue
    else { return }
    let inside = "\(path)/config.yaml"
    throw ValidationError(
      "\(path) is a directory, a YAML file is needed"
        + (FileManager.default.fileExists(atPath: inside) ? ", such as \(inside)" : ""))
  }

  /// Prints the finished run's summary where `--json` asks for it.
  func report(_ directory: String) throws {
    if outputOptions.json {
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(directory)/summary.json"))
      let object = try JSONSerialization.jsonObject(with: data)
      let line = try JSONSerialization.data(
        withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
      try Console.print(String(decoding: line, as: UTF8.self))
    } else if !outputOptions.quiet {
      Console.log("done: \(directory)")
    }
  }
}
