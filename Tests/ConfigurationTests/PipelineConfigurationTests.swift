import Foundation
import Testing

@testable import Configuration

@Suite struct PipelineConfigurationTests {
  @Test func defaultsSurviveTheRoundTrip() throws {
    let defaults = PipelineConfiguration()
    #expect(try PipelineConfiguration.parse(yaml: defaults.yaml()) == defaults)
    var exact = defaults
    exact.pretrain.discount = 0.1 + 0.2
    exact.finetune.policyLearningRate = 1.0 / 3e5
    exact.recipe.mediumFraction = 2.0 / 3
    #expect(try PipelineConfiguration.parse(yaml: exact.yaml()) == exact)
    #expect(try PipelineConfiguration.parse(yaml: "") == defaults)
    #expect(try PipelineConfiguration.parse(yaml: "# nothing\n") == defaults)
  }

  @Test func aPresetSaysOnlyWhatDiffers() throws {
    let read = try PipelineConfiguration.parse(
      yaml: "environment: hopper\nfinetune:\n  policyLearningRate: 3e-5\n")
    var expected = PipelineConfiguration()
    expected.environment = "hopper"
    expected.finetune.policyLearningRate = 3e-5
    #expect(read == expected)
  }

  /// What a dataset says it was made by is a command that makes the same configuration.
  @Test func commandSetsWhatDiffers() throws {
    var configuration = PipelineConfiguration()
    configuration.environment = "halfcheetah"
    configuration.seed = 3
    configuration.sac.environmentSteps = 700_000
    configuration.sac.policyLearningRate = 1e-4
    configuration.pretrain.members = 2
    let command = configuration.command("sac", sections: ["networks", "sac"])
    let words = command.split(separator: " ").map(String.init)
    #expect(words.prefix(6) == ["bred", "sac", "--env", "halfcheetah", "--seed", "3"])
    let settings = words.dropFirst(6).filter { $0 != "--set" }
    #expect(settings.count == 2)
    let read = try PipelineConfiguration.load(
      overrides: settings,
      options: [
        .init(name: "--env", key: "environment", value: "halfcheetah"),
        .init(name: "--seed", key: "seed", value: "3"),
      ])
    configuration.pretrain.members = PipelineConfiguration().pretrain.members
    #expect(read == configuration)
  }

  @Test func overridesAreTyped() throws {
    let read = try PipelineConfiguration.load(
      overrides: [
        "finetune.policyLearningRate=3e-5", "finetune.replay=online-only", "pretrain.members=2",
        "pretrain.conservativeWeight=10",
      ],
      options: [.init(name: "--seed", key: "seed", value: "7")])
    #expect(read.finetune.policyLearningRate == 3e-5)
    #expect(read.finetune.replay == .onlineOnly)
    #expect(read.pretrain.members == 2)
    #expect(read.pretrain.conservativeWeight == 10)
    #expect(read.seed == 7)
  }

  /// YAML 1.1 would read the second as eight.
  @Test(arguments: [("7", 7), ("010", 10), ("1_000", 1000)])
  func wholeNumbersAreDecimal(text: String, number: Int) throws {
    let options = [ConfigurationOption(name: "--seed", key: "seed", value: text)]
    #expect(try PipelineConfiguration.load(options: options).seed == number)
    #expect(try PipelineConfiguration.load(overrides: ["seed=\(text)"]).seed == number)
    #expect(try PipelineConfiguration.parse(yaml: "seed: \(text)\n").seed == number)
  }

  @Test(arguments: [
    ("pretrian:\n  members: 3\n", "pretrain"),
    ("pretrain:\n  member: 3\n", "pretrain.members"),
    ("finetune:\n  policyLearningrate: 1e-4\n", "finetune.policyLearningRate"),
  ])
  func unknownKeysAreRefusedWithASuggestion(yaml: String, meant: String) {
    let error = failure(of: yaml)
    guard case .unknownKey(let file, _, let suggestion, let allowed) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file == "test.yaml")
    #expect(suggestion == meant)
    #expect(allowed.contains(String(meant.split(separator: ".").last!)))
  }

  @Test(arguments: [
    ("pretrain:\n  members: 0\n", "pretrain.members"),
    ("finetune:\n  initialOnlineFraction: 1.5\n", "finetune.initialOnlineFraction"),
    ("finetune:\n  initialOnlineFraction: -0.1\n", "finetune.initialOnlineFraction"),
    ("finetune:\n  initialOnlineFraction: .nan\n", "finetune.initialOnlineFraction"),
    ("finetune:\n  environmentSteps: -5\n", "finetune.environmentSteps"),
    ("pretrain:\n  gradientSteps: 0\n", "pretrain.gradientSteps"),
    ("pretrain:\n  tau: 0\n", "pretrain.tau"),

    ("seed: -1\n", "seed"),
    ("networks:\n  hiddenLayers: 0\n", "networks.hiddenLayers"),
  ])
  func valuesOutOfRangeAreRefused(yaml: String, key: String) {
    let error = failure(of: yaml)
    guard case .outOfRange(let file, let named, let value, let allowed) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(file == "test.yaml" && named == key && !value.isEmpty && !allowed.isEmpty)
  }

  @Test(arguments: [
    ("pretrain:\n  members: many\n", "pretrain.members"),
    ("pretrain:\n  members: 2.5\n", "pretrain.members"),
    ("pretrain:\n  tau: fast\n", "pretrain.tau"),
    ("pretrain: 3\n", "pretrain"),
    ("environment: ant\n", "environment"),
    ("finetune:\n  replay: balancd\n", "finetune.replay"),
    ("finetune:\n  actor: mixtrue\n", "finetune.actor"),
    ("finetune:\n  startTemperature: 0.5\n", "finetune.startTemperature"),
    ("finetune:\n  replay: [balanced]\n", "finetune.replay"),
    ("seed:\n  a: 1\n", "seed"),
  ])
  func wrongTypesAreRefused(yaml: String, key: String) {
    let error = failure(of: yaml)
    guard case .wrongType(_, let named, _, let expected) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(named == key && !expected.isEmpty)
  }

  @Test(arguments: [
    "pretrain:\n  lagrangeGap: 5\n",
    "finetune:\n  replay: uniform\n  initialOnlineFraction: 0.75\n",
    "finetune:\n  replay: online-only\n  schedule: exponential\n",
    "finetune:\n  startTemperature: members\n  initialTemperature: 0.5\n",
  ])
  func contradictionsAreRefused(yaml: String) {
    guard case .contradiction = failure(of: yaml) else {
      Issue.record("\(String(describing: failure(of: yaml)))")
      return
    }
  }

  @Test(arguments: ["- a\n- b\n", "a: b: c\n", "seed: 1\nseed: 2\n", "just text\n"])
  func whatIsNotAConfigurationIsRefused(yaml: String) {
    guard case .malformed = failure(of: yaml) else {
      Issue.record("\(String(describing: failure(of: yaml)))")
      return
    }
  }

  @Test(arguments: ["seed", "=3", "a..b=1", "pretrain.members=[", "pretrain=3"])
  func brokenOverridesAreRefused(text: String) {
    #expect(throws: ConfigurationError.self) {
      try PipelineConfiguration.load(overrides: [text])
    }
  }

  @Test func aMissingFileIsNamed() {
    #expect(throws: ConfigurationError.self) {
      try PipelineConfiguration.load(file: "/nowhere/preset.yaml")
    }
  }

  @Test func everyPresetLoads() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../experiments/presets").standardized.path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasSuffix(".yaml") }
    var kinds = 0
    for name in names {
      let configuration = try PipelineConfiguration.load(file: "\(folder)/\(name)")
      guard let robot = ["halfcheetah", "hopper", "walker2d"].first(where: { name.hasPrefix($0) })
      else { continue }
      kinds += 1
      #expect(configuration.environment == robot)
      #expect(
        configuration.networks.hiddenLayers == (name == "halfcheetah-medium-expert.yaml" ? 3 : 2))
    }
    #expect(kinds >= 12)
  }

  @Test func everyFieldHasARule() {
    let covered = Set(PipelineConfiguration.rules.map(\.key)).union(["dataset.path"])
    #expect(Set(PipelineConfiguration().flatValues.keys) == covered)
  }

  private func failure(of yaml: String) -> ConfigurationError? {
    do throws(ConfigurationError) {
      _ = try PipelineConfiguration.parse(yaml: yaml, name: "test.yaml")
      return nil
    } catch { return error }
  }
}
