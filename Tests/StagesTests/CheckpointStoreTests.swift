import Configuration
import Foundation
import Logging
import RLCore
import TestSupport
import Testing

@testable import Runs
@testable import Stages

/// What a run goes on from, and what it refuses to.
@Suite struct CheckpointStoreTests: TinyStages {
  let folder = TemporaryDirectory()
  private let directory: RunDirectory

  init() throws { directory = try RunDirectory(path: folder.file("run"), resume: false) }

  private func store(
    stage: String = "pretrain", _ settings: [String] = [], dataset: String = "one"
  ) throws -> CheckpointStore {
    CheckpointStore(
      directory: directory,
      identity: RunIdentity(
        stage: stage, configuration: try configuration([.offline], settings),
        inputs: ["dataset": dataset]), logger: Logger(label: "test"))
  }

  private func state(_ number: Double) -> NamedTensors {
    NamedTensors(tensors: ["number": Tensor(.float64([number]))])
  }

  private func newest(_ store: CheckpointStore) throws -> [Double] {
    try #require(try store.latest()).doubles("number")
  }

  @Test func theNewestOfTwo() throws {
    let store = try store()
    #expect(try store.latest() == nil)
    for number in 1...4 { try store.save(state(Double(number)), progress: 3 * number) }
    #expect(try newest(store) == [4])
    #expect(
      TemporaryDirectory.names(directory.checkpoints) == [
        "step-000000000009.safetensors", "step-000000000012.safetensors",
      ])
  }

  @Test func onlyOfTheSameRun() throws {
    try store().save(state(1), progress: 1)
    #expect(try newest(store()) == [1])
    func refusal(_ store: CheckpointStore) -> String {
      do {
        _ = try store.latest()
        return "none"
      } catch { return "\(error)" }
    }
    #expect(try refusal(store(stage: "finetune")).contains("written by 'pretrain'"))
    #expect(try refusal(store(dataset: "another")).contains("another dataset"))
    #expect(try refusal(store(["seed=9"])).contains("seed"))
    // Longer is the same run, shorter is not; the tiny one has seven.
    #expect(try newest(store(["offline.gradientSteps=8"])) == [1])
    #expect(
      try refusal(store(["offline.gradientSteps=6"])).contains("offline.gradientSteps"))
  }
}
