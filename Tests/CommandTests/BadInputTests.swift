import Datasets
import Environments
import Foundation
import RLCore
import TestSupport
import Testing

/// Each mistake gives one clear error on standard error, exit code 1 or 2, and touches nothing.
@Suite struct BadInputTests: RefusalTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  private func pretrain(dataset: String, environment: String = "hopper") -> [String] {
    [
      "pretrain", "--env", environment, "--dataset", dataset, "--output", folder.file("out"),
      "--quiet",
    ] + Workshop.small
  }

  private func copyDataset(as name: String, _ change: (inout Data) -> Void) throws -> String {
    var data = try Data(contentsOf: URL(fileURLWithPath: workshop.dataset))
    change(&data)
    try data.write(to: URL(fileURLWithPath: folder.file(name)))
    return folder.file(name)
  }

  // MARK: Datasets

  @Test func missingDataset() throws {
    let path = folder.file("nowhere.hdf5")
    try refuse(pretrain(dataset: path), status: 1, saying: path, "No such file")
  }

  @Test func truncatedDataset() throws {
    let path = try copyDataset(as: "short.hdf5") { $0 = $0.prefix($0.count / 2) }
    try refuse(pretrain(dataset: path), status: 1, saying: path)
  }

  @Test func foreignDataset() throws {
    let path = try copyDataset(as: "text.hdf5") { $0 = Data("not a dataset".utf8) }
    try refuse(pretrain(dataset: path), status: 1, saying: path)
    let empty = try copyDataset(as: "empty.hdf5") { $0 = Data() }
    try refuse(pretrain(dataset: empty), status: 1, saying: empty)
  }

  @Test func datasetOfAnotherRobot() throws {
    try refuse(
      pretrain(dataset: workshop.dataset, environment: "walker2d"), status: 1,
      saying: workshop.dataset, "17", "11")
  }

  @Test(arguments: [Float.nan, .infinity])
  func datasetWithoutNumbers(value: Float) throws {
    let shape = D4RLShape(
      observationSize: 11, actionSize: 3, positionSize: 0, velocitySize: 0)
    for field in ["observations", "rewards"] {
      var rows = D4RLRows()
      rows.observations = [Float](repeating: 1.25, count: 50 * 11)
      rows.nextObservations = rows.observations
      rows.actions = [Float](repeating: 0.1, count: 50 * 3)
      rows.rewards = [Float](repeating: 1, count: 50)
      rows.terminals = [Bool](repeating: false, count: 50)
      rows.timeouts = rows.terminals
      rows.actionLogProbs = rows.rewards
      if field == "rewards" { rows.rewards[17] = value } else { rows.observations[17 * 11] = value }
      let path = folder.file("\(field).hdf5")
      let writer = try D4RLWriter(
        creating: path, rows: 50, shape: shape, metadata: D4RLMetadata())
      try writer.append(rows)
      try writer.finish()
      try refuse(pretrain(dataset: path), status: 1, saying: path, field, "17")
    }
  }

  @Test func directoryAsDataset() throws {
    try refuse(pretrain(dataset: folder.path), status: 1, saying: folder.path)
  }

  // MARK: Configuration

  @Test(arguments: [
    ("pretrain.members=0", "pretrain.members"),
    ("pretrain.gradientSteps=-5", "pretrain.gradientSteps"),
    ("finetune.environmentSteps=-1", "finetune.environmentSteps"),
    ("finetune.initialOnlineFraction=1.5", "[0, 1]"),
    ("finetune.initialOnlineFraction=-0.5", "finetune.initialOnlineFraction"),
    ("finetune.replay=sometimes", "online-only"),
    ("finetune.replayy=uniform", "finetune.replay"),
    ("finetune", "="),
    ("evaluation.episodes=none", "evaluation.episodes"),
    ("distillation.validationFraction=1", "distillation.validationFraction"),
  ])
  func impossibleValues(setting: String, word: String) throws {
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--set", setting], status: 2, saying: word, "--set")
  }

  @Test func configurationFileWithAnUnknownKey() throws {
    let path = folder.file("mine.yaml")
    try "environment: hopper\npretrian:\n  members: 3\n".write(
      toFile: path, atomically: true, encoding: .utf8)
    try refuse(
      ["run", path, "--dataset", workshop.dataset, "--output", folder.file("out")], status: 2,
      saying: path, "pretrian", "did you mean 'pretrain'")
  }

  @Test func missingConfigurationFile() throws {
    let path = folder.file("none.yaml")
    try refuse(["run", path, "--output", folder.file("out")], status: 2, saying: path)
  }

  @Test func negativeSeed() throws {
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--seed=-1"], status: 2, saying: "--seed", "-1")
  }

  @Test func unknownRobot() throws {
    try refuse(
      pretrain(dataset: workshop.dataset, environment: "ant"), status: 2, saying: "ant", "hopper")
    for command in [
      ["evaluate", "--policy", "x"], ["dataset", "verify", "x"],
      ["dataset", "relabel", "x", "--output", "y"],
      ["dataset", "collect", "--random", "--steps", "10", "--output", "y"],
    ] {
      try refuse(command + ["--env", "ant"], status: 2, saying: "ant", "hopper")
    }
    try refuse(["environment", "describe", "ant"], status: 2, saying: "ant", "hopper")
  }

  /// A value may begin with a minus after a space, and is judged as a value.
  @Test func negativeValues() throws {
    let part = folder.file("part.hdf5")
    let sliced = try CommandRunner.run(
      "dataset", "slice", workshop.dataset, "--min-return", "-100", "--output", part)
    #expect(sliced.status == 0, "\(sliced.errors)")
    for (option, value) in [("--first", "-1"), ("--count", "-2")] {
      try refuse(
        ["dataset", "slice", workshop.dataset, option, value, "--output", folder.file("x")],
        status: 2, saying: "\(option) is \(value), allowed")
    }
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--seed", "-1"], status: 2, saying: "--seed", "-1")
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--threads", "-1"], status: 2,
      saying: "--threads is -1, allowed: 1…1024")
  }

  /// `010` is ten, as an option and in a file, where YAML 1.1 reads eight.
  @Test func numbersAreDecimal() throws {
    let policy = "\(workshop.ensemble)/member-0/actor.safetensors"
    let outputs = try ["010", "10", "8"].map { seed in
      try CommandRunner.run(
        "evaluate", "--policy", policy, "--episodes", "2", "--seed", seed, "--json"
      ).output
    }
    #expect(outputs[0] == outputs[1] && outputs[0] != outputs[2])
    let file = folder.file("seed.yaml")
    try "seed: 010\n".write(toFile: file, atomically: true, encoding: .utf8)
    for arguments in [["--seed", "010"], ["--config", file], ["--set", "seed=010"]] {
      let output = folder.file("run\(arguments[0])")
      let command = [
        "pretrain", "--env", "hopper", "--dataset", workshop.dataset, "--output", output, "--quiet",
      ]
      let result = try CommandRunner.run(command + Workshop.small + arguments)
      #expect(result.status == 0, "\(result.errors)")
      let resolved = try String(contentsOfFile: "\(output)/config.yaml", encoding: .utf8)
      #expect(resolved.contains("\nseed: 10\n") || resolved.hasPrefix("seed: 10\n"))
    }
  }

  @Test func slicesBeyondTheEnd() throws {
    try refuse(
      ["dataset", "slice", workshop.dataset, "--first", "100000", "--output", folder.file("x")],
      status: 2, saying: "--first is 100000, but \(workshop.dataset) has", "episodes")
  }

  @Test func aDirectoryAsConfiguration() throws {
    try refuse(
      ["run", folder.path, "--output", folder.file("out")], status: 2, saying: folder.path,
      "is a directory")
  }

  @Test func unknownColumns() throws {
    let made = try CommandRunner.run(pretrain(dataset: workshop.dataset))
    #expect(made.status == 0)
    for option in ["--column", "--over"] {
      try refuse(
        ["plot", folder.file("out"), option, "wind", "--output", folder.file("x.svg")], status: 2,
        saying: "\(option) is 'wind'", folder.file("out"), "gradient_steps, wall_seconds")
    }
    // A folder of runs stands for them; one without is a mistake.
    let weights = folder.file("out/weights")
    try refuse(
      ["plot", weights, "--output", folder.file("x.svg")], status: 1, saying: weights,
      "a run (a directory with progress.csv)")
  }

  @Test func unknownShellsAndManyThreads() throws {
    for shell in ["bash", "zsh", "fish"] {
      let script = try CommandRunner.run("--generate-completion-script", shell)
      #expect(script.status == 0 && script.output.contains("finetune"), "\(script.errors)")
    }
    let environment = [
      "evaluate", "--policy", "\(workshop.ensemble)/member-0/actor.safetensors", "--episodes", "1",
      "--json",
    ]
    let one = try CommandRunner.run(environment + ["--threads", "1"])
    let many = try CommandRunner.run(environment + ["--threads", "1000"])
    #expect(many.status == 0 && many.output == one.output, "\(many.errors)")
  }

  @Test(arguments: [
    ["pretrain"], ["pretrain", "--nonsense"], ["juggle"], ["evaluate", "--env", "hopper"],
    ["evaluate", "--env", "hopper", "--policy", "x", "--episodes", "0"],
    ["evaluate", "--env", "hopper", "--policy", "x", "--threads", "0"],
  ])
  func wrongUsage(arguments: [String]) throws {
    try refuse(arguments, status: 2, saying: "Usage:")
  }

  // MARK: Output directories

  @Test func usedOutputDirectory() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("out"), withIntermediateDirectories: true)
    try "mine".write(toFile: folder.file("out/thesis.txt"), atomically: true, encoding: .utf8)
    try refuse(
      pretrain(dataset: workshop.dataset), status: 1, saying: folder.file("out"), "--resume")
  }

  @Test func outputIsAFile() throws {
    try "mine".write(toFile: folder.file("out"), atomically: true, encoding: .utf8)
    try refuse(pretrain(dataset: workshop.dataset), status: 1, saying: folder.file("out"))
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--output", folder.file("out/below")], status: 1,
      saying: folder.file("out"))
  }

  @Test func unwritableOutput() throws {
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--output", "/proc/bred/out"], status: 1,
      saying: "/proc/bred: cannot write")
  }

  @Test func resumingWhatIsNotARun() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("out"), withIntermediateDirectories: true)
    try "1,2\n".write(toFile: folder.file("out/progress.csv"), atomically: true, encoding: .utf8)
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--resume"], status: 1, saying: "config.yaml")
  }

  @Test func aRunOfAnotherConfiguration() throws {
    let made = try CommandRunner.run(pretrain(dataset: workshop.dataset))
    #expect(made.status == 0)
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--resume", "--set", "pretrain.tau=0.01"], status: 1,
      saying: "another configuration", "offline.cql.tau (was 0.005, now 0.01)")
    // The same for a run that was stopped: only its checkpoint is left.
    try FileManager.default.removeItem(atPath: folder.file("out/summary.json"))
    try refuse(
      pretrain(dataset: workshop.dataset) + ["--resume", "--seed", "9"], status: 1,
      saying: "another configuration", "seed")
    let other = try copyDataset(as: "other.hdf5") { $0.append(0) }
    try refuse(pretrain(dataset: other) + ["--resume"], status: 1, saying: "another dataset")
  }
}
