import DenseMath
import Foundation
import HDF5
import TestSupport
import Testing

/// Whatever the bytes, reading ends with values or with an error that names the file.
@Suite struct BadFileTests {
  let folder = TemporaryDirectory()

  private func refusal(_ bytes: [UInt8], _ name: String = "bad.hdf5") throws -> HDF5Error {
    let path = folder.file(name)
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try #require(throws: HDF5Error.self) { _ = try HDF5File(reading: path) }
  }

  @Test func notAFile() throws {
    let missing = try #require(throws: HDF5Error.self) {
      _ = try HDF5File(reading: folder.file("none"))
    }
    #expect(missing.description == "\(folder.file("none")): No such file or directory")
    let directory = try #require(throws: HDF5Error.self) {
      _ = try HDF5File(reading: folder.path)
    }
    #expect(directory.reason.contains("is a directory"))
    let device = try #require(throws: HDF5Error.self) { _ = try HDF5File(reading: "/dev/zero") }
    #expect(device.reason == "is not a regular file")
  }

  @Test func notHDF5() throws {
    #expect(try refusal([]).reason.contains("empty"))
    #expect(try refusal(Array("hello".utf8)).reason.contains("not an HDF5 file"))
    #expect(try refusal([UInt8](repeating: 0, count: 4096)).reason.contains("not an HDF5 file"))
  }

  @Test func truncated() throws {
    let whole = [UInt8](try Data(contentsOf: Resources.fixture("datasets/kinds.hdf5")))
    for length in stride(from: 1, to: whole.count, by: 97) {
      let error = try refusal(Array(whole.prefix(length)))
      #expect(error.reason.contains("truncated") || error.reason.contains("not an HDF5 file"))
    }
  }

  /// Every mutation of two files is read or refused; a crash or a hang would end this test.
  @Test(arguments: ["kinds.hdf5", "d4rl-v2.hdf5"])
  func mutated(name: String) throws {
    let whole = [UInt8](try Data(contentsOf: Resources.fixture("datasets/\(name)")))
    let path = folder.file(name)
    var refused = 0
    var readAll = 0
    for step in 0..<1200 {
      var generator = RandomStream(seed: 7, purpose: "mutate/\(name)", step: UInt64(step))
      try Data(HDF5Mutation.apply(to: whole, using: &generator)).write(
        to: URL(fileURLWithPath: path))
      let errors = BadFileTests.damage(in: path)
      for error in errors { #expect(error.file == path && !error.reason.isEmpty) }
      if errors.isEmpty { readAll += 1 } else { refused += 1 }
    }
    // The refused kinds in the file itself make nearly every reading of it fail somewhere; a lucky
    // mutation may hide them.
    if name == "kinds.hdf5" { #expect(refused > 1190) } else { #expect(refused > 200) }
    if name == "d4rl-v2.hdf5" { #expect(readAll > 50) }
  }

  /// The newer structures, with their checksums, which find nearly all damage, and without, so that
  /// what lies behind them is met too.
  @Test(arguments: ["links-earliest.hdf5", "links-v108.hdf5"], [true, false])
  func mutatedLinks(name: String, checksums: Bool) throws {
    let whole = [UInt8](try Data(contentsOf: Resources.fixture("datasets/\(name)")))
    let path = folder.file(name)
    let structures = HDF5Checksum(whole)
    #expect(structures.count > 20)
    var refused = 0
    for step in 0..<500 {
      var generator = RandomStream(seed: 8, purpose: "mutate/\(name)", step: UInt64(step))
      var bytes = HDF5Mutation.apply(to: whole, using: &generator)
      if !checksums { structures.repair(&bytes) }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let errors = BadFileTests.damage(in: path)
      for error in errors { #expect(error.file == path && !error.reason.isEmpty) }
      if !errors.isEmpty { refused += 1 }
    }
    if checksums { #expect(refused > 200) } else { #expect((50..<475).contains(refused)) }
  }

  /// A file of episodes as Minari's own collector writes it.
  @Test func mutatedEpisodes() throws {
    let whole = [UInt8](
      try Data(contentsOf: Resources.fixture("datasets/minari/data/main_data.hdf5")))
    let path = folder.file("main_data.hdf5")
    var outcomes = [0, 0]
    for step in 0..<300 {
      var generator = RandomStream(seed: 9, purpose: "mutate/episodes", step: UInt64(step))
      try Data(HDF5Mutation.apply(to: whole, using: &generator)).write(
        to: URL(fileURLWithPath: path))
      let errors = BadFileTests.damage(in: path)
      for error in errors { #expect(error.file == path && !error.reason.isEmpty) }
      outcomes[errors.isEmpty ? 0 : 1] += 1
    }
    #expect(outcomes[0] > 25 && outcomes[1] > 50)
  }

  /// One wrong bit in a structure that has a checksum is found.
  @Test func checksums() throws {
    let whole = [UInt8](try Data(contentsOf: Resources.fixture("datasets/links-v108.hdf5")))
    for signature in ["OHDR", "FRHP", "FHDB", "FHIB", "BTHD", "BTIN", "BTLF"] {
      let mark = Array(signature.utf8)
      let starts = (0..<whole.count - 4).filter { whole[$0..<$0 + 4].elementsEqual(mark) }
      #expect(!starts.isEmpty, "the fixture has no \(signature)")
      var noticed = 0
      for start in starts.prefix(20) {
        var bytes = whole
        bytes[start + 9] ^= 0x10
        let path = folder.file("bit.hdf5")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        if !BadFileTests.damage(in: path).isEmpty { noticed += 1 }
      }
      #expect(noticed > 0, "\(signature)")
    }
  }

  /// Every refusal met in reading a file to the end.
  static func damage(in path: String) -> [HDF5Error] {
    var limits = HDF5Limits()
    limits.processorSeconds = 2
    let file: HDF5File
    do throws(HDF5Error) {
      file = try HDF5File(reading: path, threads: 1, limits: limits)
    } catch { return [error] }
    var errors = file.leftOut
    for name in [""] + file.objects().map(\.path) {
      do throws(HDF5Error) { _ = try file.attributes(of: name) } catch { errors.append(error) }
    }
    for object in file.objects() where object.kind == .dataset {
      do throws(HDF5Error) { try readEverything(file, object.path) } catch { errors.append(error) }
    }
    return errors
  }

  private static func readEverything(_ file: HDF5File, _ name: String) throws(HDF5Error) {
    let array = try file.dataset(name)
    // What a file of this size can hold: anything above would be a bomb.
    #expect(array.count * 8 <= file.length * 1100 || array.count * 8 < 1 << 30)
    if array.type.isString {
      _ = try array.readString()
    } else if array.type == .boolean {
      _ = try array.readFlags()
    } else {
      _ = try array.read(Double.self)
    }
  }
}
