import Foundation

/// Keeps two processes out of one run directory; the system releases it even after a kill.
final class RunLock {
  private let file: FileDescriptor

  init(directory: String) throws(RunError) {
    file = try FileDescriptor(appending: "\(directory)/.lock")
    guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
      guard errno == EWOULDBLOCK else {
        throw .cannotWrite(path: file.path, reason: "lock: \(RunError.lastSystemMessage)")
      }
      throw .directoryInUse(path: directory)
    }
  }

  // Closing would leave the lock to a child that another thread has just forked, for as long as it lives.
  deinit { flock(file.number, LOCK_UN) }
}
