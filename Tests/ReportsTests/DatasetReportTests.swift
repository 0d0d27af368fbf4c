import Datasets
import DenseMath
import Environments
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Reports

@Suite struct DatasetReportTests {
  let folder = TemporaryDirectory()
  private let fixture = Resources.fixture("datasets/d4rl-v2.hdf5").path

  private func report(_ path: String, coverage: String? = nil) throws -> DatasetReport {
    let dataset = try D4RLDataset(contentsOf: path)
    let kind = dataset.environmentName.flatMap { try? EnvironmentKind(named: $0) }
    let summary = try DatasetSummary(dataset, specification: kind?.specification)
    return try DatasetReport(dataset, summary: summary, coverage: coverage)
  }

  @Test func everythingIsOnThePage() throws {
    let html = try report(fixture).html()
    let page = try PageReader(html)
    // Returns, lengths, returns in order, rewards, coverage, and one for each of 11 + 3 + 1 columns.
    #expect(page.elements["svg"] == 5 + 15)
    #expect(page.elements["figure"] == 5)
    for words in [
      "d4rl-v2.hdf5", "hopper", "layout v2", "58 transitions", "D4RL score", "Warnings",
      "the last episode is cut after 3 rows", "height of the torso (m)",
      "angle of thigh_joint (rad)",
      "torque of foot_joint", "observations 10", "infos/action_log_probs", "deflate 4", "iteration",
    ] {
      #expect(page.text.contains(words), "'\(words)' is not on the page")
    }
    // Nothing from outside, nothing that runs.
    #expect(html.components(separatedBy: "http").count == 1 + 5)
    #expect(page.isSelfContained)
    #expect(!html.contains("url(") && !html.contains("@import"))
    #expect(try report(fixture).html() == html)
  }

  /// The bars of the two histograms hold every complete episode.
  @Test func barsCountTheEpisodes() throws {
    let page = try PageReader(report(fixture).html())
    let counts = page.titles.compactMap { title -> Int? in
      guard let end = title.range(of: " episode") else { return nil }
      return title[..<end.lowerBound].split(separator: " ").last.flatMap { Int($0) }
    }
    #expect(counts.reduce(0, +) == 2 * 3)
  }

  @Test func textOfTheFileIsEscaped() throws {
    let path = folder.file("<b>&'\"hopper.hdf5")
    var metadata = D4RLMetadata()
    metadata.strings["<script>"] =
      "<script>alert('x')</script>]]>&amp;\u{1b}[31m\u{0}\n\u{7f}\u{ffff}"
    metadata.strings["long"] = String(repeating: "x", count: 100_000)
    _ = try DatasetCollector(environment: .hopper, seed: 1, steps: 100).collect(
      UniformPolicy(observationSize: 11, actionSize: 3), to: path, metadata: metadata,
      pool: WorkerPool(threads: 1))
    let html = try report(path).html()
    let page = try PageReader(html)
    #expect(page.elements["script"] == nil && page.elements["b"] != nil)
    #expect(page.text.contains("<script>alert('x')</script>]]>&amp;"))
    #expect(page.text.contains("<b>&'\"hopper.hdf5"))
    #expect(html.utf8.count < 100_000)
  }

  @Test func chosenColumns() throws {
    for (text, x, y) in [
      ("0,1", "height of the torso (m)", "pitch of the torso (rad)"),
      ("5, 0", "forward velocity, clipped to ±10 (m/s)", "height of the torso (m)"),
      ("pitch,Forward", "pitch of the torso (rad)", "forward velocity, clipped to ±10 (m/s)"),
      (
        "angle of leg_joint,velocity of leg_joint", "angle of leg_joint (rad)",
        "angular velocity of leg_joint"
      ),
    ] {
      let report = try report(fixture, coverage: text)
      let columns = try #require(report.profile.coverage?.columns)
      #expect(report.label("observations", columns.x) == x)
      #expect(report.label("observations", columns.y).hasPrefix(y))
    }
    for (text, words) in [
      ("0", "two columns"), ("0,1,2", "two columns"), ("0,11", "0 to 10"), ("0,-1", "0 to 10"),
      ("0,speed", "forward velocity"), ("0,velocity", "which fits 5, 6, 7"), ("0,", "''"),
    ] {
      let error = #expect(throws: DatasetError.self) { try report(fixture, coverage: text) }
      #expect(error?.description.contains(words) == true, "\(text): \(error?.description ?? "-")")
      #expect(error?.description.contains(fixture) == true)
    }
  }

  /// Files with next to nothing in them, and with too much.
  @Test func unusualFiles() throws {
    func write(_ name: String, rows: Int, width: Int, value: (Int) -> Float) throws -> String {
      var block = D4RLRows()
      block.observations = (0..<rows * width).map(value)
      block.nextObservations = block.observations
      block.actions = (0..<rows).map(value)
      block.rewards = (0..<rows).map(value)
      block.actionLogProbs = block.rewards
      block.terminals = (0..<rows).map { $0 % 2 == 1 }
      block.timeouts = [Bool](repeating: false, count: rows)
      let writer = try D4RLWriter(
        creating: folder.file(name), rows: rows,
        shape: D4RLShape(observationSize: width, actionSize: 1, positionSize: 0, velocitySize: 0),
        metadata: D4RLMetadata())
      try writer.append(block)
      try writer.finish()
      return folder.file(name)
    }
    for (name, rows, width) in [("one", 1, 1), ("narrow", 9, 1), ("wide", 3, 5000)] {
      let page = try PageReader(report(write(name, rows: rows, width: width) { Float($0) }).html())
      #expect(page.elements["figure"]! >= 2)
      #expect(page.text.contains("unknown robot"))
    }
    for (name, value) in [("nan", Float.nan), ("infinite", .infinity), ("large", 3e38)] {
      _ = try PageReader(report(write(name, rows: 6, width: 2) { $0 % 2 == 0 ? value : -1 }).html())
      _ = try PageReader(report(write("only-\(name)", rows: 6, width: 2) { _ in value }).html())
    }
    // 6,000 episodes of two rows: groups instead of points.
    let many = try report(write("many", rows: 12_000, width: 3) { Float($0 * 7919 % 1000) }).html()
    #expect(many.contains("groups of 20 episodes") && many.utf8.count < 300_000)
  }

  /// Damaged files give a page or one error.
  @Test func mutated() throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture)))
    let path = folder.file("damaged.hdf5")
    var pages = 0
    for step in 0..<300 {
      var generator = RandomStream(seed: 11, purpose: "mutate/report", step: UInt64(step))
      try Data(HDF5Mutation.apply(to: whole, using: &generator)).write(
        to: URL(fileURLWithPath: path))
      do {
        _ = try PageReader(report(path).html())
        pages += 1
      } catch let error as DatasetError {
        #expect(error.description.contains(path))
      }
    }
    #expect(pages > 10 && pages < 290)
  }

  @Test(.enabled(if: Fuzzing.isOn, "make fuzz"))
  func fuzz() throws {
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture)))
    let path = folder.file("damaged.hdf5")
    try Fuzzing.run("report", path: path) {
      HDF5Mutation.apply(to: whole, using: &$0)
    } read: {
      do {
        _ = try PageReader(report(path).html())
        return true
      } catch is DatasetError { return false }
    }
  }

  @Test func aPageInTheWayStays() throws {
    let target = folder.file("page.html")
    try "mine".write(toFile: target, atomically: true, encoding: .utf8)
    #expect(throws: DatasetError.exists(file: target)) {
      try DatasetReport.checkTarget(target, of: fixture, replacing: false)
    }
    let made = try report(fixture)
    #expect(throws: RunError.self) { try made.write(to: target, replacing: false) }
    #expect(try String(contentsOfFile: target, encoding: .utf8) == "mine")
    try made.write(to: target, replacing: true)
    #expect(try String(contentsOfFile: target, encoding: .utf8) == made.html())
    #expect(folder.contents == ["page.html"])
    #expect(throws: DatasetError.exists(file: fixture)) {
      try DatasetReport.checkTarget(fixture, of: fixture, replacing: true)
    }
  }
}
