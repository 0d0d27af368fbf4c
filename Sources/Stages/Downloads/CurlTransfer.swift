import Foundation

/// One run of `curl` that writes to a file, from its end on.
///
/// A program of its own instead of Foundation's networking, which would load some thirty libraries at
/// every start of `bred` (`docs/decisions/0009-downloads-by-curl.md`).
struct CurlTransfer {
  /// What the server said about the file.
  struct Answer: Equatable {
    var status = 0
    /// Bytes of the whole file.
    var total: Int?
    /// A strong entity tag or the time of the last change, for `If-Range`.
    var validator: String?
  }

  let url: String
  let file: String
  let offset: Int
  let validator: String?
  private let process = Process()
  private let errors = Pipe()
  private var headers: String { "\(file).headers" }

  init(url: String, file: String, offset: Int, validator: String?) {
    (self.url, self.file, self.offset, self.validator) = (url, file, offset, validator)
  }

  func start(_ program: String) throws {
    try? FileManager.default.removeItem(atPath: headers)
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments =
      [
        // First of all: no settings from the user's file, which may change what is printed.
        "--disable", "--no-buffer", "--silent", "--show-error", "--fail", "--location",
        "--max-redirs", "5",
        "--suppress-connect-headers", "--proto", "=http,https", "--connect-timeout", "30",
        "--speed-limit", "1", "--speed-time",
        "60", "--dump-header", headers, "--output", file,
      ]
      + (offset > 0 ? ["--continue-at", "\(offset)"] : [])
      + (offset > 0 ? validator.map { ["--header", "If-Range: \($0)"] } ?? [] : [])
      + ["--url", url]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
  }

  var isRunning: Bool { process.isRunning }

  func stop() {
    // It has nothing to save, and it may have inherited that other signals are ignored or blocked: a wait
    // until it gives up by itself.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
  }

  /// Status of the program and its last words, after its end.
  func finish() -> (status: Int32, message: String) {
    process.waitUntilExit()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let last = text.split(separator: "\n").last.map(String.init) ?? ""
    return (process.terminationStatus, last)
  }

  func cleanUp() { try? FileManager.default.removeItem(atPath: headers) }

  /// The answer, once its headers have arrived in full; after redirections, the last one.
  var answer: Answer? {
    guard let data = FileManager.default.contents(atPath: headers) else { return nil }
    return CurlTransfer.parse(String(decoding: data, as: UTF8.self))
  }

  static func parse(_ text: String) -> Answer? {
    let text = text.replacingOccurrences(of: "\r\n", with: "\n")
    guard let block = text.components(separatedBy: "\n\n").dropLast().last(where: { !$0.isEmpty })
    else { return nil }
    let lines = block.split(separator: "\n")
    let words = lines[0].split(separator: " ")
    guard words.count > 1, words[0].hasPrefix("HTTP/"), let status = Int(words[1]) else {
      return nil
    }
    var fields: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      fields[line[..<colon].lowercased()] = line[line.index(after: colon)...]
        .trimmingCharacters(in: .whitespaces)
    }
    var answer = Answer(status: status)
    if status == 206 {
      answer.total = fields["content-range"]?.split(separator: "/").last.flatMap { Int($0) }
    } else if status == 200 {
      answer.total = fields["content-length"].flatMap { Int($0) }
    }
    // A weak tag does not promise equal bytes.
    answer.validator =
      fields["etag"].flatMap { $0.hasPrefix("W/") ? nil : $0 } ?? fields["last-modified"]
    return answer
  }
}
