#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
internal import Synchronization

/// What the operating system said when a file could not be handled.
public struct FileError: Error, Equatable, CustomStringConvertible {
  /// The file or folder concerned, as the caller named it.
  public let path: String
  /// The attempt, such as `open` or `rename`.
  public let operation: String
  /// The system's own words.
  public let message: String

  public init(path: String, operation: String, message: String) {
    self.path = path
    self.operation = operation
    self.message = message
  }

  /// Takes the message from the calling thread's `errno`.
  package init(path: String, operation: String) {
    self.init(path: path, operation: operation, message: String(cString: strerror(errno)))
  }

  public var description: String { "\(path): cannot \(operation): \(message)" }
}

/// Writing a file so that a reader sees either all of it or what was there before.
///
/// The bytes go to a temporary name in the same folder, are synced, take the final name by a rename,
/// and the folder is synced too: what returns without an error is there after a power loss.
package enum AtomicFile {
  /// Where the bytes go.
  package struct Output: ~Copyable {
    fileprivate let descriptor: Int32
    fileprivate let path: String

    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
      var rest = bytes
      while !rest.isEmpty {
        let written = systemWrite(descriptor, rest.baseAddress!, min(rest.count, 1 << 30))
        if written < 0 {
          if errno == EINTR { continue }
          throw FileError(path: path, operation: "write")
        }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
      }
    }
  }

  private static let serial = Atomic<Int>(0)

  /// Calls `body` to produce the contents of the file at `path`.
  ///
  /// - Parameter replacing: whether what is there gives way; otherwise it is an error.
  package static func write(
    to path: String, replacing: Bool = true, _ body: (borrowing Output) throws(FileError) -> Void
  ) throws(FileError) {
    let folder = FileSystem.folder(of: path)
    let name = path[(path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex)...]
    let number = serial.add(1, ordering: .relaxed).newValue
    let temporary = "\(folder)/.\(name).partial-\(getpid())-\(number)"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: path, operation: "create") }
    do throws(FileError) {
      try body(Output(descriptor: descriptor, path: path))
      guard fsync(descriptor) == 0 else { throw FileError(path: path, operation: "sync") }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard close(descriptor) == 0 else {
      let error = FileError(path: path, operation: "close")
      unlink(temporary)
      throw error
    }
    // A link, unlike a rename, refuses a name that is in use.
    guard (replacing ? rename(temporary, path) : link(temporary, path)) == 0 else {
      let error = FileError(path: path, operation: replacing ? "rename" : "create")
      unlink(temporary)
      throw error
    }
    if !replacing { unlink(temporary) }
    try FileSystem.sync(folder: folder)
  }
}

/// The C function, which the method of the same name hides.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
