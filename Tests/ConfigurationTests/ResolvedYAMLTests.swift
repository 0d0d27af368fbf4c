import Foundation
import RLCore
import Testing

@testable import Configuration

/// `config.yaml`: every value that was used, nothing that was not, and read back it is the same.
@Suite struct ResolvedYAMLTests {
  @Test func theDefaultsInFull() throws {
    #expect(
      try resolve(set: ["dataset.path=data/hopper.hdf5"]).configuration.yaml() == """
        environment: halfcheetah
        seed: 0
        dataset:
          path: data/hopper.hdf5
          nextObservations: following-row
          rewards: raw
          observations: raw
        networks:
          hiddenLayers: 2
          hiddenUnits: 256
        offline:
          algorithm: cql
          members: 5
          gradientSteps: 1000000
          epochSteps: 1000
          checkpointInterval: 1
          cql:
            discount: 0.99
            tau: 0.005
            batchSize: 256
            conservativeWeight: 5.0
            weighting: fixed
            backup: deterministic
            shuffles: true
            cloningSteps: 0
        distillation:
          epochs: 1000
          epochSteps: 1000
          patience: 20
          validationFraction: 0.1
          batchSize: 256
          learningRate: 0.0003
          checkpointInterval: 1
        online:
          algorithm: sac
          actor: distilled
          environmentSteps: 250000
          collection: blocks
          blockSteps: 1000
          updatesPerStep: 1.0
          firstBlockMultiplier: 10.0
          randomSteps: 0
          warmupSteps: 0
          replay: balanced
          initialOnlineFraction: 0.5
          finalTimestep: 125000
          schedule: linear
          bufferCapacity: 1000000
          startTemperature: fixed
          startValues: learned
          checkpointInterval: 5
          policyInterval: 0
          agentInterval: 0
          videoInterval: 0
          qVariance: false
          sac:
            batchSize: 256
            policyLearningRate: 0.0003
            initialTemperature: 1.0
        evaluation:
          episodes: 5
          interval: 1

        """)
  }

  @Test(arguments: [
    [], ["online.replay=uniform"], ["online.actor=mixture"], ["offline.algorithm=none"],
    ["online.algorithm=none"],
    ["offline.algorithm=iql", "offline.iql.expectile=0.123456789012345678"],
    ["online.startTemperature=members"], ["offline.cql.weighting=lagrange"],
    ["offline.cql.targetEntropy=-3", "online.members=3"],
    ["offline.cql.tau=0.30000000000000004", "online.sac.policyLearningRate=5e-324"],
    ["offline.cql.label=null and void"], ["offline.cql.label='null'"], ["offline.cql.label='010'"],
    ["distillation.enabled=true", "online.actor=independent"], ["seed=9223372036854775807"],
    ["distillation.enabled=false", "online.actor=independent"],
  ])
  func readBackItIsTheSame(overrides: [String]) throws {
    for stages in [
      ExperimentConfiguration.pipeline, [.offline], [.distillation], [.online], [.recipe],
    ] {
      guard failure(set: overrides, stages: stages) == nil else { continue }
      let first = try resolve(set: overrides, stages: stages).configuration
      let text = first.yaml()
      let second = try ExperimentConfiguration.parse(yaml: text, catalog: fakes, stages: stages)
      #expect(second == first, "\(text)")
      #expect(second.yaml() == text)
      #expect(first.differences(from: second).isEmpty)
    }
    #expect(failure(set: overrides) == nil)
  }

  /// What a file is called must not change what is read.
  @Test(arguments: [
    "a b", "it's", "say \"so\"", "back\\slash", "# no comment", "key: value", "- item", "null", "~",
    "true", "No", "010", "1e3", "", " lead", "trail ", "tab\there", "line\nbreak", "é∂🦊",
    "\u{7f}\u{1}",
    "\u{2028}", "[a]", "{a}", "&a", "*a", "!a", "%a", "@a", "`a", "?", "runs/x.hdf5", "\u{85}",
    "C:\\data", "a\u{feff}b",
  ])
  func everyTextSurvives(text: String) throws {
    var configuration = ExperimentConfiguration(catalog: fakes)
    configuration.dataset.path = text
    let read = try ExperimentConfiguration.parse(yaml: configuration.yaml(), catalog: fakes)
    #expect(read.dataset.path == text)
  }

  @Test func numbersAreExact() throws {
    var stream = UInt64(88_172_645_463_325_252)
    var configuration = ExperimentConfiguration(catalog: fakes)
    for _ in 0..<200 {
      stream ^= stream << 13
      stream ^= stream >> 7
      stream ^= stream << 17
      let number = Double(stream >> 11) * 0x1p-53
      guard number > 0 else { continue }
      configuration.recipe.mediumFraction = number
      configuration.online.initialOnlineFraction = number * number * number
      let read = try ExperimentConfiguration.parse(yaml: configuration.yaml(), catalog: fakes)
      #expect(read.online.initialOnlineFraction == number * number * number)
    }
  }

  @Test func differencesNameUsedKeysButNotThePath() throws {
    let first = try resolve(set: ["online.replay=uniform", "dataset.path=a"]).configuration
    var second = first
    second.dataset.path = "b"
    #expect(second.differences(from: first).isEmpty)
    second.online.schedule = .exponential  // not used
    #expect(second.differences(from: first).isEmpty)
    second.seed = 4
    #expect(second.differences(from: first) == ["seed (was 4, now 0)"])
    second.online.replay = .balanced
    #expect(
      second.differences(from: first).contains("online.schedule (was exponential, now absent)"))
  }

  /// What a dataset says it was made by is a command that makes the same configuration.
  @Test func theCommandSetsWhatDiffers() throws {
    let overrides = [
      "environment=hopper", "seed=3", "online.replay=uniform", "online.sac.policyLearningRate=1e-4",
    ]
    let configuration = try resolve(set: overrides).configuration
    let words = configuration.command("run").split(separator: " ").map(String.init)
    #expect(words.prefix(6) == ["bred", "run", "--env", "hopper", "--seed", "3"])
    let settings = words.dropFirst(6).filter { $0 != "--set" }
    #expect(settings == ["online.replay=uniform", "online.sac.policyLearningRate=0.0001"])
    #expect(
      try resolve(set: ["environment=hopper", "seed=3"] + settings).configuration == configuration)
  }

  /// `task show`, `method show`: the source of each value behind it.
  @Test func showNamesEverySource() throws {
    let resolved = try resolve(
      "evaluation:\n  episodes: 9\n", set: ["seed=4"], method: "online:\n  replay: uniform\n",
      task: "pretrain:\n  members: 2\n",
      options: [.init(name: "--env", key: "environment", value: "hopper")])
    let lines = resolved.annotatedYAML().split(separator: "\n").map(String.init)
    func line(_ start: String) -> String { lines.first { $0.contains(start + ": ") } ?? "" }
    #expect(line("environment").hasSuffix("  # --env"))
    #expect(line("seed").hasSuffix("  # --set seed=4"))
    #expect(line("replay").hasSuffix("  # method m"))
    #expect(line("members").hasSuffix("  # task t"))
    #expect(line("episodes").hasSuffix("  # test.yaml"))
    #expect(line("hiddenUnits").hasSuffix("  # defaults"))
    let columns = lines.compactMap { line in
      line.firstRange(of: "  # ").map { line.distance(from: line.startIndex, to: $0.lowerBound) }
    }
    #expect(columns.count > 30)
    // Aligned: the longest line ends where every comment begins.
    #expect(columns.max() == lines.map { $0.components(separatedBy: "  # ")[0].count }.max())
    let read = try ExperimentConfiguration.parse(yaml: resolved.annotatedYAML(), catalog: fakes)
    #expect(read == resolved.configuration)
  }
}
