import DenseMath
import Foundation
import HDF5
import TestSupport
import Testing

/// Attacks on purpose, where mutations by chance would hardly get.
@Suite struct HostileFileTests {
  let folder = TemporaryDirectory()
  private var path: String { folder.file("hostile.hdf5") }

  private func write(
    _ names: [String], shape: [Int] = [4], chunkRows: Int? = nil
  ) throws -> [UInt8] {
    try? FileManager.default.removeItem(atPath: path)
    let file = try HDF5OutputFile(creating: path)
    for name in names {
      try file.createDataset(name, shape: shape, type: .float(bytes: 4), chunkRows: chunkRows)
        .write([Float](repeating: 1, count: shape.reduce(1, *)))
    }
    try file.close()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func refusal(_ bytes: [UInt8]) throws -> HDF5Error {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try #require(throws: HDF5Error.self) {
      let file = try HDF5File(reading: path)
      if let failure = file.leftOut.first { throw failure }
      for object in file.objects() where object.kind == .dataset {
        _ = try file.dataset(object.path).read(Float.self)
      }
    }
  }

  private func positions(of signature: String, in bytes: [UInt8]) -> [Int] {
    stride(from: 0, to: bytes.count - 8, by: 8).filter {
      bytes[$0..<$0 + 4].elementsEqual(signature.utf8)
    }
  }

  @Test func deepGroups() throws {
    let name = [String](repeating: "a", count: 20).joined(separator: "/") + "/x"
    #expect(try refusal(write([name])).reason.contains("nested deeper than 16"))
  }

  @Test func groupInsideItself() throws {
    var bytes = try write(["g/x"])
    let root = bytes[64..<72]
    for node in positions(of: "SNOD", in: bytes) {
      bytes.replaceSubrange(node + 16..<node + 24, with: root)
    }
    #expect(try refusal(bytes).reason.contains("leads back to a group that it is in"))
  }

  /// Seven levels of groups, at each of which eight names lead to the same group: two million objects
  /// in some kilobytes.
  @Test func manyNamesForOneGroup() throws {
    var names: [String] = []
    for depth in 0..<7 {
      let above = [String](repeating: "m0/", count: depth).joined()
      // Nothing else in m0, so that its names have one table.
      names += (depth == 6 ? 0..<8 : 1..<8).map { "\(above)m\($0)/z" }
    }
    var bytes = try write(names)
    for node in positions(of: "SNOD", in: bytes) where bytes[node + 6] >= 8 {
      let first = bytes[node + 16..<node + 24]
      for member in 1..<8 {
        bytes.replaceSubrange(node + 16 + member * 40..<node + 24 + member * 40, with: first)
      }
    }
    #expect(try refusal(bytes).reason == "more than \(bytes.count / 40) objects")
  }

  /// What a chunk claims to need is compared with what is stored before memory is given.
  @Test(arguments: [(UInt32(8), "is stored in 8"), (.max, "lies outside the file")])
  func chunksOfAbsurdSize(size: UInt32, words: String) throws {
    var bytes = try write(["x"], shape: [1 << 20], chunkRows: 1 << 20)
    let index = try #require(positions(of: "TREE", in: bytes).first { bytes[$0 + 4] == 1 })
    withUnsafeBytes(of: size.littleEndian) {
      bytes.replaceSubrange(index + 24..<index + 28, with: $0)
    }
    #expect(try refusal(bytes).reason.contains(words))
  }

  /// Shorter than when it was opened: an error, not the signal that a mapped file would give.
  @Test(arguments: [nil, 1000])
  func shrinksWhileItIsRead(chunkRows: Int?) throws {
    let length = try write(["x"], shape: [100_000], chunkRows: chunkRows).count
    let file = try HDF5File(reading: path)
    let array = try file.dataset("x")
    #expect(try array.read(Float.self).count == 100_000)
    truncate(path, length / 2)
    let error = try #require(throws: HDF5Error.self) { _ = try array.read(Float.self) }
    #expect(error.reason == "the file became shorter while it was read" && error.object == "x")
    truncate(path, 0)
    #expect(throws: HDF5Error.self) { _ = try array.read(Float.self, rows: 0..<1) }
  }

  @Test func endsAnywhere() throws {
    let whole = try write(["a", "g/b"], shape: [40], chunkRows: 8)
    // From the end to the start, byte by byte in long tests.
    for length in stride(from: whole.count - 1, through: 0, by: Resources.longTests ? 1 : 17) {
      #expect(truncate(path, length) == 0)
      #expect(throws: HDF5Error.self) { _ = try HDF5File(reading: path) }
    }
  }

  @Test(.enabled(if: Fuzzing.isOn, "make fuzz"))
  func fuzz() throws {
    let whole = [UInt8](try Data(contentsOf: Resources.fixture("datasets/kinds.hdf5")))
    try Fuzzing.run("hdf5", path: path) {
      HDF5Mutation.apply(to: whole, using: &$0)
    } read: {
      BadFileTests.damage(in: path).isEmpty
    }
  }
}
