import Foundation
import HDF5

/// How summaries for people write numbers and text from files.
package enum PlainText {
  package static func number(_ value: Double) -> String {
    String(format: abs(value) < 100 ? "%.2f" : "%.1f", value)
  }

  /// Four digits, as in tables of columns.
  package static func digits(_ value: Double) -> String { String(format: "%.4g", value) }

  package static func bytes(_ count: Int) -> String {
    switch count {
    case ..<1_000: "\(count) bytes"
    case ..<1_000_000: String(format: "%.1f kB", Double(count) / 1e3)
    case ..<1_000_000_000: String(format: "%.1f MB", Double(count) / 1e6)
    default: String(format: "%.2f GB", Double(count) / 1e9)
    }
  }

  /// One line of at most `limit` characters without control characters, whatever a file holds.
  package static func line(_ text: String, limit: Int = 120) -> String {
    let start = text.prefix(limit + 1)
    return String(start.prefix(limit)).printable + (start.count > limit ? "…" : "")
  }
}
