import Configuration
import Foundation
import RLCore
import SwiftProtobuf
import TestSupport
import Testing

@testable import Runs

@Suite struct MetricFileTests {
  /// RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  @Test func checksumsAreCastagnolis() {
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xe306_9283)
  }

  /// FIPS 180-4's examples, and lengths around the padding's edge.
  @Test func digestsAreSHA256() {
    #expect(
      SHA256.hexDigest(of: [])
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hexDigest(of: Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hexDigest(
        of: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hexDigest(of: [UInt8](repeating: 0x61, count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func aConfigurationsDigestIsThatOfItsText() {
    var experiment = ExperimentConfiguration(catalog: AlgorithmCatalog([:]))
    let before = experiment.digest
    #expect(before == SHA256.hexDigest(of: Array(experiment.yaml().utf8)))
    experiment.recipe.rows = 1  // not used by these stages
    #expect(experiment.digest == before)
    experiment.seed = 1
    #expect(experiment.digest != before)
  }

  @Test func aResumedTableLosesTheRowsAfterItsCheckpoint() throws {
    let folder = TemporaryDirectory()
    let path = folder.path + "/progress.csv"
    let first = try ProgressTable(path: path, columns: ["loss"], keeping: 0)
    for epoch in 1...4 {
      try first.append(["epoch": Double(epoch), "loss": 0.5 / Double(epoch), "wall_seconds": 2.5])
    }
    let whole = try String(contentsOfFile: path, encoding: .utf8)
    let lines = whole.split(separator: "\n").map(String.init)
    #expect(lines.count == 5)
    #expect(lines[0].hasPrefix("epoch,environment_steps,gradient_steps,wall_seconds,"))
    #expect(lines[2] == "2,,,2.5,,,,,,,0.25")

    // A crash in the middle of a row.
    try (whole + "5,12").write(toFile: path, atomically: false, encoding: .utf8)
    let second = try ProgressTable(path: path, columns: ["loss"], keeping: 2)
    #expect(second.rowCount == 2 && second.elapsedSeconds == 2.5)
    try second.append(["epoch": 3, "loss": 9])
    let after = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(after.map(String.init) == Array(lines[0...2]) + ["3,,,,,,,,,,9"])

    #expect(throws: RunError.self) {
      try ProgressTable(path: path, columns: ["other"], keeping: 1)
    }
    #expect(throws: RunError.self) {
      try ProgressTable(path: path, columns: ["loss"], keeping: 9)
    }
  }

  @Test func eventsAreFramedAndCutBack() throws {
    let folder = TemporaryDirectory()
    let first = try EventFile(directory: folder.path, keeping: 0)
    try first.append(step: 10, scalars: [("train/loss", 0.25)])
    try first.append(step: 20, scalars: [("train/loss", 0.125)])
    #expect(first.eventCount == 3)
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder.path).first)
    let path = folder.path + "/" + name
    let whole = try events(in: path)
    #expect(whole.map(\.step) == [0, 10, 20])
    #expect(whole[0].fileVersion == "brain.Event:2")
    #expect(whole[2].summary.value[0].tag == "train/loss")
    #expect(whole[2].summary.value[0].simpleValue == 0.125)

    let second = try EventFile(directory: folder.path, keeping: 2)
    try second.append(step: 21, scalars: [])
    #expect(try events(in: path).map(\.step) == [0, 10, 21])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
  }

  /// Reads TFRecord frames, checking both checksums of each.
  private func events(in path: String) throws -> [Bred_Event] {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var events: [Bred_Event] = []
    var position = 0
    func number(_ start: Int, _ count: Int) -> UInt64 {
      bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while position < bytes.count {
      let length = Int(number(position, 8))
      #expect(
        UInt32(number(position + 8, 4)) == CRC32C.masked(bytes[position..<position + 8]))
      let payload = Array(bytes[position + 12..<position + 12 + length])
      #expect(UInt32(number(position + 12 + length, 4)) == CRC32C.masked(payload))
      events.append(try EventFile.decode(payload))
      position += 16 + length
    }
    return events
  }
}
