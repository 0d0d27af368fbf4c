import Foundation
import HDF5
import TestSupport
import Testing

/// What valid files hold besides the plain arrays of D4RL.
@Suite struct FormTests {
  static let long = (0..<2700).map { Float($0) }

  private func file(_ name: String = "forms.hdf5") throws -> HDF5File {
    try HDF5File(reading: Resources.fixture("datasets/\(name)").path)
  }

  /// A flag column that is all false need never be written.
  @Test func unwritten() throws {
    let file = try file()
    for name in ["unwritten/contiguous", "unwritten/chunked"] {
      let array = try file.dataset(name)
      #expect(array.type == .boolean && array.storedBytes == 0)
      #expect(try array.readFlags() == [Bool](repeating: false, count: 900))
      #expect(try array.readFlags(rows: 3..<7) == [Bool](repeating: false, count: 4))
    }
    #expect(
      try file.dataset("unwritten/filled").read(Float.self)
        == [Float](repeating: 0.5, count: 2700))
    #expect(try file.dataset("unwritten/small").read(Int64.self) == [7, 7, 7, 7, 7, 7])
    let partly = try file.dataset("unwritten/partly").read(Double.self)
    #expect(partly == (0..<2700).map { (900..<1200).contains($0) ? Double($0) : -1 })
    #expect(
      try file.dataset("unwritten/partly").read(Float.self, rows: 299..<301)
        == [-1, -1, -1, 900, 901, 902])
  }

  @Test(arguments: ["yes_no_i1", "yes_no_i4", "lower_i1", "lower_i4", "bits8", "bits16"])
  func flags(name: String) throws {
    let array = try file().dataset("flags/\(name)")
    #expect(array.type == .boolean)
    #expect(try array.readFlags() == (0..<900).map { $0 % 3 == 0 })
    #expect(try array.readFlags(rows: 300..<302) == [true, false])
    #expect(throws: HDF5Error.self) { try array.read(Float.self) }
  }

  @Test func noFlags() throws {
    let file = try file()
    let opposite = try #require(throws: HDF5Error.self) { try file.dataset("flags/opposite") }
    #expect(opposite.reason == "holds an enumeration in which true is 0")
    let three = try file.dataset("flags/three")
    #expect(three.type == .integer(bytes: 1, signed: true))
    #expect(try three.read(Int64.self) == (0..<900).map { Int64($0 % 3) })
    #expect(throws: HDF5Error.self) { try three.readFlags() }
  }

  @Test(
    arguments: [
      "float32_be", "float64_be", "int16_be", "int32_be", "int64_be", "uint32_be", "float16_le",
      "float16_be",
    ], ["", "_chunked"])
  func numbers(name: String, suffix: String) throws {
    let array = try file().dataset("numbers/\(name)\(suffix)")
    #expect(name.hasPrefix(array.type.description))
    let expected = FormTests.long.map { $0.truncatingRemainder(dividingBy: 1000) }
    #expect(try array.read(Float.self) == expected)
    #expect(try array.read(Int64.self) == expected.map { Int64($0) })
    #expect(try array.read(Double.self, rows: 127..<129) == expected[381..<387].map { Double($0) })
  }

  @Test(arguments: [
    ("forms.hdf5", "numbers/compact"), ("forms.hdf5", "filters/fletcher32"),
    ("forms.hdf5", "filters/all"), ("forms.hdf5", "filters/scaleoffset"),
    ("forms.hdf5", "filters/szip"), ("forms.hdf5", "of_kind"), ("forms-v110.hdf5", "single"),
    ("forms-v110.hdf5", "fixed"), ("forms-v110.hdf5", "extensible"), ("forms-v110.hdf5", "tree"),
    ("forms-v110.hdf5", "implicit"), ("forms-v110.hdf5", "edges"),
    ("userblock.hdf5", "contiguous"), ("userblock.hdf5", "chunked"),
  ])
  func storage(name: String, object: String) throws {
    let array = try file(name).dataset(object)
    #expect(array.shape == [900, 3])
    #expect(try array.read(Float.self) == FormTests.long)
    for rows in [0..<1, 99..<101, 700..<900, 5..<5] {
      #expect(
        try array.read(Float.self, rows: rows)
          == Array(FormTests.long[rows.lowerBound * 3..<rows.upperBound * 3]))
    }
    // Where rows are read by libhdf5 in more than one piece.
    #expect(try array.read(Int64.self) == FormTests.long.map { Int64($0) })
  }

  @Test func links() throws {
    let file = try file()
    #expect(
      try file.dataset("links/inside").read(Float.self)
        == file.dataset("numbers/float32_be").read(Float.self))
    #expect(try file.dataset("links/group/float64_be").shape == [900, 3])
    let expected = [
      ("kind", "is a named type, not a dataset"),
      ("flags/opposite", "holds an enumeration in which true is 0"),
      ("links/dangling", "is a soft link to nothing in this file"),
      ("links/outside", "is a link to another file, which is not followed"),
      ("links/through", "is a soft link to nothing in this file"),
      ("links/root", "leads back to a group that it is in"),
    ]
    #expect(Set(file.leftOut.map(\.object)) == Set(expected.map(\.0)))
    for (object, reason) in expected {
      #expect(!file.contains(object))
      let error = try #require(throws: HDF5Error.self) { try file.dataset(object) }
      #expect(error.reason == reason && error.object == object)
    }
  }

  @Test func text() throws {
    #expect(try file("userblock.hdf5").dataset("text").readString() == "behind a block")
  }

  @Test func otherFiles() throws {
    let file = try file("elsewhere.hdf5")
    #expect(try file.dataset("here").read(Float.self) == [0, 1, 2, 3])
    for (object, words) in [
      ("external", "is stored in another file, which is refused"),
      ("virtual", "is a virtual dataset, made of parts of others, which is refused"),
    ] {
      let error = try #require(throws: HDF5Error.self) { try file.dataset(object) }
      #expect(error.reason == words)
    }
  }

  /// The message gives the command that helps.
  @Test func newerThanTheLibrary() throws {
    let file = try file("too-new.hdf5")
    #expect(try file.dataset("contiguous").read(Float.self) == FormTests.long)
    let error = try #require(throws: HDF5Error.self) { try file.dataset("chunked") }
    #expect(error.reason.contains("newer format than libhdf5 \(hdf5LibraryVersion())"))
    #expect(error.reason.contains("h5repack --low=0 --high=2 \(file.path) COPY.hdf5"))
    let lzf = try #require(throws: HDF5Error.self) {
      try HDF5File(reading: Resources.fixture("datasets/kinds.hdf5").path).dataset("refused/lzf")
    }
    #expect(lzf.reason.contains("filter 32000 (lzf)"))
    #expect(lzf.reason.contains("h5repack -f GZIP=4 \(lzf.file) COPY.hdf5"))
  }
}
