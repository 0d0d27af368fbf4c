import Configuration
import DenseMath
import Foundation
import TestSupport
import Testing

/// Damaged configurations: read within all ranges, or refused with the file's name.
@Suite struct DamagedYAMLTests {
  let folder = TemporaryDirectory()
  private var path: String { folder.file("settings.yaml") }

  private static let original = Array(
    """
    # Sections in both forms, numbers, texts, anchors, several lines.
    environment: hopper
    seed: 7
    networks: {hiddenLayers: 2, hiddenUnits: &width 64}
    offline:
      members: 3
      gradientSteps: 1_000
      cql: {batchSize: *width, conservativeWeight: 5.0e+0, discount: .99}
    distillation:
      epochs: 10
      patience: 3
    online:
      "environmentSteps": 250000
      replay: 'balanced'
      initialOnlineFraction: 0.75
      sac:
        batchSize: 256
    dataset:
      path: >-
        data/hopper
        medium.hdf5
    """.utf8)

  private func isReadable() throws -> Bool {
    do throws(ConfigurationError) {
      let layer = try ConfigurationLayer(file: path)
      let read = try ExperimentConfiguration.resolve(
        ConfigurationSources(file: layer), catalog: fakes
      ).configuration
      try read.validate()
      return true
    } catch {
      #expect(error.description.contains(path), "\(error)")
      return false
    }
  }

  @Test func damage() throws {
    try Data(DamagedYAMLTests.original).write(to: URL(fileURLWithPath: path))
    #expect(try isReadable())
    var counts = (read: 0, refused: 0)
    for step in 0..<500 {
      var random = RandomStream(seed: 1, purpose: "yaml", step: UInt64(step))
      try Data(Fuzzing.damaged(DamagedYAMLTests.original, using: &random)).replaceFile(at: path)
      if try isReadable() { counts.read += 1 } else { counts.refused += 1 }
    }
    #expect(counts.read > 20 && counts.refused > 100, "\(counts)")
  }

  /// Texts that a parser might multiply without end, or follow too deep.
  @Test(arguments: [
    (0..<40).reduce("a0: &a0 [x, x]\n") { $0 + "a\($1 + 1): &a\($1 + 1) [*a\($1), *a\($1)]\n" },
    "offline: " + String(repeating: "[", count: 100_000),
    "offline: " + String(repeating: "{a: ", count: 20_000),
    String(repeating: "? ", count: 50_000),
    "&a a: *a\n", "offline: &a\n  members: *a\n",
  ]) func bombs(text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    #expect(try !isReadable())
  }

  @Test(.enabled(if: Fuzzing.isOn, "make fuzz"))
  func fuzz() throws {
    try Fuzzing.run("yaml", path: path) {
      Fuzzing.damaged(DamagedYAMLTests.original, using: &$0)
    } read: {
      try isReadable()
    }
  }
}
