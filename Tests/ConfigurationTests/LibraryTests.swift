import Foundation
import RLCore
import TestSupport
import Testing

@testable import Configuration

/// Tasks and methods by name: the executable has what `experiments/` has.
@Suite struct LibraryTests {
  private static let experiments = Resources.package.appendingPathComponent("experiments")

  /// `make library` puts them there.
  @Test(arguments: [
    ("tasks", ConfigurationLibrary.tasks), ("methods", ConfigurationLibrary.methods),
  ]) func theExecutableHasTheFiles(folder: String, library: ConfigurationLibrary) throws {
    let path = Self.experiments.appendingPathComponent(folder)
    let files = try FileManager.default.contentsOfDirectory(atPath: path.path).sorted()
    #expect(files.map { "\($0.dropLast(5))" }.sorted() == library.names)
    for layer in library.layers {
      let file = path.appendingPathComponent("\(layer.name).yaml")
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text == layer.yaml + "\n", "\(layer.name)")
      #expect(layer.summary.hasSuffix(".") && layer.summary.count < 170, "\(layer.summary)")
      #expect(try library.layer(file.path).yaml == text)
    }
  }

  @Test func thereIsATaskForEachDataset() {
    var names: [String] = []
    for robot in ["halfcheetah", "hopper", "walker2d"] {
      for kind in ["random", "medium", "medium-replay", "medium-expert", "expert", "full-replay"] {
        names += ["\(robot)-\(kind)-v0", "\(robot)-\(kind)-v2"]
      }
    }
    // D4RL has no full-replay files of v0.
    #expect(
      ConfigurationLibrary.tasks.names == names.filter { !$0.hasSuffix("full-replay-v0") }.sorted())
  }

  @Test func anUnknownNameIsRefusedWithTheNearest() {
    #expect(throws: ConfigurationError.self) { try ConfigurationLibrary.methods.layer("brad") }
    do throws(ConfigurationError) { _ = try ConfigurationLibrary.methods.layer("brad") } catch {
      #expect("\(error)".contains("bred"))
    }
  }

  @Test func whatATaskSaysOfFineTuningIsNotForTrainingFromScratch() throws {
    let task = "online: {sac: {policyLearningRate: 3e-5}}\nenvironment: hopper"
    let tuned = try resolve(task: task)
    #expect(tuned.configuration.onlineAlgorithm(as: FakeSAC.self)?.policyLearningRate == 3e-5)
    #expect(tuned.origin(of: "online.sac.policyLearningRate") == "task t")
    let fresh = try resolve(
      method: "offline: {algorithm: none}\nonline: {replay: online-only}", task: task)
    #expect(fresh.configuration.onlineAlgorithm(as: FakeSAC.self)?.policyLearningRate == 3e-4)
    #expect(fresh.configuration.environment == "hopper")
    // What the user says counts all the same.
    let told = try resolve(
      set: ["online.sac.policyLearningRate=1e-4"], method: "offline: {algorithm: none}", task: task)
    #expect(told.configuration.onlineAlgorithm(as: FakeSAC.self)?.policyLearningRate == 1e-4)
  }

  @Test(arguments: [0.0, 1.0]) func aDensityRatioNeedsBothKindsOfRows(fraction: Double) {
    let text = "online: {replay: density-ratio, initialOnlineFraction: \(fraction)}"
    guard case .contradiction(_, let keys, _) = failure(text) else {
      Issue.record("accepted")
      return
    }
    #expect(keys == ["online.initialOnlineFraction", "online.replay"])
    #expect(failure("online: {replay: density-ratio, schedule: linear}") != nil)
    #expect(failure("online: {replay: density-ratio, initialOnlineFraction: 0.75}") == nil)
  }
}
