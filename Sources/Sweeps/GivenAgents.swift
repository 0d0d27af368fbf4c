import Agents
import Configuration
import Foundation
import RLCore
import Runs

/// The first agents of an ensemble from elsewhere, with which runs begin.
struct GivenStart: Codable, Sendable, Equatable {
  let path: String
  let members: Int
  let distils: Bool

  /// Where a start keeps them, in its own directory.
  static let folder = "agents"

  /// Copies the members into a start's directory, whole or not at all.
  func copy(to directory: String) throws {
    let manager = FileManager.default
    let target = "\(directory)/\(GivenStart.folder)"
    guard !manager.fileExists(atPath: target) else { return }
    let draft = "\(target).partial-\(getpid())"
    try? manager.removeItem(atPath: draft)
    do {
      try manager.createDirectory(atPath: draft, withIntermediateDirectories: true)
      for member in 0..<members {
        try manager.copyItem(
          atPath: "\(path)/member-\(member)", toPath: "\(draft)/member-\(member)")
      }
      try FileSystem.sync(tree: draft)
      try manager.moveItem(atPath: draft, toPath: target)
      try FileSystem.sync(folder: directory)
    } catch let error as FileError {
      throw RunError.writing(error)
    } catch {
      throw RunError.cannotWrite(path: target, reason: readable(error))
    }
  }
}

/// An ensemble directory that a sweep names.
struct GivenAgents {
  /// The folder with the members.
  let path: String
  let count: Int

  /// - Returns: `nil` where another algorithm made them than the configuration's offline one.
  /// - Throws: what reading throws; `RunError.mismatch(what:expected:actual:)` for another robot's.
  init?(_ path: String, as configuration: ExperimentConfiguration) throws {
    let folder = try EnsembleDirectory.weights(of: path)
    let found = try EnsembleDirectory.read(folder)
    // Those without a name are policies with twin critics, as CQL's and SAC's are.
    guard (found.members[0].algorithm ?? "cql") == configuration.offline.algorithm else {
      return nil
    }
    if let environment = found.environment, environment != configuration.environment {
      throw RunError.mismatch(
        what: "robot of \(folder)", expected: configuration.environment, actual: environment)
    }
    self.path = URL(fileURLWithPath: folder).standardizedFileURL.path
    count = found.members.count
  }

  /// Of all files of the first members.
  func digest(of members: Int) throws(RunError) -> String {
    var text = ""
    for member in 0..<members {
      let folder = "\(path)/member-\(member)"
      for name in try RunDirectory.names(in: folder).sorted() {
        guard let digest = SHA256.hexDigest(ofFile: "\(folder)/\(name)") else {
          throw .cannotRead(path: "\(folder)/\(name)", reason: RunError.lastSystemMessage)
        }
        text += "\(member)/\(name) \(digest)\n"
      }
    }
    return SHA256.hexDigest(of: Array(text.utf8))
  }
}
