import Datasets
import Foundation
import TestSupport
import Testing

/// Full disks and sudden ends: the old file or the new one, never half of one.
@Suite struct InterruptedWritingTests {
  let folder = TemporaryDirectory()
  private let fixture = Resources.fixture("datasets/d4rl-v2.hdf5").path

  /// Runs the command where no file may grow beyond so many blocks of 512 bytes: what a full disk
  /// does, without the rights that making one needs.
  private func run(_ arguments: [String], blocks: Int) throws -> CommandRunner.Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", "ulimit -f \(blocks); exec \"$0\" \"$@\"", CommandRunner.executable.path] + arguments
    return try CommandRunner.Running(process).wait()
  }

  private func expectFailure(
    _ result: CommandRunner.Result, naming file: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == 1, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.errorLines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
    for words in ["error: ", file, "File too large"] {
      #expect(
        result.errors.contains(words), "'\(words)' is not in \(result.errors)",
        sourceLocation: sourceLocation)
    }
  }

  private func collect(_ output: String, steps: Int, seed: Int = 1) -> [String] {
    [
      "dataset", "collect", "--env", "hopper", "--random", "--steps", "\(steps)", "--seed",
      "\(seed)", "--output", output, "--quiet", "--threads", "1",
    ]
  }

  /// At the first byte, among the headers, in the midst of the rows, and on closing.
  @Test(arguments: [1, 20, 400, 700])
  func datasetsOnAFullDisk(blocks: Int) throws {
    let file = folder.file("new.hdf5")
    expectFailure(try run(collect(file, steps: 4_000), blocks: blocks), naming: file)
    #expect(folder.contents == [])
    let old = Data("precious".utf8)
    try old.write(to: URL(fileURLWithPath: file))
    let arguments = collect(file, steps: 4_000) + ["--force"]
    expectFailure(try run(arguments, blocks: blocks), naming: file)
    #expect(folder.contents == ["new.hdf5"])
    #expect(FileManager.default.contents(atPath: file) == old)
  }

  @Test(arguments: [
    ["dataset", "merge", "IN", "IN", "--output", "OUT"],
    ["dataset", "slice", "IN", "--output", "OUT"],
    ["dataset", "stitch", "IN", "IN", "--output", "OUT"],
    ["dataset", "relabel", "IN", "--env", "hopper", "--output", "OUT"],
    ["dataset", "inspect", "IN", "--report", "OUT"],
  ])
  func otherFilesOnAFullDisk(command: [String]) throws {
    let file = folder.file("out")
    // The fixture's physical states are made up, and relabelling from them is refused.
    let source = command.contains("relabel") ? Workshop.shared.dataset : fixture
    let arguments = command.map { $0 == "IN" ? source : $0 == "OUT" ? file : $0 }
    expectFailure(try run(arguments, blocks: 12), naming: file)
    #expect(folder.contents == [])
    #expect(try CommandRunner.run(arguments).status == 0)
    #expect(folder.contents == ["out"])
  }

  /// Weights, tables, events and checkpoints of a stage.
  @Test(arguments: [1, 6, 40]) func runsOnAFullDisk(blocks: Int) throws {
    let directory = folder.file("run")
    let result = try run(
      [
        "pretrain", "--env", "hopper", "--dataset", Workshop.shared.dataset, "--output", directory,
        "--quiet",
      ] + Workshop.small + ["--set", "networks.hiddenUnits=64"], blocks: blocks)
    #expect(result.status == 1, "\(result.errors)")
    #expect(result.errorLines.count == 1, "\(result.errors)")
    #expect(result.errors.contains("File too large"), "\(result.errors)")
    #expect(contents(of: folder.path).keys.allSatisfy { !$0.contains(".partial-") })
  }

  /// Killed at several moments, as the machine's speed has it.
  @Test func killed() throws {
    let file = folder.file("data.hdf5")
    #expect(try CommandRunner.run(collect(file, steps: 1_500, seed: 2)).status == 0)
    let old = try #require(FileManager.default.contents(atPath: file))
    let arguments = collect(file, steps: 3_000) + ["--force"]
    let other = folder.file("other.hdf5")
    #expect(try CommandRunner.run(collect(other, steps: 3_000)).status == 0)
    // The name of the output is not among the data, so equal seeds give equal bytes.
    let new = try #require(FileManager.default.contents(atPath: other))
    var survived = 0
    for milliseconds in [1, 5, 10, 20, 40, 80, 120, 160, 240, 400] {
      let running = try CommandRunner.start(arguments)
      usleep(UInt32(milliseconds) * 1000)
      kill(running.process.processIdentifier, SIGKILL)
      _ = try running.wait()
      let found = try #require(FileManager.default.contents(atPath: file))
      #expect(found == old || found == new)
      if found == old { survived += 1 }
    }
    #expect(survived > 0)
    // Nothing that was left over is in the way of the next run.
    #expect(try CommandRunner.run(arguments).status == 0)
    #expect(FileManager.default.contents(atPath: file) == new)
  }
}
