import Analysis
import Foundation
import Runs
import TestSupport
import Testing

@testable import Reports

@Suite struct LearningCurveTests {
  @Test(arguments: [(0.0, 1.0), (0, 37.2), (-4, 3000), (0, 250_000), (5, 5), (-0.3, -0.1)])
  func ticksEncloseTheValues(lower: Double, upper: Double) {
    let ticks = Axes.ticks(lower, upper)
    #expect((2...9).contains(ticks.count))
    #expect(ticks.first! <= lower && ticks.last! >= upper)
    #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test func thePictureShowsTheEvaluatedRows() throws {
    let folder = TemporaryDirectory()
    try """
    epoch,environment_steps,eval_normalized_score
    0,0,10
    1,1000,
    2,2000,30.5

    """.write(toFile: folder.path + "/progress.csv", atomically: true, encoding: .utf8)
    let curve = try Curve(
      directory: folder.path, label: "a & b", horizontal: "environment_steps",
      vertical: "eval_normalized_score")
    #expect(curve.x == [0, 2000] && curve.y == [10, 30.5])
    let picture = LearningCurvePicture(
      title: "T", horizontalLabel: "steps", verticalLabel: "score", curves: [curve])
    let svg = picture.svg()
    #expect(svg.hasPrefix("<svg") && svg.contains("a &amp; b"))
    #expect(svg.components(separatedBy: "polyline").count == 2)
    _ = try XMLDocumentCheck(svg)

    #expect(throws: RunError.self) {
      try Curve(directory: folder.path, horizontal: "environment_steps", vertical: "nothing")
    }
  }

  // MARK: Runs

  /// A run's directory with a table and a configuration.
  private func makeRun(_ path: String, seed: Int, tau: Double = 0.005, _ rows: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try ("epoch,environment_steps,gradient_steps,eval_normalized_score\n" + rows).write(
      toFile: "\(path)/progress.csv", atomically: true, encoding: .utf8)
    try "environment: hopper\nseed: \(seed)\ndataset:\n  path: d\(seed)\nonline:\n  tau: \(tau)\n"
      .write(toFile: "\(path)/config.yaml", atomically: true, encoding: .utf8)
  }

  private let score = "eval_normalized_score"

  @Test func runsThatDifferOnlyInSeedsMakeOneCurve() throws {
    let folder = TemporaryDirectory()
    try makeRun(folder.file("a-0"), seed: 0, "0,0,0,10\n1,100,5,20\n2,200,9,60\n")
    try makeRun(folder.file("a-1"), seed: 1, "0,0,0,14\n1,100,5,20\n")
    try makeRun(folder.file("b-0"), seed: 0, tau: 0.1, "0,0,0,1\n1,100,5,2\n")
    let runs = try ["a-0", "a-1", "b-0"].map { try RecordedRun(folder.file($0)) }
    let curves = try Curve.grouped(
      runs, horizontal: "environment_steps", vertical: score, band: .deviation)
    #expect(curves.map(\.label) == ["a (2 seeds)", "b-0"])
    #expect(curves[0].x == [0, 100] && curves[0].y == [12, 20])
    #expect(abs(curves[0].band[0] - 8.0.squareRoot()) < 1e-12)
    #expect(curves[0].band[1] == 0 && curves[1].band.isEmpty)
    // 12.7 standard errors of the mean of two: SciPy's stats.t.ppf(0.975, 1).
    let intervals = try Curve.grouped(runs, horizontal: "environment_steps", vertical: score)
    #expect(abs(intervals[0].band[0] - 12.706204736 * 2) < 1e-8)
    let svg = LearningCurvePicture(
      title: "T", horizontalLabel: "x", verticalLabel: "y", curves: curves
    ).svg()
    #expect(svg.components(separatedBy: "class=\"band ").count == 2)
    // The same seed twice is two curves.
    let twice = try [0, 0].map { _ in try RecordedRun(folder.file("a-0")) }
    #expect(try Curve.grouped(twice, horizontal: "epoch", vertical: score).count == 2)
  }

  @Test func theAxisIsOneThatVaries() throws {
    let folder = TemporaryDirectory()
    try makeRun(folder.file("online"), seed: 0, "0,0,0,1\n1,100,5,2\n")
    try makeRun(folder.file("offline"), seed: 0, "1,0,100,1\n2,0,200,2\n")
    try makeRun(folder.file("epochs"), seed: 0, "1,0,0,1\n2,0,0,2\n")
    for (name, axis) in [
      ("online", "environment_steps"), ("offline", "gradient_steps"), ("epochs", "epoch"),
    ] {
      let run = try RecordedRun(folder.file(name))
      #expect(RecordedRun.axis(of: [run], vertical: score) == axis)
    }
  }

  @Test func aRunOfStagesPlotsItsLast() throws {
    let folder = TemporaryDirectory()
    try makeRun(folder.file("run/pretrain"), seed: 0, "1,0,100,1\n")
    #expect(try RecordedRun(folder.file("run/")).table.hasSuffix("run/pretrain/progress.csv"))
    try makeRun(folder.file("run/finetune"), seed: 0, "1,100,100,7\n")
    let curve = try Curve(
      directory: folder.file("run"), horizontal: "environment_steps", vertical: score)
    #expect(curve.y == [7] && curve.label == "run")
  }

  /// The legend outside, no two curves in one style, and no zero that nobody asked for.
  @Test func picturesOfManyCurves() throws {
    let curves = (0..<30).map {
      Curve(label: "curve \($0)", x: [0, 1], y: [90 + Double($0) / 10, 95])
    }
    let svg = LearningCurvePicture(
      title: "T", horizontalLabel: "x", verticalLabel: "y", curves: curves
    ).svg()
    let all = svg.split(separator: "\n").map(String.init)
    let lines = all.filter { $0.hasPrefix("<polyline") }
    let styles = lines.map { $0.components(separatedBy: " points")[0] }
    #expect(Set(styles).count == 30)
    let ends = try lines.map { line in
      let points = line.components(separatedBy: "points=\"")[1].prefix { $0 != "\"" }
      return try #require(Double(points.split(separator: " ").last!.split(separator: ",")[0]))
    }
    let keys = try all.filter { $0.contains("class=\"key\"") }.map { line in
      try #require(Double(line.components(separatedBy: "x1=\"")[1].prefix { $0 != "\"" }))
    }
    #expect(keys.count == 30 && keys.min()! > ends.max()!)
    #expect(svg.contains(">90</text>") && !svg.contains(">50</text>"))
  }

  /// Every element that is opened is closed.
  private struct XMLDocumentCheck {
    init(_ text: String) throws {
      for name in ["svg", "g", "text"] {
        let opened = text.components(separatedBy: "<\(name)").count
        let closed = text.components(separatedBy: "</\(name)>").count
        #expect(opened == closed, "\(name)")
      }
    }
  }
}
