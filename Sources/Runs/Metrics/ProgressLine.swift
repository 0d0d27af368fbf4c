import Foundation

/// The line of a terminal that tells how far a run is.
package struct ProgressLine {
  var label = ""
  var count = 0
  var total = 0
  var unit = ""
  /// How much of the work is done, 0…1.
  var share = 0.0
  /// Counts per second and time left, where they are known.
  var pace = ""
  var note = ""

  private static let longestBar = 24
  private static let shortestBar = 4

  /// At most `columns` − 1 characters, as a cursor in the last column would wrap the line: the bar shrinks,
  /// then the note goes, then the bar, then the pace.
  func text(columns: Int) -> String {
    let room = max(1, columns - 1)
    let numbers = "\(percent)% \(count)/\(total) \(unit)"
    for tail in ["  \(pace)\(note)", "  \(pace)"] {
      let length = min(
        ProgressLine.longestBar, room - "\(label)  \(numbers)\(tail)".count)
      if length >= ProgressLine.shortestBar {
        return "\(label) \(bar(length)) \(numbers)\(tail)"
      }
    }
    for text in ["\(label) \(numbers)  \(pace)", "\(label) \(numbers)"] where text.count <= room {
      return text
    }
    return String("\(label) \(numbers)".prefix(room))
  }

  /// 100 only when nothing is left to do.
  private var percent: Int { share >= 1 ? 100 : min(99, max(0, Int(100 * share))) }

  private func bar(_ length: Int) -> String {
    let filled = min(length, max(0, Int(Double(length) * share)))
    return String(repeating: "█", count: filled) + String(repeating: "·", count: length - filled)
  }

  /// - Parameter startShare: what was done when the clock began.
  static func pace(
    counts: Int, seconds: Double, share: Double, startShare: Double
  ) -> String {
    guard seconds > 0, share > startShare else { return "" }
    let left = max(0, 1 - share) / (share - startShare) * seconds
    return String(
      format: "%.1f/s, %@ left", Double(counts) / seconds, ProgressReporter.duration(left))
  }

  /// Columns of the terminal behind standard error at this moment.
  package static var columns: Int {
    var size = winsize()
    if ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return 80
  }

  /// What clears a line of `length` characters, which a narrower window has broken into several.
  package static func clearing(length: Int, columns: Int) -> String {
    let rows = (max(1, length) - 1) / max(1, columns)
    return "\r" + (rows > 0 ? "\u{1B}[\(rows)A" : "") + "\u{1B}[J"
  }
}
