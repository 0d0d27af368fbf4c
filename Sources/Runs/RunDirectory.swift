package import Configuration
import Foundation

/// The directory of one run: its files, its lock, and where it stands.
///
/// ```
/// config.yaml  manifest.json  progress.csv  events.out.tfevents.*  checkpoints/  weights/  summary.json
/// ```
public final class RunDirectory {
  public let path: String
  private let lock: RunLock
  private static let ownFiles: Set<String> = [".lock"]

  /// Refuses, without touching anything, a path that a run cannot use.
  ///
  /// Stages ask this before they read their inputs, and make the directory only afterwards.
  /// - Parameter resume: accept a directory that is already used.
  package static func check(path: String, resume: Bool) throws(RunError) {
    let manager = FileManager.default
    var isDirectory: ObjCBool = false
    guard manager.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return try checkParent(of: path)
    }
    guard isDirectory.boolValue else {
      throw .cannotWrite(path: path, reason: "there is a file of this name")
    }
    guard let names = try? manager.contentsOfDirectory(atPath: path) else {
      throw .cannotRead(path: path, reason: "the directory cannot be listed")
    }
    guard manager.isWritableFile(atPath: path) else {
      throw .cannotWrite(path: path, reason: "no permission to write here")
    }
    if resume {
      try refuseForeign(path)
    } else if names.contains(where: { !ownFiles.contains($0) }) {
      throw .directoryNotEmpty(path: path)
    }
  }

  /// The nearest existing ancestor decides whether the directory can be made.
  private static func checkParent(of path: String) throws(RunError) {
    let manager = FileManager.default
    var ancestor = URL(fileURLWithPath: path).deletingLastPathComponent().path
    while !manager.fileExists(atPath: ancestor) && ancestor.count > 1 {
      ancestor = (ancestor as NSString).deletingLastPathComponent
    }
    var isDirectory: ObjCBool = false
    guard manager.fileExists(atPath: ancestor, isDirectory: &isDirectory), isDirectory.boolValue
    else { throw .cannotWrite(path: path, reason: "'\(ancestor)' is not a directory") }
    guard manager.isWritableFile(atPath: ancestor) else {
      throw .cannotWrite(path: path, reason: "no permission to write in '\(ancestor)'")
    }
  }

  /// Opens or makes a run directory and locks it.
  ///
  /// - Parameter resume: accept a directory that is already used.
  /// - Throws: ``RunError`` where the directory is used and `resume` is false, locked by another
  ///   process, or cannot be written.
  public init(path: String, resume: Bool) throws(RunError) {
    let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.path = path
    try RunDirectory.check(path: path, resume: resume)
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: path, reason: readable(error))
    }
    lock = try RunLock(directory: path)
    // Between check and lock another process may have begun.
    try RunDirectory.check(path: path, resume: resume)
    removeLeftovers()
  }

  /// `--resume` must not overwrite results that are not a run's.
  private static func refuseForeign(_ path: String) throws(RunError) {
    let manager = FileManager.default
    guard !manager.fileExists(atPath: "\(path)/config.yaml") else { return }
    for name in ["progress.csv", "checkpoints", "weights", "summary.json", "manifest.json"]
    where manager.fileExists(atPath: "\(path)/\(name)") {
      throw .inconsistent(
        path: path, reason: "'\(name)' is there but no config.yaml; this is not a run to resume")
    }
  }

  public func file(_ name: String) -> String { "\(path)/\(name)" }

  public var weights: String { file("weights") }
  package var checkpoints: String { file("checkpoints") }

  /// Whether nothing is left to do in `path`; to be asked before anything is read or made.
  ///
  /// - Throws: ``RunError`` where the path cannot be used, or holds another run.
  package static func holdsFinishedRun(
    _ path: String, context: StageContext
  ) throws -> Bool {
    try check(path: path, resume: context.resume)
    guard context.resume, FileManager.default.fileExists(atPath: "\(path)/summary.json") else {
      return false
    }
    let changed = try differences(
      in: "\(path)/config.yaml", from: context.configuration)
    guard changed.isEmpty else { throw RunError.configurationChanged(path: path, keys: changed) }
    return true
  }

  /// What a directory's configuration says otherwise than `configuration`.
  private static func differences(
    in file: String, from configuration: ExperimentConfiguration
  ) throws(ConfigurationError) -> [String] {
    let before = try ExperimentConfiguration.resolve(
      ConfigurationSources(file: ConfigurationLayer(file: file)), catalog: configuration.catalog,
      stages: configuration.stages)
    return before.configuration.differences(from: configuration)
  }

  package func makeDirectory(_ path: String) throws(RunError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: path, reason: readable(error))
    }
  }

  /// Temporary files of a process that was killed while writing.
  private func removeLeftovers() {
    for folder in [path, checkpoints, weights] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names where name.contains(".tmp-") || name.contains(".partial-") {
        unlink("\(folder)/\(name)")
      }
    }
  }

  package func writeConfiguration(_ configuration: ExperimentConfiguration) throws(RunError) {
    try AtomicText.write(configuration.yaml(), to: file("config.yaml"))
  }

  /// Writes the configuration of several stages' common directory, or checks it against the one there.
  ///
  /// - Throws: ``RunError/configurationChanged(path:keys:)``.
  package func adopt(_ configuration: ExperimentConfiguration) throws {
    let before = file("config.yaml")
    if FileManager.default.fileExists(atPath: before) {
      let changed = try RunDirectory.differences(in: before, from: configuration)
      guard changed.isEmpty else {
        throw RunError.configurationChanged(path: path, keys: changed)
      }
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
