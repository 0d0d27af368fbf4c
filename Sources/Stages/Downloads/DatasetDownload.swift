import Datasets
import Foundation
import RLCore
public import Runs

/// Fetches one file: beside its name first, continued where it broke off, renamed when whole.
///
/// Beside the file lies a record, `NAME.json`: address, bytes, SHA-256 and time. What broke off is continued only
/// where the server gave an entity tag or a date by which a file that was changed meanwhile is known.
public struct DatasetDownload {
  /// Where the file comes from.
  public let url: String
  /// Where the file goes.
  public let path: String
  /// Bytes of the official file; `nil` accepts any number.
  public let expectedBytes: Int?

  /// What is known of a finished file.
  public struct Record: Codable, Equatable {
    /// Where the file came from.
    public let url: String
    /// Size of the file.
    public let bytes: Int
    /// Digest of the whole file, in hexadecimal digits.
    public let sha256: String
    /// When it was complete, in ISO 8601.
    public let date: String
  }

  /// What is known of a file that is not whole.
  private struct State: Codable {
    let url: String
    let total: Int?
    let validator: String?

    /// Whether an answer with a later part is about the same file. Beside a date a server may leave out the date.
    func isOf(_ answer: CurlTransfer.Answer) -> Bool {
      guard answer.total == total, let validator else { return false }
      return answer.validator.map { $0 == validator } ?? !validator.hasPrefix("\"")
    }
  }

  /// Where the bytes are until the file is whole.
  public var partialPath: String { "\(path).partial" }
  /// Where the ``Record`` of the finished file is.
  public var recordPath: String { "\(path).json" }
  private var statePath: String { "\(path).partial.json" }
  private static let attempts = 5

  public init(url: String, path: String, expectedBytes: Int?) {
    (self.url, self.path, self.expectedBytes) = (url, path, expectedBytes)
  }

  /// The record of a file that is already there; without one, its size is all that is known.
  ///
  /// - Returns: whether the file is there.
  /// - Throws: where its size is not that of its record or of the official file.
  public func isComplete() throws(DownloadError) -> Bool {
    guard FileManager.default.fileExists(atPath: path) else { return false }
    guard let bytes = DatasetLocation.size(path) else {
      throw .system(path: path, reason: "is not a regular file")
    }
    if let record: Record = read(recordPath) {
      guard record.bytes == bytes else {
        throw .differs(
          path: path, expected: record.bytes, actual: bytes, source: "by \(recordPath)")
      }
    } else if let expectedBytes, bytes != expectedBytes {
      throw .differs(
        path: path, expected: expectedBytes, actual: bytes, source: "the official size")
    }
    return true
  }

  /// The record beside the file; `nil` where there is none or it cannot be read.
  public var record: Record? { read(recordPath) }

  /// Fetches the file.
  ///
  /// - Parameter progress: bytes that are there, and of how many.
  public func run(
    interruption: Interruption, notice: (String) -> Void = { _ in },
    progress: (Int, Int?) -> Void = { _, _ in }
  ) throws(DownloadError) -> Record {
    guard let program = InstalledProgram.path(of: "curl") else {
      throw .noCurl(url: url, path: path)
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch { throw .system(path: folder, reason: error.localizedDescription) }
    let lock = open(partialPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard lock >= 0 else {
      throw .system(path: partialPath, reason: RunError.lastSystemMessage)
    }
    defer { close(lock) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw .busy(path: path) }
    do throws(DownloadError) {
      try transfer(program, interruption, notice, progress)
    } catch {
      if keptBytes == 0 { removeTraces() }
      if case .wrongSize = error { removeTraces() }
      throw error
    }
    return try complete()
  }

  private var size: Int { DatasetLocation.size(partialPath) ?? 0 }

  /// Bytes with which the next attempt can go on.
  private var keptBytes: Int {
    let state: State? = read(statePath)
    return state?.validator == nil ? 0 : size
  }

  private func removeTraces() {
    unlink(partialPath)
    unlink(statePath)
  }

  // MARK: Transfer

  private enum Outcome { case whole, again, fromTheStart, failed(DownloadError) }

  private func transfer(
    _ program: String, _ interruption: Interruption, _ notice: (String) -> Void,
    _ progress: (Int, Int?) -> Void
  ) throws(DownloadError) {
    var restarts = 0
    for _ in 0..<Self.attempts {
      let state: State? = read(statePath)
      // What came from elsewhere, or of which nothing is known, cannot be continued.
      if state?.url != url || size > state?.total ?? .max { try empty() }
      if size > 0, let total = state?.total, size == total { return try check(total) }
      if size > 0, state?.validator == nil {
        notice("the server gives no sign by which a changed file is known; starting again")
        try empty()
      }
      if size > 0 { notice("going on after \(size) bytes") }
      switch try attempt(program, size > 0 ? state : nil, interruption, progress) {
      case .whole: return
      case .again: continue
      case .fromTheStart:
        restarts += 1
        guard restarts < 2 else {
          throw network("the server neither continues the file nor sends it anew")
        }
        notice("the server does not continue this file; starting again")
        try empty()
      case .failed(let error): throw error
      }
    }
    throw network("the connection breaks off again and again")
  }

  private func network(_ reason: String) -> DownloadError {
    .network(url: url, reason: reason, partial: partialPath, bytes: keptBytes, path: path)
  }

  private func attempt(
    _ program: String, _ state: State?, _ interruption: Interruption,
    _ progress: (Int, Int?) -> Void
  ) throws(DownloadError) -> Outcome {
    let offset = size
    let transfer = CurlTransfer(
      url: url, file: partialPath, offset: offset, validator: state?.validator)
    defer { transfer.cleanUp() }
    do { try transfer.start(program) } catch {
      throw .system(path: program, reason: error.localizedDescription)
    }
    var answer: CurlTransfer.Answer?
    /// The server's first words decide whether the rest is wanted.
    func listen() throws(DownloadError) {
      guard answer == nil, let found = transfer.answer, [200, 206].contains(found.status) else {
        return
      }
      answer = found
      // The server may ignore the wish to continue; curl will say so.
      guard offset == 0 || found.status == 206 else { return }
      if let total = found.total { try check(total) }
      if offset == 0 { try remember(found) }
    }
    while transfer.isRunning {
      usleep(20_000)
      if interruption.isRequested { break }
      do throws(DownloadError) { try listen() } catch {
        transfer.stop()
        throw error
      }
      if let expectedBytes, size > expectedBytes {
        transfer.stop()
        try check(size)
      }
      progress(size, answer?.total ?? state?.total)
    }
    if interruption.isRequested {
      transfer.stop()
      throw .interrupted(partial: partialPath, bytes: keptBytes)
    }
    let (status, message) = transfer.finish()
    try listen()
    progress(size, answer?.total ?? state?.total)
    return outcome(
      status, message, answer: answer, httpStatus: transfer.answer?.status, offset, state)
  }

  private func outcome(
    _ status: Int32, _ message: String, answer: CurlTransfer.Answer?, httpStatus: Int?,
    _ offset: Int, _ state: State?
  ) -> Outcome {
    // Other bytes than those that are there already, whatever became of them: the file was changed meanwhile.
    if offset > 0, let answer, answer.status != 206 || state?.isOf(answer) != true {
      return .fromTheStart
    }
    switch status {
    case 0:
      if offset > 0, answer == nil { return .fromTheStart }
      if let total = answer?.total, size != total { return size > offset ? .again : .fromTheStart }
      return .whole
    case 33: return .fromTheStart
    case 22:
      if httpStatus == 416, offset > 0 { return .fromTheStart }
      return .failed(.refused(url: url, status: httpStatus ?? 0, path: path))
    // Cut, silent or broken connections.
    case 18, 28, 52, 55, 56, 92:
      return size > offset ? .again : .failed(network(message))
    case 23: return .failed(.system(path: partialPath, reason: message))
    default:
      return .failed(network(message.isEmpty ? "curl fails with status \(status)" : message))
    }
  }

  private func check(_ total: Int) throws(DownloadError) {
    if let expectedBytes, total != expectedBytes {
      throw .wrongSize(url: url, expected: expectedBytes, actual: total)
    }
  }

  private func remember(_ answer: CurlTransfer.Answer) throws(DownloadError) {
    try write(
      State(url: url, total: answer.total, validator: answer.validator), to: statePath)
  }

  /// Forgets what is there; the file itself stays, because its lock is held.
  private func empty() throws(DownloadError) {
    unlink(statePath)
    guard truncate(partialPath, 0) == 0 else {
      throw .system(path: partialPath, reason: RunError.lastSystemMessage)
    }
  }

  // MARK: The finished file

  private func complete() throws(DownloadError) -> Record {
    try check(size)
    do { _ = try D4RLDataset(contentsOf: partialPath) } catch {
      removeTraces()
      throw .notADataset(url: url, reason: "\(error)")
    }
    guard let digest = SHA256.hexDigest(ofFile: partialPath) else {
      throw .system(path: partialPath, reason: RunError.lastSystemMessage)
    }
    let record = Record(
      url: url, bytes: size, sha256: digest, date: Date().formatted(.iso8601))
    try write(record, to: recordPath)
    let descriptor = open(partialPath, O_RDWR | O_CLOEXEC)
    defer { close(descriptor) }
    guard fsync(descriptor) == 0, rename(partialPath, path) == 0 else {
      throw .system(path: path, reason: RunError.lastSystemMessage)
    }
    unlink(statePath)
    return record
  }

  private func read<Value: Decodable>(_ path: String) -> Value? {
    FileManager.default.contents(atPath: path).flatMap {
      try? JSONDecoder().decode(Value.self, from: $0)
    }
  }

  private func write(_ value: some Encodable, to path: String) throws(DownloadError) {
    do { try AtomicText.write(JSONText.pretty(value), to: path) } catch {
      throw .system(path: path, reason: "\(error)")
    }
  }
}
