public import DenseMath
import Foundation
import Testing

/// Reading damaged files for as long as one likes (`make fuzz`), or so many of them (`make torture-parsers`).
///
/// `BRED_FUZZ_SECONDS` or `BRED_FUZZ_COUNT` turns it on for each test that uses it, `BRED_FUZZ_SEED` chooses other
/// damage.
/// Should the process die, the file that killed it is still where the first line says.
public enum Fuzzing {
  private static let seconds = ProcessInfo.processInfo.environment["BRED_FUZZ_SECONDS"]
    .flatMap(Double.init)
  private static let count = ProcessInfo.processInfo.environment["BRED_FUZZ_COUNT"]
    .flatMap(UInt64.init)
  public static var isOn: Bool { seconds != nil || count != nil }
  public static let seed =
    ProcessInfo.processInfo.environment["BRED_FUZZ_SEED"]
    .flatMap(UInt64.init) ?? 1

  /// Writes one damaged file after the other to `path` until the time is up.
  ///
  /// - Parameter read: whether the file could be read; checks what it likes.
  public static func run(
    _ name: String, path: String, damage: (inout RandomStream) -> [UInt8],
    read: () throws -> Bool
  ) throws {
    let end = seconds.map { Date(timeIntervalSinceNow: $0) } ?? .distantFuture
    var counts = (read: 0, refused: 0)
    print("fuzz \(name): seed \(seed), the damaged file is \(path)")
    var step: UInt64 = 0
    while step < count ?? .max, Date() < end {
      var generator = RandomStream(seed: seed, purpose: "fuzz/\(name)", step: step)
      try Data(damage(&generator)).replaceFile(at: path)
      if try read() { counts.read += 1 } else { counts.refused += 1 }
      step += 1
    }
    #expect(counts.read > 0 && counts.refused > 0)
    print("fuzz \(name): \(step) files, \(counts.read) read, \(counts.refused) refused")
  }

  /// A text, or something like one, with up to three bytes changed, put in or taken out, or cut.
  ///
  /// - Parameter range: the bytes in which most of the damage lies.
  public static func damaged(
    _ original: [UInt8], in range: Range<Int>? = nil, using random: inout RandomStream
  ) -> [UInt8] {
    let interesting =
      Array("{}[]\":,\\0123456789-.eFUIu #&*!|>%@`'\n\t".utf8) + [0, 0x7f, 0x80, 0xff]
    var bytes = original
    for _ in 0..<max(1, random.index(below: 4)) {
      let everywhere = random.index(below: 5) == 0
      let end = everywhere ? bytes.count : min(range?.upperBound ?? bytes.count, bytes.count)
      if end == 0 { continue }
      let place = random.index(below: end)
      let byte =
        random.index(below: 2) == 0
        ? interesting[random.index(below: interesting.count)]
        : UInt8(truncatingIfNeeded: random.next())
      switch random.index(below: 6) {
      case 0: bytes.insert(byte, at: place)
      case 1: bytes.remove(at: place)
      case 2: bytes.removeLast(random.index(below: bytes.count))
      default: bytes[place] = byte
      }
    }
    return bytes
  }
}
