import Foundation
import Synchronization

/// The process's standard output and standard error, neither of which can end it by surprise.
///
/// Results must arrive: what standard output does not take is an error. Progress, warnings and messages may
/// be lost: a run goes on without its terminal, or with a full disk under its log.
package enum Console {
  /// Nobody reads standard output any more, as in `bred … | head`: no reason for words.
  package struct ReaderGone: Error {}

  private struct Losses {
    var messages = 0
    var reason = ""
  }
  private static let losses = Mutex(Losses())

  /// To be called before any file is opened.
  ///
  /// A pipe without a reader becomes an error instead of a signal, and the number of a closed stream is
  /// taken, so that no file gets it and what is meant for the stream.
  package static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    while true {
      let number = open("/dev/null", O_RDONLY)
      if number > STDERR_FILENO || number < 0 {
        if number >= 0 { close(number) }
        return
      }
    }
  }

  /// Writes a result to standard output.
  ///
  /// - Throws: ``RunError/cannotWrite(path:reason:)``, or ``ReaderGone``.
  package static func print(_ text: String, terminator: String = "\n") throws {
    switch write(text + terminator, to: STDOUT_FILENO) {
    case 0: return
    case EPIPE: throw ReaderGone()
    case let code:
      throw RunError.cannotWrite(path: "standard output", reason: String(cString: strerror(code)))
    }
  }

  /// Writes a message to standard error, as far as that takes it.
  package static func log(_ text: String, terminator: String = "\n") {
    let code = write(text + terminator, to: STDERR_FILENO)
    // Who closed the stream or left wants no messages; a full disk is another matter.
    guard [ENOSPC, EFBIG, EDQUOT].contains(code) else { return }
    losses.withLock {
      $0.messages += 1
      $0.reason = String(cString: strerror(code))
    }
  }

  /// Says once, at the end, that messages were lost: on standard error if it takes words again, otherwise on
  /// standard output.
  ///
  /// - Parameter outputIsFree: standard output does not belong to one JSON object.
  package static func finish(outputIsFree: Bool) {
    let lost = losses.withLock { $0 }
    guard lost.messages > 0 else { return }
    let note =
      "note: messages for standard error were lost (\(lost.messages)): \(lost.reason)\n"
    if write(note, to: STDERR_FILENO) != 0, outputIsFree { _ = write(note, to: STDOUT_FILENO) }
  }

  /// - Returns: 0, or the system's error.
  private static func write(_ text: String, to number: Int32) -> Int32 {
    let bytes = Array(text.utf8)
    var start = 0
    while start < bytes.count {
      let count = bytes.withUnsafeBytes {
        Foundation.write(number, $0.baseAddress! + start, bytes.count - start)
      }
      if count >= 0 {
        start += count
      } else if errno == EAGAIN {
        var request = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        _ = poll(&request, 1, -1)
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}
