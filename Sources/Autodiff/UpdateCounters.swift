import Synchronization

/// Numbers of the updates under way, one for each tape.
///
/// A variable may outlive its tape and still look, so a counter is never released. The next tape gets it and
/// counts on: it shows no number twice.
enum UpdateCounters {
  private struct Counter: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<UInt64>
  }
  private static let free = Mutex<[Counter]>([])

  static func take() -> UnsafeMutablePointer<UInt64> {
    if let counter = free.withLock({ $0.popLast() }) { return counter.pointer }
    let pointer = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    pointer.initialize(to: 1)
    return pointer
  }

  static func giveBack(_ pointer: UnsafeMutablePointer<UInt64>) {
    pointer.pointee += 1
    let counter = Counter(pointer: pointer)
    free.withLock { $0.append(counter) }
  }
}
