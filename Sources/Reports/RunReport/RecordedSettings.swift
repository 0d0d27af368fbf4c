import Analysis
import Configuration
import Environments
import Foundation
import RLCore
import Runs
import Stages

/// The configuration of a run, beside what its method and task alone would have given.
struct RecordedSettings {
  struct Value {
    let key: String
    let text: String
    /// What method and task say, where that is something else; empty where they have no use for the key.
    let expected: String?
  }

  /// In the order of a configuration file; empty where the file is of another version.
  let values: [Value]
  /// What the values are held against, for people.
  let baseline: String
  /// `config.yaml` as it stands.
  let yaml: String

  /// What tells runs of one experiment apart, not how they learn.
  private static let identity: Set<String> = ["environment", "seed", "dataset.path"]

  init(_ run: RecordedRun, stage: RecordedStage?) {
    let folder =
      FileManager.default.fileExists(atPath: "\(run.directory)/config.yaml")
      ? run.directory : stage?.directory ?? run.directory
    yaml = (try? String(contentsOfFile: "\(folder)/config.yaml", encoding: .utf8)) ?? ""
    let stages = RecordedSettings.stages(run, stage)
    guard
      let found = try? ExperimentConfiguration.parse(
        yaml: yaml, catalog: .registered, stages: stages)
    else {
      (values, baseline) = ([], "")
      return
    }
    let sources = RecordedSources(run, command: stage?.manifest?.commandLine ?? [])
    let expected = sources.resolve(stages: stages, like: found)
    baseline = sources.description
    let texts = Dictionary(
      expected.values.map { ($0.key, "\($0.value)") }, uniquingKeysWith: { first, _ in first })
    values = found.values.map { line in
      let text = "\(line.value)"
      let other = texts[line.key] ?? ""
      let isSame = other == text || RecordedSettings.identity.contains(line.key)
      return Value(key: line.key, text: text, expected: isSame ? nil : other)
    }
  }

  private static func stages(_ run: RecordedRun, _ stage: RecordedStage?) -> Set<ExperimentStage> {
    guard run.stage.isEmpty else { return ExperimentConfiguration.pipeline }
    switch stage?.name {
    case OfflineStage.name: return [.offline]
    case DistillStage.name: return [.distillation]
    default: return [.online]
    }
  }
}

/// Where a run's values come from, as far as its command, its place in a sweep or its task tell.
private struct RecordedSources {
  private let method: ConfigurationLayer?
  private let task: ConfigurationLayer?

  init(_ run: RecordedRun, command: [String]) {
    let parts = URL(fileURLWithPath: run.directory).standardizedFileURL.pathComponents
    func layer(
      _ option: String, in library: ConfigurationLibrary, orElse names: [String]
    ) -> ConfigurationLayer? {
      let given = RecordedSources.value(of: option, in: command)
      return ([given].compactMap { $0 } + names).lazy.compactMap { try? library.layer($0) }.first
    }
    let methods = ConfigurationLibrary.methods
    let named =
      RecordedSources.value(of: "--method", in: command) == nil
      ? parts.reversed().filter(methods.names.contains) : []
    method =
      command.dropFirst().first == "sac"
      ? .scratch : layer("--method", in: methods, orElse: named)
    let tasks = ConfigurationLibrary.tasks
    task = layer("--task", in: tasks, orElse: tasks.names.contains(run.task) ? [run.task] : [])
  }

  private static func value(of option: String, in command: [String]) -> String? {
    if let index = command.firstIndex(of: option), index + 1 < command.count {
      return command[index + 1]
    }
    return command.first { $0.hasPrefix("\(option)=") }.map {
      String($0.dropFirst(option.count + 1))
    }
  }

  /// The defaults where nothing is known, or what is known does not go together any more.
  func resolve(
    stages: Set<ExperimentStage>, like other: ExperimentConfiguration
  ) -> ExperimentConfiguration {
    let robot = [ConfigurationOption(name: "", key: "environment", value: other.environment)]
    let sources = ConfigurationSources(method: method, task: task, options: robot)
    let found = try? ExperimentConfiguration.resolve(
      sources, catalog: .registered, stages: stages)
    return found?.configuration ?? ExperimentConfiguration(catalog: .registered, stages: stages)
  }

  var description: String {
    switch (method, task) {
    case (let method?, let task?): "method \(method.name) and task \(task.name)"
    case (let method?, nil): "method \(method.name)"
    case (nil, let task?): "the defaults and task \(task.name)"
    case (nil, nil): "the defaults"
    }
  }
}
