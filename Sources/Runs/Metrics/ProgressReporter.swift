import Foundation
import Logging

/// Tells a person how far a run is: one refreshed line on a terminal, else a line per epoch.
///
/// Everything goes to standard error; standard output belongs to results.
public final class ProgressReporter {
  public enum Style: Sendable { case automatic, quiet }

  private let style: Style
  private let isTerminal: Bool
  private var label = ""
  private var total = 0
  private var unit = ""
  private var startCount = 0
  private var startTime = Date()
  private var lastDraw = Date.distantPast
  private var lineIsOpen = false

  public init(style: Style = .automatic) {
    self.style = style
    isTerminal = isatty(STDERR_FILENO) == 1
  }

  /// Begins a stage that counts from `count` to `total` of `unit`.
  package func begin(_ label: String, from count: Int, to total: Int, unit: String) {
    self.label = label
    self.total = total
    self.unit = unit
    startCount = count
    startTime = Date()
  }

  /// Refreshes the bar, at most ten times a second; nothing without a terminal.
  package func update(_ count: Int, note: String = "") {
    guard style == .automatic, isTerminal else { return }
    let now = Date()
    guard now.timeIntervalSince(lastDraw) >= 0.1 || count == total else { return }
    lastDraw = now
    let width = 24
    let filled = total > 0 ? min(width, width * count / total) : width
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
    let percent = total > 0 ? 100 * count / total : 100
    write(
      "\r\u{1B}[K\(label) \(bar) \(percent)% \(count)/\(total) \(unit)  \(pace(count, now))\(note)")
    lineIsOpen = true
  }

  /// Reports a finished epoch.
  package func epoch(_ count: Int, _ summary: String) {
    guard style == .automatic else { return }
    if isTerminal {
      closeLine()
      write("\(label) \(count)/\(total) \(unit)  \(summary)\n")
    } else {
      write("\(label) \(count)/\(total) \(unit)  \(summary)  \(pace(count, Date()))\n")
    }
  }

  /// A line of its own: a stage begins, a file was written.
  public func note(_ text: String) {
    guard style == .automatic else { return }
    closeLine()
    write(text + "\n")
  }

  package func end() { closeLine() }

  private func closeLine() {
    if lineIsOpen { write("\r\u{1B}[K") }
    lineIsOpen = false
  }

  private func pace(_ count: Int, _ now: Date) -> String {
    let seconds = now.timeIntervalSince(startTime)
    guard seconds > 0, count > startCount else { return "" }
    let rate = Double(count - startCount) / seconds
    let left = Double(max(0, total - count)) / rate
    return String(format: "%.1f/s, %@ left", rate, ProgressReporter.duration(left))
  }

  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e8 else { return "?" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return String(format: "%d:%02d min", whole / 60, whole % 60) }
    return String(format: "%d:%02d h", whole / 3600, whole % 3600 / 60)
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
