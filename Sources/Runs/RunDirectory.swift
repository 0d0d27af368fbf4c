package import Configuration
import Foundation
import RLCore

/// The directory of one run: its files, its lock, and where it stands.
///
/// ```
/// config.yaml  manifest.json  progress.csv  events.out.tfevents.*  checkpoints/  weights/  summary.json
/// ```
public final class RunDirectory {
  /// The directory as it was given, without a slash at the end.
  public let path: String
  private let lock: RunLock
  private static let ownFiles: Set<String> = [".lock", partMark]
  /// Lies in a directory that is part of the run in the directory above, if that is one: copied to
  /// another place, it is nobody's part.
  private static let partMark = ".part-of-run"

  /// Refuses, without touching anything, a path that a run cannot use.
  ///
  /// Stages ask this before they read their inputs, and make the directory only afterwards.
  /// - Parameters:
  ///   - resume: accept a directory that is already used.
  ///   - isPart: for a stage of a run in the directory above.
  package static func check(
    path: String, resume: Bool, isPart: Bool = false
  ) throws(RunError) {
    guard try exists(path) else { return try checkParent(of: path) }
    guard try isFolder(path) else {
      throw .cannotWrite(path: path, reason: "there is a file of this name")
    }
    let names = try RunDirectory.names(in: path)
    try checkWritable(path)
    let above = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
    if !isPart, names.contains(partMark), try exists("\(above)/config.yaml") {
      throw .partOfRun(path: path, owner: above)
    }
    if resume {
      try refuseForeign(path)
    } else if names.contains(where: { !ownFiles.contains($0) }) {
      throw .directoryNotEmpty(path: path)
    }
  }

  /// The nearest existing ancestor decides whether the directory can be made.
  private static func checkParent(of path: String) throws(RunError) {
    var ancestor = URL(fileURLWithPath: path).deletingLastPathComponent().path
    while ancestor.count > 1, try !exists(ancestor) {
      ancestor = (ancestor as NSString).deletingLastPathComponent
    }
    guard try isFolder(ancestor) else {
      throw .cannotWrite(path: path, reason: "'\(ancestor)' is not a directory")
    }
    try checkWritable(ancestor)
  }

  /// Opens or makes a run directory and locks it.
  ///
  /// - Throws: ``RunError`` where the directory is used and the context does not resume, is part of another
  ///   run, locked by another process, or cannot be written.
  package convenience init(path: String, context: StageContext) throws(RunError) {
    try self.init(path: path, resume: context.resume, isPart: context.owner != nil)
  }

  /// - Parameters:
  ///   - resume: accept a directory that is already used.
  ///   - isPart: for a stage of a run in the directory above; nobody else may then use it.
  public init(path: String, resume: Bool, isPart: Bool = false) throws(RunError) {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.path = path
    try RunDirectory.check(path: path, resume: resume, isPart: isPart)
    try RunDirectory.make(path)
    lock = try RunLock(directory: path)
    // Between check and lock another process may have begun.
    try RunDirectory.check(path: path, resume: resume, isPart: isPart)
    if isPart { _ = try FileDescriptor(appending: file(RunDirectory.partMark)) }
    RunDirectory.removeLeftovers(in: path)
  }

  /// `--resume` must not overwrite results that are not a run's.
  private static func refuseForeign(_ path: String) throws(RunError) {
    guard try !exists("\(path)/config.yaml") else { return }
    for name in ["progress.csv", "checkpoints", "weights", "summary.json", "manifest.json"]
    where try exists("\(path)/\(name)") {
      throw .inconsistent(
        path: path, reason: "'\(name)' is there but no config.yaml; this is not a run to resume")
    }
  }

  /// Path of the file, or folder, of this name inside the directory.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Folder with the agents that the run has trained, in the layout of `EnsembleDirectory`.
  public var weights: String { file("weights") }
  package var checkpoints: String { file("checkpoints") }

  /// Whether nothing is left to do in `path`; to be asked before anything is read or made.
  ///
  /// - Parameter agents: the folder with the members that the run begins with, where it begins with any.
  /// - Throws: ``RunError`` where the path cannot be used, or holds another run.
  package static func holdsFinishedRun(
    _ path: String, context: StageContext, agents: String? = nil
  ) throws -> Bool {
    try check(path: path, resume: context.resume, isPart: context.owner != nil)
    guard context.resume, try exists("\(path)/summary.json") else { return false }
    let before = try storedConfiguration(of: path, like: context.configuration)
    guard try lengthenings(of: path, from: before, to: context.configuration).isEmpty else {
      return false
    }
    try refuseOtherInputs(
      of: path, dataset: HomePath.expanded(context.configuration.dataset.path), agents: agents)
    return true
  }

  /// A finished run reads nothing any more: that it was made of other data or agents than the command names, or
  /// than lie there now, would go unnoticed. What is no longer there is no other.
  ///
  /// - Parameter agents: a folder with members.
  private static func refuseOtherInputs(
    of path: String, dataset: String, agents: String?
  ) throws(RunError) {
    let stages = try names(in: path).sorted().map { "\(path)/\($0)" }
    // Stages of a pipeline have their dataset in common.
    var digests: [String: String] = [:]
    for directory in [path] + stages {
      let inputs = RunManifest(in: directory)?.inputs ?? [:]
      for (role, digest) in inputs.sorted(by: { $0.key < $1.key }) {
        let given =
          role == RunInput.dataset
          ? dataset : agents.map { "\($0)/\(role.dropFirst(RunInput.agents.count))" }
        guard let given, let found = digests[given] ?? SHA256.hexDigest(ofFile: given) else {
          continue
        }
        digests[given] = found
        if found == digest { continue }
        throw .inconsistent(
          path: path,
          reason: "the run is finished, and was made with another \(role) than '\(given)'; "
            + "give another --output")
      }
    }
  }

  /// What the run in `path` was last begun with.
  private static func storedConfiguration(
    of path: String, like configuration: ExperimentConfiguration
  ) throws -> ExperimentConfiguration {
    let file: ConfigurationLayer
    // The run's own file, not one that a user gave.
    do {
      file = try ConfigurationLayer(file: "\(path)/config.yaml")
    } catch ConfigurationError.unreadable(let path, let reason) {
      throw RunError.cannotRead(path: path, reason: reason)
    }
    return try ExperimentConfiguration.resolve(
      ConfigurationSources(file: file), catalog: configuration.catalog,
      stages: configuration.stages
    ).configuration
  }

  /// The lengths that `configuration` adds to the run in `path`.
  ///
  /// - Throws: ``RunError/configurationChanged(path:keys:)`` where anything else is different.
  private static func lengthenings(
    of path: String, from before: ExperimentConfiguration, to configuration: ExperimentConfiguration
  ) throws(RunError) -> [Lengthening] {
    let (longer, changes) = Lengthening.between(before, configuration)
    guard changes.isEmpty else { throw RunError.configurationChanged(path: path, keys: changes) }
    return longer
  }

  /// Whether the run has come to its end.
  func isFinished() throws(RunError) -> Bool { try RunDirectory.exists(file("summary.json")) }

  /// Takes the end back that the run had, so that an interruption leaves an unfinished run.
  func reopen() throws(RunError) {
    guard unlink(file("summary.json")) == 0 || errno == ENOENT else {
      throw .cannotWrite(path: file("summary.json"), reason: RunError.lastSystemMessage)
    }
  }

  package func makeDirectory(_ path: String) throws(RunError) { try RunDirectory.make(path) }

  /// Makes a directory of a run whose name is durable, as the files in it will be.
  package static func make(_ path: String) throws(RunError) {
    do throws(FileError) { try FileSystem.makeFolder(path) } catch { throw .writing(error) }
  }

  /// Makes the names of the files that are written row by row durable.
  func synchronizeNames() throws(RunError) {
    do throws(FileError) { try FileSystem.sync(folder: path) } catch { throw .writing(error) }
  }

  /// Whether there is such a file.
  ///
  /// - Throws: ``RunError`` where that cannot be seen: a run must not begin again for that.
  package static func exists(_ path: String) throws(RunError) -> Bool {
    do throws(FileError) { return try FileSystem.exists(path) } catch { throw .reading(error) }
  }

  private static func isFolder(_ path: String) throws(RunError) -> Bool {
    do throws(FileError) { return try FileSystem.isFolder(path) } catch { throw .reading(error) }
  }

  /// - Throws: ``RunError`` where nothing can be made in a directory that is there.
  package static func checkWritable(_ path: String) throws(RunError) {
    do throws(FileError) { try FileSystem.checkWritable(folder: path) } catch {
      throw .writing(error)
    }
  }

  /// All bytes of a file.
  package static func contents(of path: String) throws(RunError) -> [UInt8] {
    do throws(FileError) { return try FileSystem.contents(of: path) } catch {
      throw .reading(error)
    }
  }

  /// Names in a directory, none where it is not there.
  ///
  /// - Throws: ``RunError`` where it cannot be listed.
  package static func names(in path: String) throws(RunError) -> [String] {
    do throws(FileError) { return try FileSystem.names(in: path) } catch { throw .reading(error) }
  }

  /// Temporary files of a process that was killed while writing, wherever in the run: whoever holds its lock is
  /// the only one to write. Directories with locks of their own are left to their runs, but for its own parts.
  private static func removeLeftovers(in folder: String) {
    for name in (try? names(in: folder)) ?? [] {
      let place = "\(folder)/\(name)"
      var status = stat()
      guard lstat(place, &status) == 0 else { continue }
      switch status.st_mode & S_IFMT {
      case S_IFREG where name.contains(".tmp-") || name.contains(".partial-"): unlink(place)
      case S_IFDIR where name.contains(".partial-"):
        try? FileManager.default.removeItem(atPath: place)
      case S_IFDIR
      where access("\(place)/.lock", F_OK) != 0 || access("\(place)/\(partMark)", F_OK) == 0:
        removeLeftovers(in: place)
      default: break
      }
    }
  }

  package func writeConfiguration(_ configuration: ExperimentConfiguration) throws(RunError) {
    try AtomicText.write(configuration.yaml(), to: file("config.yaml"))
  }

  /// Writes the configuration of several stages' common directory, or checks it against the one there.
  ///
  /// - Parameter refuse: throws where the lengths that grow cannot.
  /// - Throws: ``RunError/configurationChanged(path:keys:)``.
  package func adopt(
    _ configuration: ExperimentConfiguration, refuse: ([Lengthening]) throws -> Void = { _ in }
  ) throws {
    if try RunDirectory.exists(file("config.yaml")) {
      let before = try RunDirectory.storedConfiguration(of: path, like: configuration)
      let longer = try RunDirectory.lengthenings(of: path, from: before, to: configuration)
      try refuse(longer)
      if !longer.isEmpty { try reopen() }
    }
    try writeConfiguration(configuration)
  }

  /// Encodes `value` as pretty JSON with sorted keys.
  package func write(json value: some Encodable, to name: String) throws(RunError) {
    try AtomicText.write(try JSONText.pretty(value), to: file(name))
  }
}

/// JSON as this package writes it.
package enum JSONText {
  package static func pretty(_ value: some Encodable) throws(RunError) -> String {
    try encode(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) + "\n"
  }

  package static func line(_ value: some Encodable) throws(RunError) -> String {
    try encode(value, [.sortedKeys, .withoutEscapingSlashes])
  }

  /// What a file holds; `nil` where it is missing or something else.
  package static func read<Value: Decodable>(_ path: String) -> Value? {
    FileManager.default.contents(atPath: path).flatMap {
      try? JSONDecoder().decode(Value.self, from: $0)
    }
  }

  private static func encode(
    _ value: some Encodable, _ format: JSONEncoder.OutputFormatting
  ) throws(RunError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
      throw .inconsistent(path: "JSON", reason: "\(error)")
    }
  }
}
