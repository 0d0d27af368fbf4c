import Foundation
import RLCore
import TestSupport
import Testing

@testable import Exchange

@Suite struct NumpyArchiveTests {
  /// Members of an archive, by way of its directory at the end.
  private func members(_ bytes: [UInt8]) -> [String: ArraySlice<UInt8>] {
    func number(_ at: Int, _ size: Int) -> Int {
      (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
    let end = bytes.count - 22
    #expect(number(end, 4) == 0x0605_4b50)
    var result: [String: ArraySlice<UInt8>] = [:]
    var entry = number(end + 16, 4)
    for _ in 0..<number(end + 10, 2) {
      #expect(number(entry, 4) == 0x0201_4b50)
      let (size, length) = (number(entry + 24, 4), number(entry + 28, 2))
      let name = String(decoding: bytes[(entry + 46)..<(entry + 46 + length)], as: UTF8.self)
      let local = number(entry + 42, 4)
      #expect(number(local, 4) == 0x0403_4b50 && number(local + 26, 2) == length)
      result[name] = bytes[(local + 30 + length)..<(local + 30 + length + size)]
      entry += 46 + length
    }
    #expect(entry == end)
    return result
  }

  @Test func arraysAndTextsStandWhereNumpyLooks() throws {
    let numbers = Tensor(.float32([1, 2, 3, 4, 5, 6]), shape: [2, 3])
    let archive = NumpyArchive([
      "b/weight": .numbers(numbers), "a": .text("añ"),
      "c": .numbers(Tensor(.int64([7]), shape: [])),
    ])
    let members = members(archive.bytes())
    #expect(members.keys.sorted() == ["a.npy", "b/weight.npy", "c.npy"])
    let weight = Array(try #require(members["b/weight.npy"]))
    #expect(weight[0..<8] == [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0])
    let length = Int(weight[8]) + 256 * Int(weight[9])
    #expect((10 + length) % 64 == 0 && weight[9 + length] == 0x0a)
    let header = String(decoding: weight[10..<(10 + length)], as: UTF8.self)
    #expect(
      header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"))
    let values = weight[(10 + length)...].withUnsafeBytes { bytes in
      (0..<6).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    #expect(values == [1, 2, 3, 4, 5, 6])
    let text = Array(try #require(members["a.npy"]))
    #expect(String(decoding: text, as: UTF8.self).contains("'<U2'"))
    #expect(text.suffix(8) == [0x61, 0, 0, 0, 0xf1, 0, 0, 0])
    #expect(String(decoding: try #require(members["c.npy"]), as: UTF8.self).contains("'shape': ()"))
  }

  /// CRC-32 of "123456789" is 0xcbf43926, by definition.
  @Test func checksums() throws {
    let archive = NumpyArchive(["x": .numbers(Tensor(.uint8(Array("123456789".utf8))))])
    let bytes = archive.bytes()
    let content = try #require(members(bytes)["x.npy"])
    #expect(content.suffix(9) == Array("123456789".utf8)[...])
    // Of the whole member, here from a table made bit by bit.
    var checksum: UInt32 = 0xffff_ffff
    for byte in content {
      checksum ^= UInt32(byte)
      for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xedb8_8320 : 0) }
    }
    let stored = bytes[14..<18].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    #expect(stored == ~checksum)
  }

  @Test func aPolicyHasItsTensorsAndWhatItIs() throws {
    let folder = TemporaryDirectory()
    let entry = try #require(TestPolicies.all.first { $0.name == "normalized mixture" })
    let export = try PolicyExport(TestPolicies.stored(entry.policy), producer: "bred test")
    try export.write(.npz, to: folder.file("policy.npz"))
    let names = members(
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.file("policy.npz"))))
    )
    .keys
    for name in [
      "kind", "environment", "log_std_bounds", "normalizer.mean", "normalizer.std",
      "member-0/fc0.weight", "member-1/last_fc_log_std.bias",
    ] { #expect(names.contains("\(name).npy")) }
    #expect(names.count == 6 + 2 * 8)
  }
}
