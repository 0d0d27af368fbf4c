import Foundation
package import RLCore

/// A run directory, or a file in it, cannot be used.
public enum RunError: Error, Equatable, CustomStringConvertible {
  case directoryInUse(path: String)
  case directoryNotEmpty(path: String)
  case partOfRun(path: String, owner: String)
  case cannotWrite(path: String, reason: String)
  case cannotRead(path: String, reason: String)
  case missing(path: String, what: String)
  case checkpointRefused(path: String, reason: String)
  case configurationChanged(path: String, keys: [String])
  case inconsistent(path: String, reason: String)
  case mismatch(what: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .directoryInUse(let path): "\(path): another process is working in this directory"
    case .directoryNotEmpty(let path):
      "\(path): the output directory is already used; choose another, or pass --resume to continue"
    case .partOfRun(let path, let owner):
      "\(path): belongs to the run in \(owner); continue that one, with its own command and --resume"
    case .cannotWrite(let path, let reason): "\(path): cannot write: \(reason)"
    case .cannotRead(let path, let reason): "\(path): cannot read: \(reason)"
    case .missing(let path, let what): "\(path): \(what) not found"
    case .checkpointRefused(let path, let reason):
      "\(path): this checkpoint cannot be resumed: \(reason)"
    case .configurationChanged(let path, let keys):
      "\(path): the checkpoint belongs to another configuration; different: "
        + keys.joined(separator: ", ")
    case .inconsistent(let path, let reason): "\(path): \(reason)"
    case .mismatch(let what, let expected, let actual):
      "\(what): expected \(expected), found \(actual)"
    }
  }

  /// Something cannot be seen, listed or read.
  package static func reading(_ error: FileError) -> RunError {
    .cannotRead(path: error.path, reason: "\(error.operation): \(error.message)")
  }

  /// Something cannot be made, written or synced.
  package static func writing(_ error: FileError) -> RunError {
    .cannotWrite(path: error.path, reason: "\(error.operation): \(error.message)")
  }

  package static var lastSystemMessage: String { String(cString: strerror(errno)) }
}

/// The run was asked to stop; its checkpoint is written.
public struct Interrupted: Error, CustomStringConvertible {
  /// Where the run can be taken up again.
  public let directory: String

  package init(directory: String) { self.directory = directory }

  public var description: String {
    "stopped after writing a checkpoint; continue with --resume --output \(directory)"
  }
}
