import DenseMath
import RLCore
import TestSupport
import Testing

import Autodiff

@testable import Algorithms

/// Whole updates of one agent beside those of PyTorch under `Tests/Fixtures/algorithms`: every loss of
/// every update, the gradient of every part when it first steps, all parameters and targets at the end.
struct ReferenceRun {
  let agent: Agent
  private let reference: JSON
  private let what: String
  private static let tolerance = 1e-5

  /// - Parameter change: settings that are not the defaults.
  init<A: Algorithm>(
    _ type: A.Type, file: String, case name: String, ensembleSize: Int = 1,
    hiddenSizes: [Int] = [8, 7], _ change: (inout A.Settings) -> Void = { _ in }
  ) throws {
    reference = JSON(fixture: "algorithms/\(file).json")[name]
    what = "\(file), \(name)"
    var settings = A.Settings()
    change(&settings)
    var setup = AgentSetup(observationSize: 3, actionSize: 2)
    setup.hiddenSizes = hiddenSizes
    setup.ensembleSize = ensembleSize
    agent = try Agent(type, settings, setup, pool: WorkerPool(threads: 2))
    var state = agent.state
    let start = reference["start"]
    for key in start.keys {
      precondition(state[key] != nil, "\(what): the agent has no '\(key)'")
      state[key] = Tensor(.float32(start[key].floats))
    }
    try agent.restore(state)
  }

  func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
    var unseen = Set(reference["gradients"].keys)
    for (count, update) in ReferenceValues.items(reference["updates"]).enumerated() {
      ReferenceValues.setNoise(
        agent,
        Dictionary(uniqueKeysWithValues: update["noise"].keys.map { ($0, update["noise"][$0]) }))
      let metrics = try agent.update(on: batch(update["batch"]))
      for name in update["losses"].keys {
        let expected = update["losses"][name].doubles
        let actual =
          name == "priorities" ? (agent.priorities ?? []).map(Double.init) : [metrics[name] ?? .nan]
        #expect(
          normalizedError(actual, expected) < Self.tolerance,
          "\(what), update \(count), \(name): \(actual) for \(expected)",
          sourceLocation: sourceLocation)
      }
      for part in unseen where firstGradient(part) != nil {
        expect(
          firstGradient(part)!, reference["gradients"][part], "gradient of \(part)", sourceLocation)
        unseen.remove(part)
      }
    }
    #expect(unseen.isEmpty, "\(what): \(unseen) never stepped", sourceLocation: sourceLocation)
    let (state, start, final) = (agent.state, reference["start"], reference["final"])
    for key in final.keys {
      let values = try state.floats(key, count: final[key].count)
      expect(values, final[key], key, sourceLocation)
      let part = String(key.prefix { $0 != "/" })
      if reference["gradients"].has(part) {
        #expect(
          normalizedError(start[key].doubles, final[key].doubles) > Self.tolerance,
          "\(what), \(key) did not move", sourceLocation: sourceLocation)
      } else {
        #expect(
          values == start[key].floats, "\(what), \(key) moved", sourceLocation: sourceLocation)
      }
    }
  }

  private func expect(
    _ actual: [Float], _ expected: JSON, _ name: String, _ sourceLocation: SourceLocation
  ) {
    let scale = expected.doubles.map(abs).max()!
    #expect(scale > 1e-3, "\(what), \(name) is nearly zero", sourceLocation: sourceLocation)
    let error = normalizedError(actual, expected.doubles, floor: scale)
    #expect(
      error < Self.tolerance, "\(what), \(name): off by \(error) of \(scale)",
      sourceLocation: sourceLocation)
  }

  /// The gradient with which a part has stepped, if that was once: Adam's first moment is (1 − β₁)·g.
  private func firstGradient(_ part: String) -> [Float]? {
    let block = agent.parts.blocks.first { $0.name == part }!
    guard block.optimizer.stepCount == 1 else { return nil }
    return try! block.state.floats("moment1", count: block.members * block.count)
      .map { $0 / (1 - Float(0.9)) }
  }

  private func batch(_ json: JSON) -> Batch {
    var batch = ReferenceValues.batch(json)
    for column in ExtraColumn.allCases where json.has(column.rawValue) {
      batch.extras[column.rawValue] = json[column.rawValue].floats
    }
    return batch
  }
}
