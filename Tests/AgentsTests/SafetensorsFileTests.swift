import DenseMath
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Agents

@Suite struct SafetensorsFileTests {
  private let folder = TemporaryDirectory()

  static let example = NamedTensors(
    tensors: [
      "fc0.weight": Tensor(
        .float32([1, -2.5, .pi, 0, -0.0, .leastNonzeroMagnitude]), shape: [2, 3]),
      "fc0.bias": Tensor(.float32([7, 8])),
      "moments": Tensor(.float64([1e300, -1e-300, .pi])),
      "count": Tensor(.int64([.max, .min])),
      "step": Tensor(.int64([12]), shape: []),
      "flags": Tensor(.uint8([0, 1, 255])),
      "nothing": Tensor(.float32([]), shape: [0, 4]),
      "naïve \"quoted\"\n\\": Tensor(.uint8([9])),
    ],
    metadata: ["kind": "critic", "odd\tkey": "value with \"quotes\", ü and 😀"])

  @Test func roundTrip() throws {
    let path = folder.file("a.safetensors")
    try SafetensorsFile.write(Self.example, to: path)
    #expect(try SafetensorsFile.read(path) == Self.example)
    #expect(folder.contents == ["a.safetensors"])
  }

  @Test func bytesDependOnContentsAlone() throws {
    var shuffled = NamedTensors()
    for (name, tensor) in Self.example.tensors.reversed() { shuffled[name] = tensor }
    shuffled.metadata = Self.example.metadata
    try SafetensorsFile.write(Self.example, to: folder.file("a"))
    try SafetensorsFile.write(shuffled, to: folder.file("b"))
    let a = try Data(contentsOf: URL(fileURLWithPath: folder.file("a")))
    #expect(try a == Data(contentsOf: URL(fileURLWithPath: folder.file("b"))))
    #expect(a[8] == UInt8(ascii: "{"))
    #expect(a[0] % 8 == 0, "the header should end on a multiple of eight")
  }

  @Test func emptyFileOfTensors() throws {
    try SafetensorsFile.write(NamedTensors(), to: folder.file("a"))
    #expect(try SafetensorsFile.read(folder.file("a")) == NamedTensors())
  }

  /// A file from a header and so many bytes of data.
  private func file(_ header: String, data: Int, length: UInt64? = nil) -> String {
    var bytes = Data()
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) {
      bytes.append(contentsOf: $0)
    }
    bytes.append(contentsOf: Array(header.utf8))
    bytes.append(Data(count: data))
    let path = folder.file("x.safetensors")
    try! bytes.write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func unusualButValid() throws {
    let header = """
      { "b" : {"shape":[2],"data_offsets":[4,12],"dtype":"F32"} ,
        "\\u0061\\uD83D\\ude00":{"dtype":"U8","shape":[2,2],"data_offsets":[0,4]},
        "e":{"dtype":"F64","shape":[0],"data_offsets":[4,4]} }
      """
    let tensors = try SafetensorsFile.read(file(header, data: 12))
    #expect(tensors["b"]?.shape == [2])
    #expect(tensors["a😀"]?.shape == [2, 2])
    #expect(tensors["e"]?.elements == .float64([]))
  }

  @Test(arguments: [
    // (header, bytes of data, words the message must hold)
    ("", 0, "expected '{'"),
    (" {}", 0, "expected '{'"),
    ("[]", 0, "expected '{'"),
    ("{}x", 0, "expected the end"),
    ("{}", 1, "need 0 bytes of data, it has 1"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "'a': expected data up to"),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5,
      "need 4 bytes of data, it has 5"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8,
      "'a': expected data from byte 0"
    ),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "expected 4 bytes"),
    (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "expected 8 bytes"),
    (#"{"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}"#, 4, "found I16"),
    (#"{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}"#, 4, "found F8_E4M3"),
    (#"{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,2]}}"#, 2, "expected 4 bytes"),
    (#"{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}"#, 4, "found f32"),
    (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "non-negative"),
    (#"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#, 4, "expected ']'"),
    (#"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#, 4, "leading zero"),
    (#"{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}"#, 4, "63 bits"),
    (
      #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#, 0,
      "fits memory"
    ),
    (
      #"{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}"#, 0, "fits memory"
    ),
    (
      #"{"a":{"dtype":"F32","shape":[9223372036854775807,2,0],"data_offsets":[0,0]}}"#, 0,
      "fits memory"
    ),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#, 4, "needs 2 data_offsets"),
    (#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "one is missing"),
    (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}"#, 4, "'x'"),
    (#"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "repeated"),
    (
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
      2, "'a' appears twice"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
      2, "'a' appears twice"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
      3, "'b': expected data from byte 2"
    ),
    (
      #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}"#,
      5, "without hole"
    ),
    (#"{"__metadata__":{"k":"v","k":"w"}}"#, 0, "'k' appears twice"),
    (#"{"__metadata__":{"k":1}}"#, 0, "expected '\"'"),
    (#"{"__metadata__":{},"__metadata__":{}}"#, 0, "appears twice"),
    (#"{"__metadata__":{"k":"\uD83D"}}"#, 0, "surrogate"),
    (#"{"__metadata__":{"k":"\x"}}"#, 0, "unknown escape"),
    (#"{"__metadata__":{"k":"v"}"#, 0, "expected '}'"),
    (#"{"__metadata__":{"k":"v"#, 0, "end of a string"),
  ])
  func refused(_ header: String, _ data: Int, _ words: String) {
    let path = file(header, data: data)
    let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile.read(path) }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "-")")
    #expect(error?.description.contains(path) == true)
  }

  @Test func refusedLengths() {
    for length: UInt64 in [3, 100_000_001, .max, UInt64(Int.max)] {
      let path = file("{}", data: 0, length: length)
      #expect(throws: SafetensorsError.self) { try SafetensorsFile.read(path) }
    }
    let short = folder.file("short")
    _ = FileManager.default.createFile(atPath: short, contents: Data([1, 2, 3]))
    #expect(throws: SafetensorsError.self) { try SafetensorsFile.read(short) }
    #expect(throws: SafetensorsError.self) { try SafetensorsFile.read(folder.path) }
    #expect(throws: SafetensorsError.self) { try SafetensorsFile.read(folder.file("absent")) }
  }

  /// The example as somebody else would write it: with a checksum hardly any damage would get past that.
  private static func unsummed(to path: String) throws -> [UInt8] {
    try SafetensorsFile.write(example, to: path)
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let key = try #require(bytes.range(of: Data(SafetensorsFile.checksumKey.utf8)))
    bytes.replaceSubrange(key, with: Data("content-crc-no".utf8))
    return [UInt8](bytes)
  }

  /// Damage, most of it to the header: data bytes can be anything.
  private static func damaged(_ original: [UInt8], using random: inout RandomStream) -> [UInt8] {
    let headerEnd = 8 + Int(original[0]) + Int(original[1]) << 8
    return Fuzzing.damaged(original, in: 0..<headerEnd, using: &random)
  }

  /// Whether a file can be read; if so, what is in it fits the file, if not, the error says where.
  private static func isReadable(_ path: String, length: Int) -> Bool {
    do throws(SafetensorsError) {
      let contents = try SafetensorsFile.read(path)
      var bytes = 0
      for tensor in contents.tensors.values {
        #expect(tensor.shape.reduce(1, *) == tensor.elements.count)
        switch tensor.elements {
        case .float32(let values): bytes += 4 * values.count
        case .float64(let values): bytes += 8 * values.count
        case .int64(let values): bytes += 8 * values.count
        case .uint8(let values): bytes += values.count
        }
      }
      #expect(bytes <= length - 8)
      return true
    } catch {
      switch error {
      case .tensor(_, let name, let expected, let actual):
        #expect(!expected.isEmpty && !actual.isEmpty && error.description.contains("'\(name)'"))
      case .malformed(_, let reason): #expect(!reason.isEmpty)
      case .system: Issue.record("the system has nothing to do with it: \(error)")
      }
      #expect(error.description.contains(path))
      return false
    }
  }

  @Test func mutationsAreReadOrRefused() throws {
    let path = folder.file("m.safetensors")
    let original = try Self.unsummed(to: path)
    var random = RandomStream(seed: 1, purpose: "mutations")
    var counts = (read: 0, refused: 0)
    for _ in 0..<2_200 {
      let bytes = Self.damaged(original, using: &random)
      try Data(bytes).replaceFile(at: path)
      if Self.isReadable(path, length: bytes.count) {
        counts.read += 1
      } else {
        counts.refused += 1
      }
    }
    #expect(counts.read > 50 && counts.refused > 1_000, "\(counts)")
  }

  @Test(.enabled(if: Fuzzing.isOn, "make fuzz"))
  func fuzz() throws {
    let path = folder.file("f.safetensors")
    let original = try Self.unsummed(to: path)
    try Fuzzing.run("safetensors", path: path) {
      Self.damaged(original, using: &$0)
    } read: {
      Self.isReadable(path, length: .max)
    }
  }

  @Test func failedWriteLeavesWhatWasThere() throws {
    let path = folder.file("folder")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    _ = FileManager.default.createFile(atPath: path + "/kept", contents: Data([1]))
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile.write(Self.example, to: path)
    }
    #expect(error?.description.contains(path) == true)
    #expect(folder.contents == ["folder"])
    #expect(throws: SafetensorsError.self) {
      try SafetensorsFile.write(Self.example, to: folder.file("absent/x"))
    }
  }

  @Test(
    .enabled(if: Resources.shared("pretrained") != nil, "the genuine weights are not here"))
  func genuineFile() throws {
    let path = Resources.shared("pretrained/d4rl-medium-v2-policies/hopper.safetensors")!.path
    let tensors = try SafetensorsFile.read(path)
    #expect(tensors["fc0.weight"]?.shape == [256, 11])
    #expect(tensors["last_fc_log_std.bias"]?.elements.count == 3)
    #expect(tensors.metadata["nonlinearity"] == "relu")
  }
}
