import Foundation

/// An open file, closed with the object.
final class FileDescriptor {
  let path: String
  let number: Int32

  /// Opens for appending, making the file where there is none.
  init(appending path: String) throws(RunError) {
    number = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    self.path = path
    if number < 0 { throw .cannotWrite(path: path, reason: RunError.lastSystemMessage) }
  }

  // A failed open must not disturb `errno`.
  deinit { if number >= 0 { close(number) } }

  func write(_ bytes: [UInt8]) throws(RunError) {
    var start = 0
    while start < bytes.count {
      let count = bytes.withUnsafeBytes {
        Foundation.write(number, $0.baseAddress! + start, bytes.count - start)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotWrite(path: path, reason: RunError.lastSystemMessage)
      }
      start += count
    }
  }

  /// All bytes from the beginning.
  func contents() throws(RunError) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes {
        pread(number, $0.baseAddress!, $0.count, off_t(bytes.count))
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw .cannotRead(path: path, reason: RunError.lastSystemMessage)
      }
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  func truncate(to length: Int) throws(RunError) {
    guard ftruncate(number, off_t(length)) == 0 else {
      throw .cannotWrite(path: path, reason: RunError.lastSystemMessage)
    }
  }

  func synchronize() throws(RunError) {
    guard fsync(number) == 0 else {
      throw .cannotWrite(path: path, reason: RunError.lastSystemMessage)
    }
  }
}
