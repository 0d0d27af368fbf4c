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
