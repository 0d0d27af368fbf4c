import Foundation
import HDF5
import TestSupport
import Testing

/// Groups and attributes of the newer kind, as h5py writes them.
@Suite struct LinkTests {
  private static let files = ["links-earliest.hdf5", "links-v108.hdf5"]

  private func file(_ name: String) throws -> HDF5File {
    try HDF5File(reading: Resources.fixture("datasets/\(name)").path)
  }

  @Test(arguments: files)
  func members(name: String) throws {
    let file = try file(name)
    #expect(
      Set(file.objects().filter { !$0.path.contains("/") }.map(\.path))
        == ["array", "dense", "few", "fixed", "many"])
    #expect(
      Set(file.objects(below: "many").map(\.path)) == Set((0..<200).map { "many/member_\($0)" }))
    for index in 0..<3 {
      #expect(try file.dataset("few/value_\(index)").read(Float.self) == [Float(index) / 4])
    }
    #expect(try file.dataset("array").read(Float.self) == (0..<12).map { Float($0) })
    #expect(try file.dataset("fixed").read(Int64.self) == [0, 1, 2, 3, 4])
  }

  @Test(arguments: files)
  func attributes(name: String) throws {
    let file = try file(name)
    #expect(
      try file.attributes(of: "few") == [
        "integer": .integer(-5), "small": .integer(200), "real": .real(0.1),
        "single": .real(0.25), "flag": .flag(true), "text": .text("variable é"),
        "bytes": .text("fixed"),
      ])
    #expect(try file.attributes(of: "") == ["title": .text("links")])
    #expect(try file.attributes(of: "array") == ["unit": .text("m")])
    #expect(try file.attributes(of: "many/member_3") == [:])
    let dense = try file.attributes(of: "dense")
    #expect(dense.count == 40)
    for index in 0..<40 { #expect(dense["number_\(index)"] == .integer(Int64(index * index))) }
    #expect(throws: HDF5Error.self) { try file.attributes(of: "none") }
  }

  @Test func written() throws {
    let folder = TemporaryDirectory()
    let path = folder.file("groups.hdf5")
    let output = try HDF5OutputFile(creating: path)
    for index in 0..<200 {
      try output.createGroup("episodes/number_\(index)")
      try output.setAttribute("id", of: "episodes/number_\(index)", to: index)
      try output.setAttribute("negative", of: "episodes/number_\(index)", to: -index)
    }
    #expect(throws: HDF5Error.self) { try output.createGroup("episodes/number_3") }
    #expect(throws: HDF5Error.self) { try output.setAttribute("id", of: "nothing", to: 1) }
    try output.close()
    let file = try HDF5File(reading: path)
    #expect(file.objects(below: "episodes").count == 200)
    for index in [0, 7, 199] {
      #expect(
        try file.attributes(of: "episodes/number_\(index)")
          == ["id": .integer(Int64(index)), "negative": .integer(Int64(-index))])
    }
  }
}
