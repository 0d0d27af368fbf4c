internal import CHDF5Probe

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a child process may use up.
package struct HDF5Limits: Sendable {
  /// Seconds of a processor, besides some for the length of the file.
  package var processorSeconds = 10
  /// Seconds by the clock without an answer.
  package var silenceSeconds = 120
  package var megabytes = 1024
  /// For tests: what goes wrong in the child (`BRED_H5_CRASH` and so on).
  package var fault: UInt32 = 0

  package init() {}
}

/// A child process in which libhdf5 reads a file; there it may crash, run for ever or lie.
///
/// No answer is believed: lengths are bounded here, and whoever uses a number checks it against the file.
final class HDF5Child {
  struct Answer {
    var record: bred_h5_record
    var name = ""
    var value: [UInt8] = []
    var reason = ""
    var stack: [String] = []
    var chunks: [bred_h5_chunk] = []
  }

  private static let nameBytes = Int(BRED_H5_NAME_LIMIT)
  /// Memory for rows on their way.
  static let rowsBytes = 1 << 23

  private let source: HDF5Source
  private let limits: HDF5Limits
  private let shared: UnsafeMutableRawPointer
  private let sharedBytes: Int
  private var process: pid_t = -1
  private var socket: Int32 = -1
  /// Bytes that it may still say.
  private var allowance: Int

  /// Where the rows of a `BRED_H5_ROWS` lie.
  var rows: UnsafeRawPointer { UnsafeRawPointer(shared + Self.nameBytes) }

  /// - Parameters:
  ///   - object: a dataset of `shape`, whose `rows` are wanted; `nil` for a walk through the file.
  init(
    _ source: HDF5Source, _ limits: HDF5Limits, object: String? = nil, shape: (Int, Int) = (0, 0),
    rows: Range<Int> = 0..<0
  ) throws(HDF5Error) {
    (self.source, self.limits) = (source, limits)
    sharedBytes = Self.nameBytes + (object == nil ? 0 : Self.rowsBytes)
    // What a file says about itself is not longer than itself, but that objects may have many names.
    allowance = 1 << 26 + 4 * source.length
    let place = source.place.inside(object ?? "")
    let memory = mmap(
      nil, sharedBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { throw place.error("there is no memory left") }
    shared = memory
    var request = bred_h5_request()
    request.descriptor = source.descriptor
    request.shared = memory.assumingMemoryBound(to: CChar.self)
    request.rows_bytes = UInt64(sharedBytes - Self.nameBytes)
    request.memory_megabytes = UInt32(limits.megabytes)
    // libhdf5 converts some ten million numbers in a second, on slow machines two.
    let seconds = limits.processorSeconds + source.length >> 23 + (rows.count * shape.1) >> 21
    request.processor_seconds = UInt32(clamping: seconds)
    request.fault = limits.fault
    request.shape = (UInt64(shape.0), UInt64(shape.1))
    request.first = UInt64(rows.lowerBound)
    request.count = UInt64(rows.count)
    // No other thread is inside libhdf5 while the process is copied.
    try HDF5Library.locked { () throws(HDF5Error) in
      source.place.file.withCString { path in
        (object ?? "").withCString { name in
          request.path = path
          request.object = object == nil ? nil : name
          process = bred_h5_start(&request, &socket)
        }
      }
      guard process > 0 else {
        throw place.error("no child process can be started: \(String(cString: strerror(errno)))")
      }
    }
    var patience = timeval(tv_sec: limits.silenceSeconds, tv_usec: 0)
    setsockopt(
      socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit {
    if process > 0 {
      kill(process, SIGKILL)
      waitpid(process, nil, 0)
      close(socket)
    }
    munmap(shared, sharedBytes)
  }

  /// The next answer; `nil` at the end.
  func next() throws(HDF5Error) -> Answer? {
    var answer = Answer(record: bred_h5_record())
    let head = try take(MemoryLayout<bred_h5_record>.size)
    answer.record = head.withUnsafeBytes { $0.loadUnaligned(as: bred_h5_record.self) }
    let record = answer.record
    if record.kind == BRED_H5_END.rawValue { return nil }
    let (name, value, text) = (
      Int(record.name_bytes), Int(record.value_bytes), Int(record.text_bytes)
    )
    let size = MemoryLayout<bred_h5_chunk>.stride
    let rest = try take(name + value + text + Int(record.chunk_count) * size)
    answer.name = String(decoding: rest[..<name], as: UTF8.self)
    answer.value = Array(rest[name..<name + value])
    let lines = String(decoding: rest[(name + value)...].prefix(text), as: UTF8.self)
      .split(separator: "\n").map(String.init)
    (answer.reason, answer.stack) = (lines.first ?? "", Array(lines.dropFirst()))
    answer.chunks = rest.withUnsafeBytes { bytes in
      (0..<Int(record.chunk_count)).map {
        bytes.loadUnaligned(
          fromByteOffset: name + value + text + $0 * size, as: bred_h5_chunk.self)
      }
    }
    return answer
  }

  /// Lets it overwrite the rows.
  func goOn() {
    var byte: UInt8 = 1
    // Should it be gone, the next answer says so.
    _ = send(socket, &byte, 1, Int32(MSG_NOSIGNAL))
  }

  private func take(_ count: Int) throws(HDF5Error) -> [UInt8] {
    allowance -= count
    guard allowance >= 0 else { throw failure("libhdf5 says more than such a file can hold") }
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes {
        recv(socket, $0.baseAddress! + done, count - done, Int32(MSG_WAITALL))
      }
      if got == 0 { throw failure(ending()) }
      if got < 0, errno == EAGAIN {
        throw failure(
          "libhdf5 gave no answer for \(limits.silenceSeconds) seconds and was stopped")
      }
      if got < 0, errno != EINTR { throw failure(String(cString: strerror(errno))) }
      done += max(0, got)
    }
    return bytes
  }

  /// Why it says no more.
  private func ending() -> String {
    var status: Int32 = 0
    var result: pid_t = 0
    // It is gone, or nearly so; one that only hangs up is stopped.
    for _ in 0..<1000 where result == 0 {
      result = waitpid(process, &status, WNOHANG)
      if result == 0 { usleep(1000) }
    }
    guard result != 0 else { return "libhdf5 broke off" }
    process = -1
    close(socket)
    // The signal that ended it; none where somebody else has waited for it.
    let signal = result > 0 ? status & 0x7f : 0
    switch signal {
    case 0: return "libhdf5 broke off in the middle of an answer"
    case SIGXCPU: return "libhdf5 found no end and was stopped"
    default: return "libhdf5 crashed on it (\(String(cString: strsignal(signal))))"
    }
  }

  private func failure(_ reason: String) -> HDF5Error {
    let name = UnsafeRawBufferPointer(start: shared, count: Self.nameBytes).prefix { $0 != 0 }
    return source.place.inside(String(decoding: name, as: UTF8.self)).error(reason)
  }
}
