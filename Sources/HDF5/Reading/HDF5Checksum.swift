/// Bob Jenkins' lookup3, with which HDF5 protects its newer structures.
enum HDF5Checksum {
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

extension HDF5Source {
  /// Bytes whose last four are a checksum of the others; hands out the others.
  func checked(
    at offset: UInt64, count: Int, _ what: String, _ place: HDF5Place
  ) throws(HDF5Error) -> HDF5Cursor {
    guard count >= 4 else { throw place.error("\(what) has only \(count) bytes") }
    let whole = try bytes(at: offset, count: count, place)
    var tail = HDF5Cursor(whole.bytes.suffix(4), place)
    let content = whole.bytes.dropLast(4)
    let stored = UInt32(try tail.word())
    guard !checksChecksums || stored == HDF5Checksum.lookup3(content) else {
      throw place.error("\(what) is damaged (its checksum is wrong)")
    }
    return HDF5Cursor(content, place)
  }
}
