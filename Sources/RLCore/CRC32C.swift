/// CRC-32C (Castagnoli), eight bytes at a time: notices every burst of damage up to 32 bits, and any other damage
/// but once in four billion.
package struct CRC32C {
  private var value: UInt32 = 0xffff_ffff

  package init() {}

  /// Row k tells what a byte does after k further ones (slicing by eight).
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for index in 0..<256 {
      tables[index] = (0..<8).reduce(UInt32(index)) { value, _ in
        value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82f6_3b78
      }
    }
    for index in 256..<8 * 256 {
      let before = tables[index - 256]
      tables[index] = before >> 8 ^ tables[Int(before & 0xff)]
    }
    return tables
  }()

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var value = value
    CRC32C.tables.withUnsafeBufferPointer { tables in
      var position = 0
      while position + 8 <= bytes.count {
        let word = UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        let low = UInt32(truncatingIfNeeded: word) ^ value
        let high = UInt32(truncatingIfNeeded: word >> 32)
        value =
          tables[1792 + Int(low & 0xff)] ^ tables[1536 + Int(low >> 8 & 0xff)]
          ^ tables[1280 + Int(low >> 16 & 0xff)] ^ tables[1024 + Int(low >> 24)]
          ^ tables[768 + Int(high & 0xff)] ^ tables[512 + Int(high >> 8 & 0xff)]
          ^ tables[256 + Int(high >> 16 & 0xff)] ^ tables[Int(high >> 24)]
        position += 8
      }
      for byte in bytes[position...] {
        value = value >> 8 ^ tables[Int((value ^ UInt32(byte)) & 0xff)]
      }
    }
    self.value = value
  }

  package mutating func update<Element: BitwiseCopyable>(_ values: [Element]) {
    values.withUnsafeBytes { update($0) }
  }

  package var checksum: UInt32 { ~value }

  package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var sum = CRC32C()
    sum.update(Array(bytes))
    return sum.checksum
  }

  /// Eight hexadecimal digits.
  package var text: String {
    let digits = String(checksum, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Rotated and offset as in TFRecord files, so that a checksum of checksums stays meaningful.
  package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let value = checksum(bytes)
    return (value >> 15 | value << 17) &+ 0xa282_ead8
  }
}
