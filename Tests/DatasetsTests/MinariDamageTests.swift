import DenseMath
import Foundation
import TestSupport
import Testing

@testable import Datasets

/// Damaged `metadata.json` of Minari datasets: read, or refused with the file's name.
@Suite struct MinariDamageTests {
  let folder = TemporaryDirectory()
  private var path: String { folder.file("metadata.json") }

  /// What the minari package writes, `env_spec` and both spaces included.
  private func original() throws -> [UInt8] {
    try MinariFile().write(to: folder.file("minari"))
    return [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: folder.file("minari/data/metadata.json"))))
  }

  private func isReadable() -> Bool {
    do throws(DatasetError) {
      let metadata = try MinariMetadata(contentsOf: path)
      #expect(metadata.totalEpisodes >= 0 && metadata.totalSteps >= 0)
      return true
    } catch {
      #expect(error.description.contains(path))
      return false
    }
  }

  /// Foundation's reader of JSON 5 ends the program where bytes are not UTF-8.
  @Test(arguments: [[0xff], [0xc3], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98]])
  func metadataThatAreNotUTF8(bytes: [UInt8]) throws {
    let original = try original()
    var damaged = original
    damaged.insert(contentsOf: bytes, at: 3)
    try Data(damaged).replaceFile(at: path)
    #expect(!isReadable())
    try Data(original + bytes).replaceFile(at: path)
    #expect(!isReadable())
  }

  @Test func damagedMetadata() throws {
    let original = try original()
    var counts = (read: 0, refused: 0)
    for step in 0..<1_000 {
      var random = RandomStream(seed: 1, purpose: "minari", step: UInt64(step))
      try Data(Fuzzing.damaged(original, using: &random)).replaceFile(at: path)
      if isReadable() { counts.read += 1 } else { counts.refused += 1 }
    }
    #expect(counts.read > 50 && counts.refused > 200, "\(counts)")
  }

  @Test(.enabled(if: Fuzzing.isOn, "make fuzz"))
  func fuzz() throws {
    let original = try original()
    try Fuzzing.run("minari", path: path) {
      Fuzzing.damaged(original, using: &$0)
    } read: {
      isReadable()
    }
  }
}
