import Agents
import DenseMath
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Algorithms

/// Reading the PyTorch values under `Tests/Fixtures/learners`.
enum ReferenceValues {
  /// Tensors under D4RL's names as a network; serves parameters and gradients alike.
  static func network(_ json: JSON, _ role: NetworkRole) -> Network {
    var tensors = NamedTensors()
    for name in json.keys {
      tensors[name] = Tensor(.float32(json[name].floats), shape: json[name].shape)
    }
    return try! NetworkFile(tensors, as: role, file: "fixture").network
  }

  static func matrix(_ json: JSON) -> Matrix {
    Matrix(rows: json.shape[0], columns: json.shape[1], elements: json.floats)
  }

  static func batch(_ json: JSON) -> Batch {
    var batch = Batch(size: json["rewards"].count, observationSize: 3, actionSize: 2)
    batch.observations = matrix(json["observations"])
    batch.actions = matrix(json["actions"])
    batch.rewards = json["rewards"].floats
    batch.masks = json["masks"].floats
    batch.nextObservations = matrix(json["nextObservations"])
    return batch
  }

  static func hiddenSizes(_ network: JSON) -> [Int] {
    self.network(network, .critic).shape.hiddenSizes
  }

  static func items(_ json: JSON) -> [JSON] { (0..<json.count).map { json[$0] } }

  /// Twins of every member, one after the other.
  static func twins(_ json: JSON) -> [JSON] { items(json).flatMap(items) }

  /// The gradient of the only update a member of a part has had: Adam's first moment is (1 − β₁)·g.
  static func gradient(_ agent: Agent, _ part: String, _ member: Int = 0) -> [Float] {
    let block = agent.parts.blocks.first { $0.name == part }!
    let moment = try! block.state.floats("moment1", count: block.members * block.count)
    precondition(try! block.state.integers("stepCount") == [1])
    return moment[member * block.count..<(member + 1) * block.count].map { $0 / (1 - Float(0.9)) }
  }

  static func setNoise(_ agent: Agent, _ values: [String: JSON]) {
    for (name, json) in values {
      agent.parts.noises.first { $0.name == name }!.noise.fixed = json.floats
    }
  }

  /// Compares a network's numbers tensor by tensor, on the scale of the largest of them all.
  static func expect(
    _ actual: [Float], equal expected: JSON, _ role: NetworkRole, tolerance: Double,
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let reference = network(expected, role)
    let found = Network(shape: reference.shape)
    found.parameters = actual
    let scale = Double(reference.parameters.map(abs).max()!)
    #expect(scale > 1e-3, "\(what) is nearly zero", sourceLocation: sourceLocation)
    let tensors = NetworkFile(found, role: role).tensors
    for name in expected.keys {
      let values = try! tensors.floats(name, count: expected[name].doubles.count)
      let error = normalizedError(values, expected[name].doubles, floor: scale)
      #expect(
        error < tolerance, "\(what), \(name): \(values) for \(expected[name].doubles)",
        sourceLocation: sourceLocation)
    }
  }
}
