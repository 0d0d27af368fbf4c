import Dispatch
import Foundation
import Synchronization

/// Turns the signals that ask a process to stop into a flag that stages look at between updates.
///
/// They are SIGINT and SIGTERM, SIGHUP of a lost terminal (unless `nohup` had it ignored), and what batch
/// systems send before the time is up, SIGUSR1 and SIGXCPU. A second SIGINT or SIGTERM ends the process at
/// once; of the others several may come while the checkpoint is written.
public final class Interruption: Sendable {
  private let requested = Atomic<Bool>(false)
  private let impatient = Atomic<Bool>(false)

  public init() {}

  /// Whether someone asked the run to stop.
  public var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Asks as a signal does, from any thread: what runs writes a checkpoint and stops.
  public func request() { requested.store(true, ordering: .relaxed) }

  /// Makes this object the receiver of the process's signals.
  ///
  /// - Parameter ignored: signals that are for another process, such as the one that has started this one.
  public func listen(ignoring ignored: Set<Int32> = []) {
    Interruption.current.withLock { $0 = self }
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU] {
      let wasIgnored = Interruption.ignore(number)
      if ignored.contains(number) { continue }
      if number == SIGHUP, wasIgnored { continue }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if number == SIGINT || number == SIGTERM,
          self.impatient.exchange(true, ordering: .relaxed)
        {
          _exit(130)
        }
        self.request()
      }
      source.resume()
      Interruption.sources.withLock { $0.append(Source(source)) }
    }
  }

  /// - Returns: whether the signal was ignored before.
  private static func ignore(_ number: Int32) -> Bool {
    var before = sigaction()
    sigaction(number, nil, &before)
    signal(number, SIG_IGN)
    return withUnsafeBytes(of: before.__sigaction_handler) {
      $0.load(as: UInt.self) == 1  // SIG_IGN
    }
  }

  private struct Source: @unchecked Sendable {
    let value: any DispatchSourceSignal
    init(_ value: any DispatchSourceSignal) { self.value = value }
  }
  private static let current = Mutex<Interruption?>(nil)
  private static let sources = Mutex<[Source]>([])
}
