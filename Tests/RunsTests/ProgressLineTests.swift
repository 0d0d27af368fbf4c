import Foundation
import Testing

@testable import Runs

@Suite struct ProgressLineTests {
  private func line(share: Double) -> ProgressLine {
    ProgressLine(
      label: "finetune", count: 125_000, total: 250_000, unit: "steps", share: share,
      pace: "1234.5/s, 12:34 h left", note: ", update 12345/50000")
  }

  @Test(arguments: [1, 2, 10, 40, 60, 79, 80, 81, 100, 120, 300])
  func itFitsTheTerminal(columns: Int) {
    for share in [0, 0.5, 0.9999, 1] {
      let text = line(share: share).text(columns: columns)
      #expect(text.count <= max(1, columns - 1))
      #expect(!text.contains("\n"))
    }
    #expect(line(share: 0.5).text(columns: 80).hasPrefix("finetune ██"))
    #expect(line(share: 0.5).text(columns: 80).contains("12:34 h left"))
    #expect(line(share: 0.5).text(columns: 120).contains("update 12345/50000"))
    #expect(line(share: 0.5).text(columns: 50).contains("50% 125000/250000 steps"))
  }

  @Test func aHundredPercentMeansTheEnd() {
    #expect(line(share: 0.9999).text(columns: 120).contains(" 99% "))
    #expect(line(share: 1).text(columns: 120).contains(" 100% "))
    #expect(line(share: 0).text(columns: 120).contains(" 0% "))
  }

  /// A quarter in ten seconds: three quarters in thirty.
  @Test func timeLeftFollowsTheShare() {
    let pace = ProgressLine.pace(counts: 100, seconds: 10, share: 0.75, startShare: 0.5)
    #expect(pace == "10.0/s, 10 s left")
    #expect(ProgressLine.pace(counts: 100, seconds: 10, share: 0.5, startShare: 0.5).isEmpty)
  }

  /// A narrower window has broken the line into several.
  @Test func resizingLeavesNothingBehind() {
    #expect(ProgressLine.clearing(length: 79, columns: 80) == "\r\u{1B}[J")
    #expect(ProgressLine.clearing(length: 79, columns: 40) == "\r\u{1B}[1A\u{1B}[J")
    #expect(ProgressLine.clearing(length: 79, columns: 20) == "\r\u{1B}[3A\u{1B}[J")
    #expect(ProgressLine.clearing(length: 0, columns: 80) == "\r\u{1B}[J")
  }
}
