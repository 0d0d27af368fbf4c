import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Stages

/// Short runs one after the other in one process: neither memory nor open files grow.
///
/// `BRED_SOAK_SECONDS` says for how long (`make torture-soak`).
@Suite struct SoakTests {
  private static let seconds = ProcessInfo.processInfo.environment["BRED_SOAK_SECONDS"]
    .flatMap(Double.init)

  private struct Sample {
    var seconds: Double
    /// Resident, in MiB.
    var memory: Double
    var files: Int
  }

  private func sample(_ start: Date) throws -> Sample {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    let pages = Double(text.split(separator: " ")[1]) ?? 0
    return Sample(
      seconds: Date().timeIntervalSince(start),
      memory: pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576,
      files: try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count)
  }

  /// MiB an hour, by least squares.
  private func slope(_ samples: ArraySlice<Sample>) -> Double {
    let count = Double(samples.count)
    let x = samples.reduce(0) { $0 + $1.seconds } / count
    let y = samples.reduce(0) { $0 + $1.memory } / count
    let spread = samples.reduce(0) { $0 + ($1.seconds - x) * ($1.seconds - x) }
    return 3600 * samples.reduce(0) { $0 + ($1.seconds - x) * ($1.memory - y) } / spread
  }

  @Test(.enabled(if: seconds != nil, "BRED_SOAK_SECONDS is not set"))
  func shortRuns() throws {
    let (start, end) = (Date(), Date(timeIntervalSinceNow: Self.seconds ?? 0))
    var samples: [Sample] = []
    while Date() < end {
      let folder = TemporaryDirectory()
      let configuration = try ExperimentConfiguration.resolve(
        ConfigurationSources(
          method: .scratch, file: ConfigurationLayer(name: "soak", yaml: "environment: hopper"),
          overrides: [
            "seed=\(samples.count)", "networks.hiddenUnits=16", "evaluation.episodes=1",
            "online.environmentSteps=300", "online.blockSteps=100", "online.updatesPerStep=0.1",
            "online.sac.batchSize=16", "online.checkpointInterval=1",
          ]),
        catalog: .registered, stages: [.online]
      ).configuration
      try OnlineStage(
        StageContext(configuration: configuration, pool: WorkerPool(threads: 2))
      ).run(ensemble: nil, output: folder.file("run"))
      samples.append(try sample(start))
    }
    try #require(samples.count > 30, "too short for a judgement")
    let judged = samples.suffix(samples.count * 2 / 3)
    let (first, last) = (judged.first!, judged.last!)
    let growth = slope(judged)
    let tenths = (0...10).map { samples[(samples.count - 1) * $0 / 10].memory.rounded() }
    print(
      "soak: \(samples.count) runs in \(Int(last.seconds)) s, MiB at each tenth \(tenths), slope "
        + "\(growth) MiB an hour, open files \(first.files) to \(last.files)")
    // What one run leaves behind would be there thousands of times in an hour.
    #expect(growth < 8)
    #expect(last.files == first.files)
  }
}
