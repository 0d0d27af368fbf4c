#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one reading of `~` in every path that a person writes: options, arguments, configurations and
/// variables of the environment.
///
/// A shell expands it only at the start of a word, so not in `--output=~/runs` and not in a file.
package enum HomePath {
  /// `~` and `~/…` lie in $HOME, `~name/…` in that user's home; other paths stay as they are.
  package static func expanded(_ path: String) -> String {
    guard path.hasPrefix("~") else { return path }
    let name = path.dropFirst().prefix { $0 != "/" }
    let rest = path.dropFirst(1 + name.count)
    if name.isEmpty, let home = getenv("HOME"), home.pointee != 0 {
      return String(cString: home) + rest
    }
    guard let user = name.isEmpty ? getpwuid(getuid()) : getpwnam(String(name)) else { return path }
    return String(cString: user.pointee.pw_dir) + rest
  }
}
