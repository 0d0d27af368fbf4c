#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that appears under its name only when it is whole: written beside, synced, renamed.
struct DatasetOutput {
  let path: String
  let temporaryPath: String

  /// - Throws: ``DatasetError/exists(file:)`` unless `replacing`.
  init(_ path: String, replacing: Bool) throws(DatasetError) {
    self.path = path
    temporaryPath = "\(path).partial-\(getpid())"
    if !replacing, access(path, F_OK) == 0 { throw .exists(file: path) }
    // Left over from a process of the same number that was killed.
    unlink(temporaryPath)
  }

  /// Gives the finished temporary file its name.
  func commit(replacing: Bool) throws(DatasetError) {
    try sync(temporaryPath, O_RDWR)
    if replacing {
      guard rename(temporaryPath, path) == 0 else { throw failure("cannot take its name") }
    } else {
      // A link, unlike a rename, refuses a name that came into use meanwhile.
      guard link(temporaryPath, path) == 0 else {
        if errno == EEXIST { throw .exists(file: path) }
        guard rename(temporaryPath, path) == 0 else { throw failure("cannot take its name") }
        return try syncDirectory()
      }
      unlink(temporaryPath)
    }
    try syncDirectory()
  }

  func discard() { unlink(temporaryPath) }

  private func syncDirectory() throws(DatasetError) {
    let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    try sync(parent, O_RDONLY)
  }

  private func sync(_ target: String, _ mode: Int32) throws(DatasetError) {
    let descriptor = open(target, mode | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot be opened to sync") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("cannot be synced to disk") }
  }

  private func failure(_ operation: String) -> DatasetError {
    .system(file: path, operation: operation, message: String(cString: strerror(errno)))
  }
}
