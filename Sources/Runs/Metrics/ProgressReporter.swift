import Foundation
import Logging

/// Tells a person how far a run is: one refreshed line on a terminal, else a line per epoch.
///
/// Everything goes to standard error; standard output belongs to results.
public final class ProgressReporter {
  /// How much is shown: a refreshed line on a terminal and a line per epoch, or nothing.
  public enum Style: Sendable { case automatic, quiet }

  private let style: Style
  private let isTerminal: Bool
  private var line = ProgressLine()
  private var startCount = 0
  private var startShare = 0.0
  private var startTime = Date()
  private var lastDraw = Date.distantPast
  /// Characters of the line that is on the terminal now.
  private var drawn = 0
  /// Called with label, share of the work and counts, whatever is shown.
  package var onProgress: ((String, Double, String) -> Void)?

  /// Begins with no stage; whether standard error is a terminal is asked here.
  public init(style: Style = .automatic) {
    self.style = style
    isTerminal = isatty(STDERR_FILENO) == 1
  }

  /// Begins a stage that counts from `count` to `total` of `unit`.
  ///
  /// - Parameter share: of the work that is done, where counts do not tell.
  package func begin(
    _ label: String, from count: Int, to total: Int, unit: String, share: Double? = nil
  ) {
    closeLine()
    line = ProgressLine(label: label, count: count, total: total, unit: unit)
    startCount = count
    startShare = share ?? self.share(count)
    startTime = Date()
    line.share = startShare
    tell()
  }

  private func tell() {
    onProgress?(line.label, line.share, "\(line.count)/\(line.total) \(line.unit)")
  }

  /// Refreshes the bar, at most ten times a second; nothing without a terminal.
  package func update(_ count: Int, share: Double? = nil, note: String = "") {
    line.count = count
    line.share = share ?? self.share(count)
    tell()
    guard style == .automatic, isTerminal else { return }
    let now = Date()
    guard now.timeIntervalSince(lastDraw) >= 0.1 || line.share >= 1 else { return }
    lastDraw = now
    line.pace = pace(now)
    line.note = note
    let columns = ProgressLine.columns
    let text = line.text(columns: columns)
    write(ProgressLine.clearing(length: drawn, columns: columns) + text)
    drawn = text.count
  }

  /// Reports a finished epoch.
  package func epoch(_ count: Int, share: Double? = nil, _ summary: String) {
    guard style == .automatic else { return }
    closeLine()
    line.count = count
    line.share = share ?? self.share(count)
    let pace = isTerminal ? "" : "  \(pace(Date()))"
    write("\(line.label) \(count)/\(line.total) \(line.unit)  \(summary)\(pace)\n")
  }

  /// A line of its own: a stage begins, a file was written.
  public func note(_ text: String) {
    guard style == .automatic else { return }
    closeLine()
    write(text + "\n")
  }

  package func end() { closeLine() }

  private func closeLine() {
    if drawn > 0 { write(ProgressLine.clearing(length: drawn, columns: ProgressLine.columns)) }
    drawn = 0
  }

  private func share(_ count: Int) -> Double {
    line.total > 0 ? Double(count) / Double(line.total) : 1
  }

  private func pace(_ now: Date) -> String {
    ProgressLine.pace(
      counts: line.count - startCount, seconds: now.timeIntervalSince(startTime),
      share: line.share, startShare: startShare)
  }

  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e8 else { return "?" }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return String(format: "%d:%02d min", whole / 60, whole % 60) }
    return String(format: "%d:%02d h", whole / 3600, whole % 3600 / 60)
  }

  private func write(_ text: String) { Console.log(text, terminator: "") }
}
