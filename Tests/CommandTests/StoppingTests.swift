import Foundation
import TestSupport
import Testing

/// What stops a run, and how it goes on.
@Suite struct StoppingTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  private func pipeline(_ output: String, _ more: String...) throws -> [String] {
    let file = folder.file("my hopper.yaml")
    try "environment: hopper\n".write(toFile: file, atomically: true, encoding: .utf8)
    return [
      "run", file, "--dataset", workshop.dataset, "--output", folder.file(output), "--threads", "1",
    ] + Workshop.small + more
  }

  /// Waits for a file, sends the signal, and waits for the end.
  private func stop(
    _ arguments: [String], by signal: Int32, when file: String
  ) throws -> CommandRunner.Result {
    let run = try CommandRunner.start(arguments)
    while run.process.isRunning && !FileManager.default.fileExists(atPath: folder.file(file)) {
      usleep(1000)
    }
    kill(run.process.processIdentifier, signal)
    return try run.wait()
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU])
  func everySignalWritesACheckpoint(signal: Int32) throws {
    let result = try stop(
      pipeline("run", "--set", "pretrain.gradientSteps=100000"), by: signal,
      when: "run/pretrain/progress.csv")
    #expect(result.status == 130, "\(result.errors)")
    #expect(!TemporaryDirectory.names(folder.file("run/pretrain/checkpoints")).isEmpty)
  }

  @Test func nohupIsRespected() throws {
    let run = try CommandRunner.startInShell(
      "trap '' HUP; exec \"$@\"", pipeline("run", "--set", "pretrain.gradientSteps=2000"))
    while run.process.isRunning
      && !FileManager.default.fileExists(atPath: folder.file("run/pretrain/progress.csv"))
    { usleep(1000) }
    kill(run.process.processIdentifier, SIGHUP)
    #expect(try run.wait().status == 0)
  }

  /// The hint is a command for the shell, which ends the same run.
  @Test func theHintContinuesTheRun() throws {
    let arguments = try pipeline("my run", "--set", "finetune.environmentSteps=3000")
    let stopped = try stop(arguments, by: SIGINT, when: "my run/finetune/progress.csv")
    #expect(stopped.status == 130, "\(stopped.errors)")
    let hint = try #require(stopped.errorLines.last).trimmingCharacters(in: .whitespaces)
    #expect(hint.contains("'\(folder.file("my run"))'") && hint.hasSuffix("--resume"), "\(hint)")
    #expect(!hint.contains("my run/finetune"))
    let shell = try CommandRunner.startInShell(hint, []).wait()
    #expect(shell.status == 0, "\(shell.errors)")
    let names = TemporaryDirectory.names(folder.file("my run"))
    #expect(names.contains("summary.json") && names.contains("finetune"))
    #expect(FileManager.default.fileExists(atPath: folder.file("my run/summary.json")))
  }

  /// A stage's directory is not a run of its own.
  @Test func aPartRefusesToBeUsedAlone() throws {
    #expect(try CommandRunner.run(pipeline("run", "--quiet")).status == 0)
    let before = contents(of: folder.path)
    for part in ["pretrain", "distill", "finetune"] {
      for arguments in [
        try pipeline("run/\(part)", "--resume"), try pipeline("run/\(part)"),
        [
          "pretrain", "--env", "hopper", "--dataset", workshop.dataset, "--output",
          folder.file("run/\(part)/"), "--resume",
        ] + Workshop.small,
      ] {
        let result = try CommandRunner.run(arguments)
        #expect(result.status == 1)
        #expect(
          result.errors.contains("belongs to the run in \(folder.file("run"));"), "\(result.errors)"
        )
      }
    }
    #expect(contents(of: folder.path) == before)
    // Copied away, a stage's directory is a run like any other.
    try FileManager.default.copyItem(
      atPath: folder.file("run/pretrain"), toPath: folder.file("alone"))
    let alone = try CommandRunner.run(
      [
        "pretrain", "--env", "hopper", "--dataset", workshop.dataset, "--output",
        folder.file("alone"), "--resume",
      ] + Workshop.small)
    #expect(alone.status == 0, "\(alone.errors)")
  }

  @Test func theDistillationOfFineTuningIsAPart() throws {
    let tuned = try CommandRunner.run(
      [
        "finetune", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble",
        workshop.ensemble, "--output", folder.file("tuned"), "--quiet",
      ] + Workshop.small)
    #expect(tuned.status == 0, "\(tuned.errors)")
    let result = try CommandRunner.run(
      [
        "distill", "--env", "hopper", "--dataset", workshop.dataset, "--ensemble",
        workshop.ensemble, "--output", folder.file("tuned/distillation"), "--resume",
        "--no-add-to-ensemble",
      ] + Workshop.small)
    #expect(result.status == 1)
    #expect(result.errors.contains("belongs to the run in \(folder.file("tuned"));"))
  }

  // MARK: Paths

  @Test func tildesAreExpandedEverywhere() throws {
    let home = folder.file("home")
    try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: workshop.dataset, toPath: "\(home)/d.hdf5")
    try "environment: hopper\ndataset:\n  path: ~/d.hdf5\n".write(
      toFile: "\(home)/my.yaml", atomically: true, encoding: .utf8)
    func run(_ arguments: [String]) throws {
      let result = try CommandRunner.start(arguments, environment: ["HOME": home]).wait()
      #expect(result.status == 0, "\(arguments.prefix(3)): \(result.errors)")
    }
    let list = try CommandRunner.start(
      ["dataset", "list"],
      environment: [
        "HOME": home, "D4RL_DATASET_DIR": "~/d4rl/", "MINARI_DATASETS_PATH": "~/minari",
      ]
    ).wait()
    #expect(list.output.contains("D4RL files: \(home)/d4rl\n"), "\(list.output)")
    #expect(list.output.contains("\(home)/minari"), "\(list.output)")
    try run(["run", "~/my.yaml", "--output=~/runs/x", "--quiet"] + Workshop.small)
    #expect(FileManager.default.fileExists(atPath: "\(home)/runs/x/summary.json"))
    try run(["evaluate", "--policy=~/runs/x/finetune", "--episodes", "1"])
    try run(["plot", "~/runs/x", "mine=~/runs/x/finetune", "--output=~/curve.svg"])
    try run(["dataset", "inspect", "~/d.hdf5", "--report=~/page.html"])
    try run(["dataset", "slice", "~/d.hdf5", "--output=~/part.hdf5"])
    try run(["dataset", "merge", "~/d.hdf5", "~/part.hdf5", "--output=~/all.hdf5"])
    try run(
      [
        "distill", "--env", "hopper", "--dataset=~/d.hdf5", "--ensemble=~/runs/x/pretrain/weights",
        "--output=~/one", "--no-add-to-ensemble", "--quiet",
      ] + Workshop.small)
    // A run's directory stands for its policy, that of a distillation too.
    for directory in ["runs/x", "runs/x/distill", "runs/x/pretrain", "one", "one/weights"] {
      try run(["evaluate", "--policy=~/\(directory)", "--episodes", "1"])
    }
    let names = Set(TemporaryDirectory.names(home))
    #expect(names.isSuperset(of: ["curve.svg", "page.html", "part.hdf5", "all.hdf5", "one"]))
    #expect(!FileManager.default.fileExists(atPath: "~"))
  }
}
