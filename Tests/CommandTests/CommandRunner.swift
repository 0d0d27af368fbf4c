import Foundation
import TestSupport
import Testing

/// The built `bred`, run as a user would.
struct CommandRunner {
  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// Standard error without its last newline, by line.
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
  }

  /// The executable beside the test bundle.
  static let executable: URL = {
    let runner = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let beside = runner.deletingLastPathComponent().appendingPathComponent("bred")
    if FileManager.default.isExecutableFile(atPath: beside.path) { return beside }
    // Under a test helper the bundle's path is among the arguments.
    for argument in CommandLine.arguments where argument.contains(".xctest") {
      let folder = URL(fileURLWithPath: argument).deletingLastPathComponent()
      let candidate = folder.appendingPathComponent("bred")
      if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
    }
    return beside
  }()

  static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Running {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    return try Running(process)
  }

  /// Starts the command as `shell` says, where "$@" stands for it.
  static func startInShell(
    _ shell: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Running {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", shell, "sh", executable.path] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    return try Running(process)
  }

  @discardableResult
  static func run(_ arguments: String...) throws -> Result { try start(arguments).wait() }
  static func run(_ arguments: [String]) throws -> Result { try start(arguments).wait() }

  /// Starts the command `times` times and kills it each time, without warning, as soon as one more of
  /// the files that `isMilestone` picks out has appeared below `folder`.
  ///
  /// - Returns: how often it was killed before it had ended by itself.
  static func killAtMilestones(
    _ arguments: [String], times: Int, in folder: String, where isMilestone: (String) -> Bool
  ) throws -> Int {
    var seen: Set<String> = []
    var kills = 0
    for _ in 0..<times {
      let run = try start(arguments)
      while run.process.isRunning {
        let now = Set(contents(of: folder).keys.filter(isMilestone))
        if !now.isSubset(of: seen) {
          kill(run.process.processIdentifier, SIGKILL)
          kills += 1
          seen.formUnion(now)
          break
        }
        usleep(500)
      }
      _ = try run.wait()
    }
    return kills
  }

  /// A process whose output goes to files, so that no pipe can fill up.
  final class Running {
    let process: Process
    private let folder = NSTemporaryDirectory() + "bred-command-\(UUID().uuidString)"

    init(_ process: Process) throws {
      self.process = process
      let manager = FileManager.default
      try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (name, path) in [("output", \Process.standardOutput), ("errors", \.standardError)] {
        _ = manager.createFile(atPath: "\(folder)/\(name)", contents: nil)
        process[keyPath: path] = try FileHandle(
          forWritingTo: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      process.standardInput = FileHandle.nullDevice
      try process.run()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func wait() throws -> Result {
      process.waitUntilExit()
      return Result(
        status: process.terminationStatus,
        output: try String(contentsOfFile: "\(folder)/output", encoding: .utf8),
        errors: try String(contentsOfFile: "\(folder)/errors", encoding: .utf8))
    }
  }
}

/// The weights of a run, and its tables without their time columns.
func untimedResults(in folder: String) -> [String: Data] {
  var result: [String: Data] = [:]
  for (name, data) in contents(of: folder) {
    if name.hasSuffix(".safetensors") && name.contains("weights/") { result[name] = data }
    if name.hasSuffix("progress.csv") {
      let rows = String(decoding: data, as: UTF8.self).split(separator: "\n")
      let header = rows[0].split(separator: ",").map(String.init)
      let untimed = rows.map { row in
        zip(header, row.split(separator: ",", omittingEmptySubsequences: false))
          .filter { !["wall_seconds", "updates_per_second"].contains($0.0) }
          .map { String($0.1) }.joined(separator: ",")
      }
      result[name] = Data(untimed.joined(separator: "\n").utf8)
    }
  }
  return result
}
