public import Foundation

/// Where tests find what does not come with the sources they are compiled from.
public enum Resources {
  /// The package's top folder.
  public static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file under `Tests/Fixtures`.
  public static func fixture(_ name: String) -> URL {
    package.appendingPathComponent("Tests/Fixtures/\(name)")
  }

  /// A file of genuine data made by others, which need not be present: `BRED_SHARED` names the
  /// folder, else it is looked for beside the package.
  /// - Returns: `nil` where it is absent; use with `.enabled(if:)`.
  public static func shared(_ name: String) -> URL? {
    let folder =
      ProcessInfo.processInfo.environment["BRED_SHARED"].map { URL(fileURLWithPath: $0) }
      ?? package.deletingLastPathComponent().appendingPathComponent("shared")
    let file = folder.appendingPathComponent(name)
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }

  /// Whether tests that take more than a few seconds should run.
  public static var longTests: Bool {
    ProcessInfo.processInfo.environment["BRED_LONG_TESTS"] != nil
  }
}
