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
    try Data(bytes).replaceFile(at: path)
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

  /// What people have in place of the data is called by its name.
  @Test(arguments: [
    (
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 283212\n",
      "a Git LFS pointer to 283212 bytes"
    ),
    ("\n<!DOCTYPE html><html><body>Sign in</body></html>", "an HTML page"),
    ("<HTML>404", "an HTML page"), ("(dp0\nS'observations'\n", "a Python pickle"),
    ("PK\u{3}\u{4}rest of it", "a zip archive"),
  ])
  func impostors(text: String, name: String) throws {
    let error = try refusal(Array(text.utf8))
    #expect(error.reason.hasPrefix("is not an HDF5 file but \(name)"), "\(error)")
  }

  @Test(arguments: [
    ([0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0], "a Python pickle"),
    ([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], "compressed with gzip"),
    ([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0], "a NumPy array"),
  ])
  func binaryImpostors(bytes: [UInt8], name: String) throws {
    #expect(try refusal(bytes).reason.contains("is not an HDF5 file but \(name)"))
  }

  @Test func truncated() throws {
    let whole = [UInt8](try Data(contentsOf: Resources.fixture("datasets/kinds.hdf5")))
    for length in stride(from: 1, to: whole.count, by: Resources.longTests ? 97 : 389) {
      let error = try refusal(Array(whole.prefix(length)))
      #expect(error.reason.contains("truncated") || error.reason.contains("not an HDF5 file"))
    }
  }

  /// What is damaged, and how many of ten outcomes must be a refusal and a complete reading.
  static let seeds: [(name: String, refused: Double, read: Double)] = [
    // Holds something that is refused in any case.
    ("kinds.hdf5", 0.99, 0), ("d4rl-v2.hdf5", 0.15, 0.04), ("forms.hdf5", 0.99, 0),
    ("forms-v110.hdf5", 0.1, 0.04), ("userblock.hdf5", 0.1, 0.04), ("too-new.hdf5", 0.99, 0),
    ("elsewhere.hdf5", 0.99, 0), ("minari/data/main_data.hdf5", 0.1, 0.04),
  ]

  /// Every damaged file is read or refused; a crash or a hang would end this test. The checksums of
  /// the newer structures, which find nearly all damage, are made right in every other file, so that
  /// what lies behind them is met too.
  @Test(arguments: seeds)
  func mutated(name: String, refused leastRefused: Double, read leastRead: Double) throws {
    let whole = [UInt8](try Data(contentsOf: Resources.fixture("datasets/\(name)")))
    let structures = HDF5Checksum(whole)
    let path = folder.file("damaged.hdf5")
    let files = Resources.longTests ? 1300 : 24
    var refused = 0.0
    for step in 0..<files {
      var generator = RandomStream(seed: 7, purpose: "mutate/\(name)", step: UInt64(step))
      var bytes = HDF5Mutation.apply(to: whole, using: &generator)
      if step % 2 == 0 { structures.repair(&bytes) }
      try Data(bytes).replaceFile(at: path)
      let errors = BadFileTests.damage(in: path)
      for error in errors { #expect(error.file == path && !error.reason.isEmpty) }
      if !errors.isEmpty { refused += 1 }
    }
    #expect(refused >= leastRefused * Double(files))
    #expect(Double(files) - refused >= leastRead * Double(files))
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
    let files = Resources.longTests ? 500 : 30
    for step in 0..<files {
      var generator = RandomStream(seed: 8, purpose: "mutate/\(name)", step: UInt64(step))
      var bytes = HDF5Mutation.apply(to: whole, using: &generator)
      if !checksums { structures.repair(&bytes) }
      try Data(bytes).replaceFile(at: path)
      let errors = BadFileTests.damage(in: path)
      for error in errors { #expect(error.file == path && !error.reason.isEmpty) }
      if !errors.isEmpty { refused += 1 }
    }
    let share = Double(refused) / Double(files)
    if checksums { #expect(share > 0.4) } else { #expect(share > 0.1 && share < 0.95) }
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
        try Data(bytes).replaceFile(at: path)
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
