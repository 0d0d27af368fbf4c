import Foundation

/// The one reading of `~` in every path that a person writes: options, arguments and configurations.
///
/// A shell expands it only at the start of a word, so not in `--output=~/runs` and not in a file.
package enum HomePath {
  /// `~` and `~/…` lie in $HOME, `~name/…` in that user's home; other paths stay as they are.
  package static func expanded(_ path: String) -> String {
    guard path.hasPrefix("~") else { return path }
    let home = ProcessInfo.processInfo.environment["HOME"] ?? ""
    if path == "~" || path.hasPrefix("~/"), !home.isEmpty { return home + path.dropFirst() }
    return (path as NSString).expandingTildeInPath
  }
}
