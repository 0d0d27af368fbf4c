import Foundation
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Agents

/// What others put where weights should be: messages say what it is.
@Suite struct ForeignFileTests {
  private let folder = TemporaryDirectory()

  private func message(_ bytes: [UInt8]) throws -> String {
    let path = folder.file("x.safetensors")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: NetworkFileError.self) {
      try NetworkFile.read(path, as: .policy)
    }
    #expect(error?.description.hasPrefix("\(path): not a safetensors file: ") == true)
    return error?.description ?? "-"
  }

  static let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 283212\n"

  private static func start(_ bytes: [UInt8], _ text: String = "") -> [UInt8] {
    bytes + Array(text.utf8)
  }

  static let starts: [([UInt8], String)] = [
    (start([]), "it is empty"),
    (start([], pointer), "a Git LFS pointer"),
    (start([], "\n <!DOCTYPE HTML><html><body>404"), "an HTML page"),
    (start([0xef, 0xbb, 0xbf], "<html lang=en>"), "an HTML page"),
    (start([0x50, 0x4b, 3, 4], "archive/data.pkl"), "a zip archive, as torch.save"),
    (start([0x50, 0x4b, 3, 4], "arr_0.npy"), "a NumPy archive"),
    (start([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]), "a Python pickle"),
    (start([0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0]), "a Python pickle"),
    (start([0x89], "HDF\r\n\u{1a}\n"), "an HDF5 file"),
    (start([0x93], "NUMPY"), "a NumPy array"),
    (start([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0]), "gzip"),
    (start([0x82, 0xa6], "params"), "MessagePack"),
    (start([], "{\"weights\": [1, 2]}"), "JSON text"),
  ]

  @Test(arguments: starts)
  func kinds(bytes: [UInt8], words: String) throws {
    let message = try message(bytes)
    #expect(message.contains(words), "\(message)")
  }

  /// A damaged file whose header's length looks like a pickle's start is not called a pickle.
  @Test func damagedFileIsNotTakenForAnother() throws {
    let message = try message([0x80, 2, 0, 0, 0, 0, 0, 0] + Array("{\"a\":".utf8))
    #expect(message.contains("its header claims 640 bytes"), "\(message)")
  }

  private func refusal(_ names: [String], as role: NetworkRole = .policy) -> String {
    var tensors = NamedTensors()
    for name in names { tensors[name] = Tensor(.float32([0])) }
    do throws(NetworkFileError) {
      _ = try NetworkFile(tensors, as: role, file: "their.safetensors")
      return "accepted"
    } catch {
      return error.description
    }
  }

  static let programNames: [([String], String)] = [
    (["latent_pi.0.weight", "mu.weight", "log_std.weight"], "Stable-Baselines3"),
    (["mlp_extractor.policy_net.0.weight", "action_net.weight"], "Stable-Baselines3"),
    (["_encoder._layers.0.weight", "_mu.weight", "_logstd.weight"], "d3rlpy"),
    (["base_network.0.weight", "log_std_multiplier.constant"], "CORL (CQL, Cal-QL)"),
    (["trunk.0.weight", "mu.weight", "log_sigma.weight"], "CORL (SAC-N, EDAC)"),
    (["net.net.0.weight", "log_std"], "CORL (IQL)"),
    (["_mlp.0.weight", "_log_std"], "CORL (AWAC)"),
    (["net.0.weight", "net.0.bias"], "CORL"),
    (["params/Dense_0/kernel", "params/Dense_0/bias"], "a JAX program (Flax)"),
    (["MLP_0.Dense_0.kernel"], "a JAX program (Flax)"),
    (["fc1.weight", "fc_mean.weight", "fc_logstd.weight"], "CleanRL"),
  ]

  @Test(arguments: programNames)
  func programs(names: [String], program: String) {
    let message = refusal(names)
    #expect(message.hasPrefix("their.safetensors: "))
    #expect(message.contains("look like those of \(program)"), "\(message)")
    for name in names { #expect(message.contains(name)) }
    #expect(message.contains("fc0.weight") && message.contains("last_fc_log_std.bias"))
  }

  @Test func unknownNamesAreListed() {
    let message = refusal(["a.b", "c"], as: .critic)
    #expect(message.contains("found a.b, c") && !message.contains("look like"), "\(message)")
    #expect(refusal([]).contains("found none"))
    let many = refusal((0..<100).map { "layer\($0)" })
    #expect(many.contains("and 76 more") && many.utf8.count < 2_000, "\(many)")
  }

  @Test(
    .enabled(if: Resources.shared("cases") != nil, "the cases are not here"),
    arguments: [
      ("sb3", "Stable-Baselines3"), ("d3rlpy", "d3rlpy"), ("lfs", "Git LFS pointer"),
    ])
  func genuineFiles(name: String, words: String) throws {
    let path = Resources.shared("cases/\(name).safetensors")!.path
    let error = #expect(throws: NetworkFileError.self) {
      try NetworkFile.read(path, as: .policy)
    }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "-")")
  }
}
