public import DenseMath
import Foundation

/// Reading damaged files for as long as one likes: `make fuzz`.
///
/// `BRED_FUZZ_SECONDS` turns it on for each test that uses it, `BRED_FUZZ_SEED` chooses other damage.
/// Should the process die, the file that killed it is still where the first line says.
public enum Fuzzing {
  public static let seconds = ProcessInfo.processInfo.environment["BRED_FUZZ_SECONDS"]
    .flatMap(Double.init)
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
    let end = Date(timeIntervalSinceNow: seconds ?? 0)
    var counts = (read: 0, refused: 0)
    print("fuzz \(name): seed \(seed), the damaged file is \(path)")
    var step: UInt64 = 0
    while Date() < end {
      var generator = RandomStream(seed: seed, purpose: "fuzz/\(name)", step: step)
      try Data(damage(&generator)).write(to: URL(fileURLWithPath: path))
      if try read() { counts.read += 1 } else { counts.refused += 1 }
      step += 1
    }
    print("fuzz \(name): \(step) files, \(counts.read) read, \(counts.refused) refused")
  }
}
