public import DenseMath

/// Damage to a file: what tests of readers apply, the same for the same random numbers.
public enum HDF5Mutation {
  /// Numbers that lie at the edges of what a field may hold.
  private static let extremes: [UInt64] = [
    0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
    0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff,
  ]

  public static func apply(
    to whole: [UInt8], using generator: inout RandomStream
  ) -> [UInt8] {
    var bytes = whole
    for _ in 0...generator.index(below: 3) { mutate(&bytes, whole, using: &generator) }
    return bytes
  }

  private static func mutate(
    _ bytes: inout [UInt8], _ whole: [UInt8], using generator: inout RandomStream
  ) {
    guard bytes.count > 128 else { return }
    // Half of the damage goes to the places where structures start with a signature.
    let signatures = generator.index(below: 2) == 0 ? positions(in: bytes) : []
    let anchor =
      signatures.isEmpty
      ? generator.index(below: bytes.count - 16)
      : min(
        bytes.count - 16,
        signatures[generator.index(below: signatures.count)]
          + generator.index(below: 96))
    switch generator.index(below: 7) {
    case 0: bytes[anchor] ^= 1 << UInt8(generator.index(below: 8))
    case 1: bytes[anchor] = UInt8(truncatingIfNeeded: generator.next())
    case 2, 3:
      let size = [1, 2, 4, 8][generator.index(below: 4)]
      var value = extremes[generator.index(below: extremes.count)]
      for index in 0..<size {
        bytes[anchor + index] = UInt8(truncatingIfNeeded: value)
        value >>= 8
      }
    case 4:
      // An address elsewhere in the file: loops and types in the wrong place.
      var value = UInt64(generator.index(below: bytes.count))
      for index in 0..<8 {
        bytes[anchor / 8 * 8 + index] = UInt8(truncatingIfNeeded: value)
        value >>= 8
      }
    case 5:
      let count = min(bytes.count - anchor, 1 + generator.index(below: 64))
      let from = generator.index(below: whole.count - count)
      bytes.replaceSubrange(anchor..<anchor + count, with: whole[from..<from + count])
    default:
      if generator.index(below: 4) == 0 {
        bytes.removeLast(generator.index(below: bytes.count / 2))
      } else {
        let count = min(bytes.count - anchor, 1 + generator.index(below: 256))
        for index in anchor..<anchor + count { bytes[index] = 0 }
      }
    }
  }

  /// Where trees, heaps, symbols and the superblock start.
  private static func positions(in bytes: [UInt8]) -> [Int] {
    var found = [0]
    for signature in ["TREE", "SNOD", "HEAP"].map({ Array($0.utf8) }) {
      var index = 0
      while index + 4 <= bytes.count {
        if bytes[index] == signature[0], Array(bytes[index..<index + 4]) == signature {
          found.append(index)
        }
        index += 8
      }
    }
    // The newer ones need not be aligned.
    let newer = [
      "OHDR", "OCHK", "FRHP", "FHDB", "FHIB", "BTHD", "BTIN", "BTLF", "FAHD", "FADB",
      "EAHD", "EAIB", "EADB",
    ].map { Array($0.utf8) }
    for index in 0..<max(0, bytes.count - 4) {
      // B, E, F, O.
      guard [0x42, 0x45, 0x46, 0x4f].contains(bytes[index]) else { continue }
      if newer.contains(where: { bytes[index..<index + 4].elementsEqual($0) }) {
        found.append(index)
      }
    }
    return found
  }
}
