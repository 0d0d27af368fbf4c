import Agents
import DenseMath
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Algorithms

/// The distillation loss of eq. 8 against PyTorch.
@Suite struct DistillationReferenceTests {
  private func network(_ json: JSON) -> Network {
    var tensors = NamedTensors()
    for name in json.keys {
      tensors[name] = Tensor(.float32(json[name].floats), shape: json[name].shape)
    }
    return try! NetworkFile(tensors, as: .policy, file: "fixture").network
  }

  /// A minibatch is drawn with replacement, so each state is given alone: every minibatch then
  /// consists of that state, and the four results average to the reference's.
  @Test(arguments: ["one", "three", "five"]) func lossAndGradient(name: String) throws {
    let reference = JSON(fixture: "learners/distillation.json")[name]
    let inputs = reference["inputs"]
    let count = inputs["members"].count
    let members = (0..<count).map { GaussianPolicy(network: network(inputs["members"][$0])) }
    let student = network(inputs["student"])
    var loss = 0.0
    var gradient = [Double](repeating: 0, count: student.parameters.count)
    for state in 0..<4 {
      let observation = inputs["observations"][state].floats
      var configuration = PolicyDistillation.Configuration()
      configuration.batchSize = 5
      configuration.learningRate = 1e-30
      // Two equal states: one held out, one to train on.
      let distillation = PolicyDistillation(
        configuration: configuration, members: members,
        observations: Matrix(rows: 2, columns: 3, elements: observation + observation), seed: 1,
        pool: WorkerPool(threads: 1))
      var state = distillation.state
      state["student/parameters"] = Tensor(.float32(student.parameters))
      try distillation.restore(state)
      loss += try distillation.update() / 4
      let first = try distillation.state.floats("student/moment1", count: gradient.count)
      for i in gradient.indices { gradient[i] += Double(first[i]) / 0.1 / 4 }
    }
    #expect(normalizedError(loss, reference["loss"].double) < 2e-6)
    let expected = network(reference["gradient"]).parameters
    let scale = Double(expected.map(abs).max()!)
    #expect(scale > 0.01)
    #expect(normalizedError(gradient, expected, floor: scale) < 5e-6)
  }
}
