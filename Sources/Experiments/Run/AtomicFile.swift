import Foundation

/// Writes files whole or not at all: temporary name beside the target, sync, rename.
enum AtomicFile {
  static func write(_ text: String, to path: String) throws(RunError) {
    try write(Array(text.utf8), to: path)
  }

  static func write(_ bytes: [UInt8], to path: String) throws(RunError) {
    let temporary = "\(path).tmp-\(getpid())"
    unlink(temporary)
    do {
      let file = try FileDescriptor(appending: temporary)
      try file.write(bytes)
      try file.synchronize()
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, path) == 0 else {
      let reason = RunError.lastSystemMessage
      unlink(temporary)
      throw .cannotWrite(path: path, reason: reason)
    }
    synchronizeDirectory((path as NSString).deletingLastPathComponent)
  }

  /// Makes a rename in `directory` survive a power cut.
  static func synchronizeDirectory(_ directory: String) {
    guard let handle = FileDescriptor(reading: directory.isEmpty ? "." : directory) else { return }
    fsync(handle.number)
  }
}
