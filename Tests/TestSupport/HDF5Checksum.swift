/// Bob Jenkins' lookup3, with which HDF5 protects its newer structures.
///
/// Damage in them is found by it, nearly always; a test of what lies behind has to make the checksums right again.
public struct HDF5Checksum {
  /// The structures of a file: where each starts, and where its checksum stands.
  private let structures: [Range<Int>]

  /// Finds the structures of an undamaged file.
  public init(_ whole: [UInt8]) {
    let signatures = [
      "OHDR", "OCHK", "FRHP", "FHDB", "FHIB", "BTHD", "BTIN", "BTLF", "FAHD", "FADB", "EAHD",
      "EAIB",
      "EADB",
    ].map { Array($0.utf8) }
    var found: [Range<Int>] = []
    for start in 0..<max(0, whole.count - 8)
    where signatures.contains(where: { whole[start..<start + 4].elementsEqual($0) }) {
      // The checksum is the word that is the checksum of all before it.
      for end in start + 8..<min(start + 4200, whole.count - 3) {
        let stored = (0..<4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(whole[end + $1]) }
        if stored == HDF5Checksum.lookup3(whole[start..<end]) {
          found.append(start..<end)
          break
        }
      }
    }
    structures = found
  }

  public var count: Int { structures.count }

  /// Makes the checksums of a damaged copy right.
  public func repair(_ bytes: inout [UInt8]) {
    for structure in structures where structure.upperBound + 4 <= bytes.count {
      let right = HDF5Checksum.lookup3(bytes[structure])
      for index in 0..<4 {
        bytes[structure.upperBound + index] = UInt8(truncatingIfNeeded: right >> UInt32(8 * index))
      }
    }
  }

  static func lookup3(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var a = 0xdead_beef &+ UInt32(truncatingIfNeeded: bytes.count)
    var (b, c) = (a, a)
    var rest = bytes
    func word(_ offset: Int) -> UInt32 {
      var value: UInt32 = 0
      for index in (0..<4).reversed() where offset + index < rest.count {
        value |= UInt32(rest[rest.startIndex + offset + index]) << UInt32(8 * index)
      }
      return value
    }
    func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 {
      value << count | value >> (32 - count)
    }
    while rest.count > 12 {
      a &+= word(0)
      b &+= word(4)
      c &+= word(8)
      a = (a &- c) ^ rotate(c, 4)
      c &+= b
      b = (b &- a) ^ rotate(a, 6)
      a &+= c
      c = (c &- b) ^ rotate(b, 8)
      b &+= a
      a = (a &- c) ^ rotate(c, 16)
      c &+= b
      b = (b &- a) ^ rotate(a, 19)
      a &+= c
      c = (c &- b) ^ rotate(b, 4)
      b &+= a
      rest = rest.dropFirst(12)
    }
    guard !rest.isEmpty else { return c }
    a &+= word(0)
    b &+= word(4)
    c &+= word(8)
    c = (c ^ b) &- rotate(b, 14)
    a = (a ^ c) &- rotate(c, 11)
    b = (b ^ a) &- rotate(a, 25)
    c = (c ^ b) &- rotate(b, 16)
    a = (a ^ c) &- rotate(c, 4)
    b = (b ^ a) &- rotate(a, 14)
    return (c ^ b) &- rotate(b, 24)
  }
}
