import Foundation
import RLCore
import Runs

/// The file that a command makes; made ready before the work begins, so that what cannot be written is said
/// in the first second and not in the last one.
struct OutputFile {
  let path: String

  /// - Parameter path: where the file will be; a leading `~` is the home folder.
  init(_ path: String) { self.path = HomePath.expanded(path) }

  /// Makes the folders that are missing on the way to the file.
  ///
  /// - Parameters:
  ///   - replacing: whether a file of this name may be there.
  ///   - hint: the option that would allow it.
  /// - Throws: ``RunError/cannotWrite(path:reason:)`` with the system's words, or where the name is in use.
  func prepare(replacing: Bool = true, hint: String? = nil) throws(RunError) {
    let isThere: Bool
    do throws(FileError) {
      isThere = try FileSystem.exists(path)
      try FileSystem.makeFolder(FileSystem.folder(of: path))
    } catch {
      throw .writing(error)
    }
    if isThere, !replacing {
      throw .cannotWrite(
        path: path, reason: "the file exists already" + (hint.map { "; \($0)" } ?? ""))
    }
  }
}
