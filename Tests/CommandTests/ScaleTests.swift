import Datasets
import DenseMath
import Environments
import Foundation
import RLCore
import TestSupport
import Testing

/// Two million rows, as many as D4RL's medium-expert sets have, in bounded memory.
@Suite(.enabled(if: Resources.longTests, "BRED_LONG_TESTS is not set"))
struct ScaleTests {
  let folder = TemporaryDirectory()

  /// A file of halfcheetah's widths without states.
  private func write(rows: Int, to path: String) throws {
    var shape = D4RLShape(EnvironmentKind.halfcheetah.specification)
    (shape.positionSize, shape.velocitySize) = (0, 0)
    let writer = try D4RLWriter(
      creating: path, rows: rows, shape: shape, metadata: D4RLMetadata())
    let block = min(rows, 40_000)
    for start in stride(from: 0, to: rows, by: block) {
      var stream = RandomStream(seed: 1, purpose: "scale", step: UInt64(start))
      // Numbers of few bits deflate fast.
      func values(_ columns: Int) -> [Float] {
        (0..<block * columns).map { _ in Float(stream.index(below: 64)) / 64 }
      }
      var part = D4RLRows()
      part.observations = values(17)
      // Of the following row, as a reader expects; blocks end with an episode.
      part.nextObservations = Array(part.observations.dropFirst(17) + values(17).prefix(17))
      part.actions = values(6)
      part.rewards = values(1)
      part.actionLogProbs = part.rewards
      part.terminals = [Bool](repeating: false, count: block)
      part.timeouts = (0..<block).map { ($0 + 1) % 1000 == 0 }
      try writer.append(part)
    }
    try writer.finish()
  }

  /// The largest resident memory of a run of the command, in bytes.
  private func peak(_ arguments: [String]) throws -> Int {
    let running = try CommandRunner.start(arguments)
    let status = "/proc/\(running.process.processIdentifier)/status"
    var peak = 0
    while running.process.isRunning {
      if let text = try? String(contentsOfFile: status, encoding: .utf8),
        let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
        let number = line.split(whereSeparator: { !$0.isNumber }).first
      {
        peak = max(peak, Int(number)! * 1024)
      }
      usleep(5_000)
    }
    let result = try running.wait()
    #expect(result.status == 0, "\(result.errors)")
    return peak
  }

  @Test func memory() throws {
    let (large, small) = (folder.file("large.hdf5"), folder.file("small.hdf5"))
    try write(rows: 2_000_000, to: large)
    try write(rows: 2_000, to: small)
    let columns = 2_000_000 * (17 + 17 + 6 + 1) * 4

    let inspected = try peak([
      "dataset", "inspect", large, "--report", folder.file("page.html"),
    ])
    #expect((1_000_000..<columns / 2).contains(inspected), "\(inspected) bytes")

    func train(_ file: String, _ name: String) throws -> Int {
      try peak(
        [
          "pretrain", "--env", "halfcheetah", "--dataset", file, "--output", folder.file(name),
          "--quiet",
        ] + Workshop.small)
    }
    let whole = try train(large, "a")
    let program = try train(small, "b")
    let share = Double(whole - program) / Double(columns)
    #expect(share > 0.9 && share < 1.15, "\(whole) bytes, \(program) of them without the rows")
  }
}
