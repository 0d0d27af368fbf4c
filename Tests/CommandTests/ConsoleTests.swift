import Foundation
import TestSupport
import Testing

/// Standard output and standard error that cannot be written.
@Suite struct ConsoleTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  /// Runs `bred` as `shell` says, where "$@" stands for the command.
  private func run(_ shell: String, _ arguments: [String]) throws -> CommandRunner.Result {
    try CommandRunner.startInShell(shell, arguments).wait()
  }

  private func pretrain(_ output: String) -> [String] {
    [
      "pretrain", "--env", "hopper", "--dataset", workshop.dataset, "--output",
      folder.file(output),
    ] + Workshop.small
  }

  @Test(arguments: ["2>&-", "2>/dev/full", "2>&1 >/dev/null | true"])
  func aRunNeedsNoStandardError(redirection: String) throws {
    let result = try run("\"$@\" \(redirection)", pretrain("run"))
    #expect(result.status == 0)
    #expect(FileManager.default.fileExists(atPath: folder.file("run/summary.json")))
    let table = try String(contentsOfFile: folder.file("run/progress.csv"), encoding: .utf8)
    // A file must not get the number of the closed stream, and the messages with it.
    #expect(table.hasPrefix("epoch,") && table.split(separator: "\n").count == 5)
    if redirection == "2>/dev/full" {
      #expect(result.output.contains("note: messages") && result.output.contains("No space left"))
      #expect(result.output.split(separator: "\n").count == 1)
    }
  }

  @Test(arguments: ["2>&-", "2>/dev/full"])
  func errorsKeepTheirStatus(redirection: String) throws {
    #expect(try run("\"$@\" \(redirection)", ["juggle"]).status == 2)
    #expect(try run("\"$@\" \(redirection)", ["dataset", "inspect", "/nowhere"]).status == 1)
    let collect = [
      "dataset", "collect", "--env", "hopper", "--random", "--steps", "200", "--output",
      folder.file("data.hdf5"), "--json",
    ]
    let result = try run("\"$@\" \(redirection)", collect)
    #expect(result.status == 0)
    #expect(result.output.hasPrefix("{") && result.output.split(separator: "\n").count == 1)
  }

  @Test(arguments: [
    ["--help"], ["--version"], ["run", "--help"], ["algorithm", "list"],
    ["algorithm", "show", "iql"], ["algorithm", "list", "--json"], ["environment", "list"],
    ["environment", "describe", "hopper", "--json"], ["dataset", "list"], ["settings"],
    ["doctor", "--json"], ["dataset", "inspect", "DATA"],
  ])
  func resultsMustArrive(command: [String]) throws {
    let command = command.map { $0 == "DATA" ? workshop.dataset : $0 }
    for redirection in [">/dev/full", ">&-"] {
      let result = try run("\"$@\" \(redirection)", command)
      #expect(result.status == 1, "\(command) \(redirection)")
      #expect(result.errorLines.count == 1)
      #expect(result.errors.hasPrefix("error: standard output: cannot write"), "\(result.errors)")
    }
    // `true` reads nothing, so the pipe is closed sooner or later.
    let result = try run("(sleep 0.2; \"$@\") | true", command)
    #expect(result.errors.isEmpty, "\(result.errors)")
  }

  // MARK: Terminals

  /// Runs the command with standard error on a terminal of so many columns.
  ///
  /// - Parameter hangingUp: close the terminal as soon as something was written.
  /// - Returns: exit status, and what the terminal received.
  private func runOnTerminal(
    _ arguments: [String], columns: UInt16, hangingUp: Bool = false,
    environment: [String: String] = [:]
  ) throws -> (status: Int32, text: String) {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    // TIOCSPTLCK unlocks the other side, TIOCGPTN gives its number.
    var (lock, number): (Int32, Int32) = (0, -1)
    try #require(ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    let slave = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    let process = Process()
    process.executableURL = CommandRunner.executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
    try process.run()
    close(slave)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(master, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes += buffer[..<count]
      if hangingUp { break }
    }
    close(master)
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
  }

  private func learn(_ output: String) -> [String] {
    [
      "sac", "--env", "hopper", "--output", folder.file(output), "--set",
      "networks.hiddenUnits=16", "--set", "online.environmentSteps=400", "--set",
      "online.blockSteps=200", "--set", "online.updatesPerStep=1", "--set",
      "evaluation.episodes=1",
    ]
  }

  @Test(arguments: [40, 80, 132]) func theProgressLineFitsTheTerminal(columns: Int) throws {
    let (status, text) = try runOnTerminal(learn("run"), columns: UInt16(columns))
    #expect(status == 0, "\(text)")
    // What is drawn begins behind the sequence that clears the line, and ends with the next one.
    let pieces = text.components(separatedBy: "\u{1B}[J").map { piece in
      String(piece.unicodeScalars.prefix { $0.value >= 32 }.map(Character.init))
    }
    let lines = pieces.filter { $0.contains("% ") && $0.contains("/400 steps") }
    #expect(!lines.isEmpty, "\(text)")
    for line in lines {
      #expect(line.count < columns, "\(line)")
      let percent = try #require(line.prefix { $0 != "%" }.split(separator: " ").last)
      if percent == "100", line.contains("update ") { #expect(line.contains("200/200"), "\(line)") }
      // The first of two blocks is half of the work, although its steps are collected at once.
      if line.contains("200/400") { #expect((Int(percent) ?? 100) <= 60, "\(line)") }
    }
  }

  @Test(arguments: [40, 80]) func theDownloadsLineFitsTheTerminal(columns: Int) throws {
    let body = try Data(
      contentsOf: Resources.package.appendingPathComponent(
        "experiments/datasets/halfcheetah-demo.hdf5"))
    let server = try FileServer(.init(body: body))
    let (status, text) = try runOnTerminal(
      [
        "dataset", "fetch", "hopper-random-v1", "--url", server.url, "--output",
        folder.file("download"),
      ], columns: UInt16(columns), environment: ["no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"])
    #expect(status == 0, "\(text)")
    let lines = text.components(separatedBy: "\u{1B}[J").map { piece in
      String(piece.unicodeScalars.prefix { $0.value >= 32 }.map(Character.init))
    }.filter { $0.contains("% ") }
    #expect(!lines.isEmpty, "\(text)")
    for line in lines { #expect(line.count < columns, "\(line)") }
  }

  @Test func aRunSurvivesItsTerminal() throws {
    #expect(try runOnTerminal(learn("run"), columns: 80, hangingUp: true).status == 0)
    #expect(FileManager.default.fileExists(atPath: folder.file("run/summary.json")))
  }
}
