#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Looks that tell "it is not there" from "it cannot be seen", and folders that outlast a power loss.
package enum FileSystem {
  /// Whether there is something of this name; a link stands for what it leads to.
  package static func exists(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    if stat(path, &status) == 0 { return true }
    guard errno == ENOENT || errno == ENOTDIR else {
      throw FileError(path: path, operation: "examine")
    }
    return false
  }

  /// Names in a folder, in no order; none where there is no folder.
  package static func names(in folder: String) throws(FileError) -> [String] {
    guard let stream = opendir(folder) else {
      if errno == ENOENT { return [] }
      throw FileError(path: folder, operation: "list")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw FileError(path: folder, operation: "list") }
    return names
  }

  /// All bytes of a file; of a longer one than `limit` some more than these.
  package static func contents(
    of path: String, limit: Int = .max
  ) throws(FileError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, operation: "open") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count == 0 { return bytes }
      if count > 0 {
        bytes += piece[..<count]
        if bytes.count > limit { return bytes }
      } else if errno != EINTR {
        throw FileError(path: path, operation: "read")
      }
    }
  }

  /// Whether there is a folder of this name; a link stands for what it leads to.
  package static func isFolder(_ path: String) throws(FileError) -> Bool {
    var status = stat()
    if stat(path, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR }
    guard errno == ENOENT || errno == ENOTDIR else {
      throw FileError(path: path, operation: "examine")
    }
    return false
  }

  /// - Throws: where nothing can be made in a folder that is there.
  package static func checkWritable(folder: String) throws(FileError) {
    guard access(folder, W_OK) == 0 else { throw FileError(path: folder, operation: "write here") }
  }

  /// Makes a folder, and those above it that are missing, with names that are durable at once: what is synced
  /// inside would be lost with the name of the folder.
  package static func makeFolder(_ path: String) throws(FileError) {
    if try isFolder(path) { return }
    let above = folder(of: path)
    if try !exists(above) { try makeFolder(above) }
    if mkdir(path, 0o777) != 0 {
      // Somebody else may have been faster.
      let isThere = errno == EEXIST
      if isThere { errno = ENOTDIR }
      let error = FileError(path: path, operation: "create folder")
      guard isThere, try isFolder(path) else { throw error }
    }
    try sync(folder: above)
  }

  /// Makes the names in a folder durable, where the file system can do that and the folder may be read.
  package static func sync(folder: String) throws(FileError) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == EACCES { return }
      throw FileError(path: folder, operation: "open")
    }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS else {
      throw FileError(path: folder, operation: "sync")
    }
  }

  /// Makes everything in a folder durable that was put there without syncing, such as copies.
  package static func sync(tree: String) throws(FileError) {
    for name in try names(in: tree) {
      let path = "\(tree)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0 else { throw FileError(path: path, operation: "examine") }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try sync(tree: path)
      case S_IFREG:
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, operation: "open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "sync") }
      default: break
      }
    }
    try sync(folder: tree)
  }

  /// The folder that a path's last name stands in.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    let folder = path[..<slash]
    return folder.isEmpty ? "/." : String(folder)
  }
}
