import Foundation

/// Which program this is.
package enum PackageVersion {
  package static let number = "0.1.0"
  /// Name and version, as files say who wrote them.
  package static let producer = "bred \(number)"

  /// Commit of the checkout that the executable lies in, or `unknown` where it was installed
  /// elsewhere.
  package static let commit: String = {
    let executable =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments.first ?? ""
    var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
    while folder.path.count > 1 {
      let git = folder.appendingPathComponent(".git")
      if let commit = head(of: git) { return commit }
      folder.deleteLastPathComponent()
    }
    return "unknown"
  }()

  private static func head(of git: URL) -> String? {
    func text(_ url: URL) -> String? {
      (try? String(contentsOf: url, encoding: .utf8))?.trimmingCharacters(
        in: .whitespacesAndNewlines)
    }
    var directory = git
    if let link = text(git), link.hasPrefix("gitdir: ") {
      directory = URL(fileURLWithPath: String(link.dropFirst(8)))
    }
    guard let head = text(directory.appendingPathComponent("HEAD")) else { return nil }
    guard head.hasPrefix("ref: ") else { return head }
    let reference = String(head.dropFirst(5))
    var shared = directory
    if let common = text(directory.appendingPathComponent("commondir")) {
      shared =
        common.hasPrefix("/")
        ? URL(fileURLWithPath: common) : directory.appendingPathComponent(common)
    }
    if let commit = text(shared.appendingPathComponent(reference)) { return commit }
    let packed = text(shared.appendingPathComponent("packed-refs")) ?? ""
    return packed.split(separator: "\n").first { $0.hasSuffix(" " + reference) }
      .map { String($0.prefix(40)) }
  }
}
