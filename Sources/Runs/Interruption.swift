import Dispatch
import Foundation
import Synchronization

/// Turns SIGINT and SIGTERM into a flag that stages look at between updates.
///
/// A second signal ends the process at once.
public final class Interruption: Sendable {
  private let requested = Atomic<Bool>(false)

  public init() {}

  /// Whether someone asked the run to stop.
  public var isRequested: Bool { requested.load(ordering: .relaxed) }

  public func request() { requested.store(true, ordering: .relaxed) }

  /// Makes this object the receiver of the process's SIGINT and SIGTERM.
  public func listen() {
    Interruption.current.withLock { $0 = self }
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if self.isRequested { _exit(130) }
        self.request()
      }
      source.resume()
      Interruption.sources.withLock { $0.append(Source(source)) }
    }
  }

  private struct Source: @unchecked Sendable {
    let value: any DispatchSourceSignal
    init(_ value: any DispatchSourceSignal) { self.value = value }
  }
  private static let current = Mutex<Interruption?>(nil)
  private static let sources = Mutex<[Source]>([])
}
