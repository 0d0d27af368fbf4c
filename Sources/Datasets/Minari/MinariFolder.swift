internal import Foundation

/// A dataset folder that appears under its name only when it is whole.
struct MinariFolder {
  let path: String
  let temporaryPath: String
  private let replacing: Bool

  /// - Parameter replacing: whether an existing Minari dataset gives way; anything else never does.
  init(_ path: String, replacing: Bool) throws(DatasetError) {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.path = path
    self.replacing = replacing
    temporaryPath = "\(path).partial-\(getpid())"
    if access(path, F_OK) == 0 {
      guard replacing else { throw .exists(file: path) }
      guard access("\(path)/data/\(MinariMetadata.fileName)", F_OK) == 0 else {
        throw .system(
          file: path, operation: "cannot be replaced", message: "it is not a Minari dataset")
      }
    }
    do {
      try? FileManager.default.removeItem(atPath: temporaryPath)
      try FileManager.default.createDirectory(
        atPath: "\(temporaryPath)/data", withIntermediateDirectories: true)
    } catch {
      throw .system(
        file: path, operation: "cannot be created", message: "\(error.localizedDescription)")
    }
  }

  func file(_ name: String) -> String { "\(temporaryPath)/data/\(name)" }

  func bytes(of name: String) -> Int {
    var status = stat()
    return stat(file(name), &status) == 0 ? Int(status.st_size) : 0
  }

  func discard() { try? FileManager.default.removeItem(atPath: temporaryPath) }

  /// Syncs the files and gives the folder its name.
  func commit() throws(DatasetError) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: file(""))) ?? [] {
      let descriptor = open(file(name), O_RDWR | O_CLOEXEC)
      guard descriptor >= 0 else { throw failure("cannot be opened to sync") }
      defer { close(descriptor) }
      guard fsync(descriptor) == 0 else { throw failure("cannot be synced to disk") }
    }
    let old = "\(path).old-\(getpid())"
    let replaces = access(path, F_OK) == 0
    if replaces {
      guard replacing else { throw .exists(file: path) }
      guard rename(path, old) == 0 else { throw failure("cannot be replaced") }
    }
    guard rename(temporaryPath, path) == 0 else {
      let error = failure("cannot take its name")
      if replaces { rename(old, path) }
      throw error
    }
    if replaces { try? FileManager.default.removeItem(atPath: old) }
  }

  private func failure(_ operation: String) -> DatasetError {
    .system(file: path, operation: operation, message: String(cString: strerror(errno)))
  }
}
