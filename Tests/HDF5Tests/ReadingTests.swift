import Foundation
import HDF5
import TestSupport
import Testing

/// Files that h5py wrote.
@Suite struct ReadingTests {
  let path = Resources.fixture("datasets/kinds.hdf5").path

  @Test(arguments: [
    ("float32", HDF5Type.float(bytes: 4)), ("float64", .float(bytes: 8)),
    ("int8", .integer(bytes: 1, signed: true)), ("int16", .integer(bytes: 2, signed: true)),
    ("int32", .integer(bytes: 4, signed: true)), ("int64", .integer(bytes: 8, signed: true)),
    ("uint8", .integer(bytes: 1, signed: false)), ("uint16", .integer(bytes: 2, signed: false)),
    ("uint32", .integer(bytes: 4, signed: false)), ("uint64", .integer(bytes: 8, signed: false)),
  ])
  func numbersOfEveryKindInChunks(name: String, type: HDF5Type) throws {
    let array = try HDF5File(reading: path).dataset("chunked/\(name)")
    #expect(array.type == type)
    #expect(array.shape == [35, 7])
    #expect(array.storage == .chunked(shape: [8, 3], deflate: 4))
    let expected = (0..<35 * 7).map { $0 % 100 }
    #expect(try array.read(Float.self) == expected.map { Float($0) })
    #expect(try array.read(Double.self) == expected.map { Double($0) })
    #expect(try array.read(Int64.self) == expected.map { Int64($0) })
  }

  @Test(arguments: [0..<35, 0..<1, 7..<9, 8..<16, 34..<35, 3..<33, 12..<12])
  func ranges(rows: Range<Int>) throws {
    let file = try HDF5File(reading: path)
    for name in ["chunked/float32", "chunked/plain", "chunked/shuffled"] {
      let modulus = name == "chunked/float32" ? 100 : 1000
      let expected = (rows.lowerBound * 7..<rows.upperBound * 7).map { Float($0 % modulus) }
      #expect(try file.dataset(name).read(Float.self, rows: rows) == expected)
    }
  }

  @Test func threadsDoNotMatter() throws {
    for threads in [1, 3] {
      let array = try HDF5File(reading: path, threads: threads).dataset("chunked/shuffled")
      #expect(try array.read(Double.self) == (0..<35 * 7).map { Double($0) })
    }
  }

  @Test func scalarsAndStrings() throws {
    let file = try HDF5File(reading: path)
    #expect(try file.dataset("scalar/int32").read(Int64.self) == [200])
    #expect(try file.dataset("scalar/float64").read(Double.self) == [0.1])
    #expect(try file.dataset("scalar/bytes").readString() == "SAC")
    #expect(try file.dataset("scalar/text").readString() == "variable é")
    #expect(throws: HDF5Error.self) { try file.dataset("scalar/int32").readString() }
    #expect(throws: HDF5Error.self) { try file.dataset("scalar/bytes").read(Float.self) }
  }

  @Test func flags() throws {
    let file = try HDF5File(reading: path)
    #expect(try file.dataset("contiguous/bool").readFlags() == [true, false, true])
    let chunked = try file.dataset("chunked/bool")
    #expect(chunked.type == .boolean)
    #expect(try chunked.readFlags() == (0..<35).map { $0 * 7 % 2 == 0 })
    let error = try #require(throws: HDF5Error.self) {
      try file.dataset("contiguous/float32").readFlags()
    }
    #expect(error.reason.contains("row 0"))
  }

  @Test func emptyArray() throws {
    let array = try HDF5File(reading: path).dataset("empty")
    #expect(array.shape == [0, 4])
    #expect(try array.read(Float.self) == [])
  }

  @Test func listing() throws {
    let file = try HDF5File(reading: path)
    #expect(file.contains("scalar"))
    #expect(!file.contains("scalar/none"))
    #expect(
      file.objects(below: "scalar").map(\.path)
        == ["scalar/bytes", "scalar/float64", "scalar/int32", "scalar/text"])
    #expect(
      file.objects().filter { $0.kind == .group }.map(\.path)
        == ["chunked", "contiguous", "refused", "scalar"])
  }

  @Test(arguments: [
    ("rank3", "2 dimensions"), ("complex", "compound"), ("lzf", "filter 32000 (lzf)"),
  ])
  func refusals(name: String, reason: String) throws {
    let error = try #require(throws: HDF5Error.self) {
      _ = try HDF5File(reading: path).dataset("refused/\(name)").read(Float.self)
    }
    #expect(error.object == "refused/\(name)")
    #expect(error.file == path)
    #expect(error.reason.contains(reason))
  }
}
