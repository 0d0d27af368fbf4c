import Foundation

/// Programs of the system that this one can start.
package enum InstalledProgram {
  /// Where a program lies, looked for as a shell does; `nil` where there is none of this name.
  package static func path(of name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
