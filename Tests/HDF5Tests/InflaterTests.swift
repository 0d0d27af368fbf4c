import CZlib
import TestSupport
import Testing

@testable import HDF5

/// Both ways of undoing deflate give the same bytes and refuse the same streams.
@Suite struct InflaterTests {
  private func deflated(_ bytes: [UInt8]) -> [UInt8] {
    var length = compressBound(uLong(bytes.count))
    var result = [UInt8](repeating: 0, count: Int(length))
    #expect(compress2(&result, &length, bytes, uLong(bytes.count), 4) == Z_OK)
    return Array(result[..<Int(length)])
  }

  private func inflate(_ stored: [UInt8], _ count: Int, fast: Bool) -> ([UInt8], String?) {
    var target = [UInt8](repeating: 0xee, count: count)
    let fault = target.withUnsafeMutableBytes { target in
      stored.withUnsafeBytes {
        Inflater(fast: fast).inflate($0.baseAddress!, $0.count, to: target.baseAddress!, count)
      }
    }
    return (target, fault)
  }

  private let numbers = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 * $0 >> 7 ^ $0) }

  @Test(arguments: [true, false])
  func streamsComeBack(fast: Bool) {
    let (bytes, fault) = inflate(deflated(numbers), numbers.count, fast: fast)
    #expect(fault == nil && bytes == numbers)
  }

  @Test(arguments: [true, false])
  func whatIsWrongIsSaid(fast: Bool) {
    var stored = deflated(numbers)
    #expect(inflate(stored, numbers.count - 1, fast: fast).1 == "zlib error -5")
    #expect(inflate(stored, numbers.count + 1, fast: fast).1 == "20000 of 20001 bytes")
    #expect(
      inflate(Array(stored.dropLast(5)), numbers.count, fast: fast).1?.hasPrefix("zlib") == true)
    stored[stored.count - 1] ^= 1
    #expect(inflate(stored, numbers.count, fast: fast).1 == "zlib error -3")
  }

  /// One bit anywhere: the two agree, and nothing passes with other bytes.
  @Test func damagedStreamsAreJudgedAlike() {
    let short = Array(numbers.prefix(300))
    let stored = deflated(short)
    for bit in 0..<8 * stored.count {
      var damaged = stored
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      let (fast, plain) = (inflate(damaged, 300, fast: true), inflate(damaged, 300, fast: false))
      #expect((fast.1 == nil) == (plain.1 == nil), "bit \(bit)")
      if fast.1 == nil { #expect(fast.0 == short, "bit \(bit)") }
    }
  }
}
