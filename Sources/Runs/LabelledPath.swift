import Foundation
import RLCore

/// `[LABEL=]PATH`, as commands take it that show several things side by side.
package struct LabelledPath {
  package let label: String?
  package let path: String

  /// A path may have a sign of equality too: what exists as it stands has no label.
  package init(_ argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
    let whole = HomePath.expanded(argument)
    if parts.count < 2 || FileManager.default.fileExists(atPath: whole) {
      (label, path) = (nil, whole)
    } else {
      (label, path) = (parts[0], HomePath.expanded(parts[1]))
    }
  }
}
