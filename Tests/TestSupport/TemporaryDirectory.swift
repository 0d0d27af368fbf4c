public import Foundation

/// A fresh folder that disappears with the value that owns it.
public final class TemporaryDirectory: Sendable {
  public let url: URL

  public init() {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("bred-test-\(UUID().uuidString)", isDirectory: true)
    try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  public var path: String { url.path }

  /// Path of a file in the folder.
  public func file(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Names in the folder, hidden ones included, sorted.
  public var contents: [String] { TemporaryDirectory.names(path) }

  /// Names in any folder, sorted.
  public static func names(_ path: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? []
  }
}

extension Data {
  /// Writes a new file in place of one that may be there, and leaves it to the system when it goes to the disk.
  /// `write(to:)` waits for the disk, and a disk for the bytes of a file that is cut to nothing and written again;
  /// thousands of damaged files would notice.
  public func replaceFile(at path: String) throws {
    unlink(path)
    guard let file = fopen(path, "w") else { throw CocoaError(.fileWriteUnknown) }
    defer { fclose(file) }
    let written = withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, file) }
    guard written == count, fflush(file) == 0 else { throw CocoaError(.fileWriteUnknown) }
  }
}

/// Every file below a folder with its contents, by relative path.
public func contents(of folder: String) -> [String: Data] {
  var result: [String: Data] = [:]
  let names = FileManager.default.enumerator(atPath: folder)
  while let name = names?.nextObject() as? String {
    result[name] = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
  }
  return result
}
