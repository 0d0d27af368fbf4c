import Algorithms
import Autodiff
import DenseMath
import Foundation
import RLCore

@testable import Agents

/// An algorithm with one of everything that can be in a file, for tests that need no learning.
final class Patchwork: Algorithm {
  static let name = "patchwork"
  static let summary = "one of every part"

  struct Settings: AlgorithmSettings {
    @Setting(1...1000, "Transitions in a minibatch.")
    var batchSize = 4
    @Setting(0...1, "A number that may be left open.")
    var openNumber: Double? = nil
    @Setting(0...Int.max, "A number that no Double holds.")
    var largeNumber = Int.max - 1
    @Setting("A choice.")
    var choice = Choice.first
  }

  enum Choice: String, SettingChoice { case first, second }

  let actor: Actor
  let critics: Critics
  let parts: AgentParts

  init(_ settings: Settings, _ parts: AgentParts) {
    let rate = OptimizerSettings.adam(learningRate: 1e-3)
    self.parts = parts
    actor = parts.actor(
      head: .deterministic(explorationNoise: 0.2), layerNorm: true, tau: 0.1, optimizer: rate)
    critics = parts.critics(
      count: 3 * parts.ensembleSize, layerNorm: true, tau: 0.1, optimizer: rate)
    _ = parts.critics("value", count: 1, ofStatesOnly: true, tau: 0.1, optimizer: rate)
    _ = parts.network("encoder", inputSize: 7, outputSize: 2, optimizer: rate)
    _ = parts.scalar("multiplier", initial: 2.5, optimizer: rate)
  }

  func update(_ batch: Rows, _ step: Step) throws(TrainingError) {}
  var policy: any Policy { actor.policy }
}

enum TestAgents {
  static let observationSize = 5
  static let actionSize = 3

  static func make(
    _ type: any Algorithm.Type, seed: UInt64 = 7, ensembleSize: Int = 1, actorMembers: Int = 1,
    normalizer: ObservationNormalizer? = nil
  ) throws -> Agent {
    var setup = AgentSetup(observationSize: observationSize, actionSize: actionSize)
    setup.hiddenSizes = [12, 9]
    setup.seed = seed
    setup.ensembleSize = ensembleSize
    setup.actorMembers = actorMembers
    setup.normalizer = normalizer
    func open<A: Algorithm>(_ type: A.Type) throws -> Agent {
      try Agent(type, A.Settings(), setup, pool: WorkerPool(threads: 1))
    }
    return try open(type)
  }

  static func settings(_ type: any Algorithm.Type) -> any SettingGroup {
    func open<A: Algorithm>(_ type: A.Type) -> any SettingGroup { A.Settings() }
    return open(type)
  }

  /// Some updates, so that nothing is as it was made and targets differ from networks.
  static func train(_ agent: Agent) throws {
    for step in 0..<3 {
      var batch = Batch(
        size: agent.batchSize, observationSize: observationSize, actionSize: actionSize,
        extraColumns: ExtraColumn.allCases)
      var stream = RandomStream(seed: 0, purpose: "batch", step: UInt64(step))
      for i in batch.observations.elements.indices {
        batch.observations.elements[i] = Float(stream.normal())
        batch.nextObservations.elements[i] = Float(stream.normal())
      }
      for i in batch.actions.elements.indices {
        batch.actions.elements[i] = Float(stream.uniform(-1, 1))
      }
      for i in 0..<batch.size {
        batch.rewards[i] = Float(stream.normal())
        batch.masks[i] = 1
        for name in batch.extras.keys { batch.extras[name]![i] = 1 }
      }
      _ = try agent.update(on: batch)
    }
  }

  static func actions(_ policy: any Policy) -> [ChosenAction] {
    var stream = RandomStream(seed: 5, purpose: "acting")
    var noise = RandomStream(seed: 5, purpose: "noise")
    return (0..<6).map { row in
      let observation = (0..<observationSize).map { _ in Float(stream.normal()) }
      return policy.action(
        for: observation, selection: row % 2 == 0 ? .sample : .mean, using: &noise)
    }
  }

  /// All files below a folder, by relative path.
  static func contents(_ folder: String) -> [String: Data] {
    var result: [String: Data] = [:]
    let names = FileManager.default.enumerator(atPath: folder)
    while let name = names?.nextObject() as? String {
      result[name] = FileManager.default.contents(atPath: "\(folder)/\(name)")
    }
    return result
  }
}
