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
  /// For tests: done in the child in place of its work.
  package var fault: (@convention(c) () -> Void)?

  package init() {}
}

/// A child process in which libhdf5 reads a file; there it may crash, run for ever or lie.
///
/// No answer is believed: lengths are bounded here, and whoever uses a number checks it against the file.
final class HDF5Child {
  struct Answer {
    var record = bred_h5_record()
    var name = ""
    var text = ""
  }

  private static let nameBytes = Int(BRED_H5_NAME_BYTES)
  private static let sharedBytes = nameBytes + Int(BRED_H5_ROWS_BYTES)

  private let source: HDF5Source
  private let limits: HDF5Limits
  private let shared: UnsafeMutableRawPointer
  private var process: pid_t = -1
  private var socket: Int32 = -1
  /// Bytes that it may still say.
  private var allowance: Int

  /// Where the rows of a `BRED_H5_ROWS` lie.
  var rows: UnsafeRawPointer { UnsafeRawPointer(shared + Self.nameBytes) }

  /// - Parameter request: what is wanted; the rest of it is filled in here.
  /// - Parameter object: the dataset that it is about; `nil` for a walk through the file.
  init(
    _ source: HDF5Source, _ limits: HDF5Limits, object: String? = nil,
    _ request: bred_h5_request = bred_h5_request()
  ) throws(HDF5Error) {
    (self.source, self.limits) = (source, limits)
    // What a file says about itself is not longer than itself, but that objects may have many names.
    allowance = 1 << 26 + 4 * source.length
    let place = source.place.inside(object ?? "")
    let memory = mmap(
      nil, Self.sharedBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { throw place.error("there is no memory left") }
    shared = memory
    var request = request
    request.descriptor = source.descriptor
    request.shared = memory.assumingMemoryBound(to: CChar.self)
    request.memory_megabytes = UInt32(limits.megabytes)
    // libhdf5 converts some ten million numbers in a second, on slow machines two.
    let seconds =
      limits.processorSeconds + source.length >> 23 + Int(request.count * request.width) >> 21
    request.processor_seconds = UInt32(clamping: seconds)
    request.fault = limits.fault
    // No other thread is inside libhdf5 while the process is copied.
    try HDF5Library.locked { (_) throws(HDF5Error) in
      (object ?? "").withCString { name in
        request.object = object == nil ? nil : name
        process = bred_h5_start(&request, &socket)
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
    _ = end()
    munmap(shared, Self.sharedBytes)
  }

  /// The next answer; `nil` at the end.
  func next() throws(HDF5Error) -> Answer? {
    var answer = Answer()
    answer.record = try take(MemoryLayout<bred_h5_record>.size).withUnsafeBytes {
      $0.loadUnaligned(as: bred_h5_record.self)
    }
    if answer.record.kind == BRED_H5_END.rawValue { return nil }
    answer.name = String(decoding: try take(Int(answer.record.name_bytes)), as: UTF8.self)
    answer.text = String(decoding: try take(Int(answer.record.text_bytes)), as: UTF8.self)
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
        recv(socket, $0.baseAddress! + done, count - done, 0)
      }
      if got < 0, errno == EAGAIN {
        throw failure(
          "libhdf5 gave no answer for \(limits.silenceSeconds) seconds and was stopped")
      }
      if got == 0 || got < 0 && errno != EINTR {
        switch end() {
        case 0, SIGKILL: throw failure("libhdf5 broke off in the middle of an answer")
        case SIGXCPU: throw failure("libhdf5 found no end and was stopped")
        case let signal:
          throw failure("libhdf5 crashed on it (\(String(cString: strsignal(signal))))")
        }
      }
      done += max(0, got)
    }
    return bytes
  }

  /// Stops it if it still runs; the signal that ended it, if any.
  private func end() -> Int32 {
    guard process > 0 else { return 0 }
    var status: Int32 = 0
    // This changes nothing where it is dying already of something else.
    kill(process, SIGKILL)
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    close(socket)
    process = -1
    return status & 0x7f
  }

  private func failure(_ reason: String) -> HDF5Error {
    let name = UnsafeRawBufferPointer(start: shared, count: Self.nameBytes).prefix { $0 != 0 }
    return source.place.inside(String(decoding: name, as: UTF8.self)).error(reason)
  }
}
