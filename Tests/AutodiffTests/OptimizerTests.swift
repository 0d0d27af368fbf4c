import DenseMath
import RLCore
import TestSupport
import Testing

@testable import Autodiff

/// Steps against PyTorch's optimisers, on gradients that arrive in two parts.
@Suite struct OptimizerTests {
  private static let rate = 0.03

  static let variants: [(String, OptimizerSettings)] = [
    ("adam", { _ in }),
    ("betas", { ($0.beta1, $0.beta2, $0.epsilon) = (0.5, 0.9, 1e-3) }),
    ("coupled", { $0.decay = .coupled(0.3) }),
    ("decoupled", { $0.decay = .decoupled(0.3) }),
    ("clipped", { ($0.maximumGradientNorm, $0.epsilon) = (0.5, 1e-2) }),
    ("notClipped", { ($0.maximumGradientNorm, $0.epsilon) = (0.5, 1e-2) }),
    (
      "clippedAndCoupled",
      {
        ($0.maximumGradientNorm, $0.epsilon) = (0.5, 1e-2)
        $0.decay = .coupled(0.3)
      }
    ),
    ("cosine", { $0.schedule = .cosine(steps: 4) }),
    ("warmUp", { $0.schedule = .warmUp(steps: 3) }),
    (
      "clippedDecoupledCosine",
      {
        ($0.maximumGradientNorm, $0.epsilon) = (0.5, 1e-2)
        ($0.decay, $0.schedule) = (.decoupled(0.3), .cosine(steps: 4))
      }
    ),
  ].map { (name: String, change: (inout OptimizerSettings) -> Void) in
    var settings = OptimizerSettings.adam(learningRate: rate)
    change(&settings)
    return (name, settings)
  }

  /// What `Step` does with one block, on one thread.
  private func step(_ block: ParameterBlock, follows: Bool = true) {
    let optimizer = block.optimizer
    if optimizer.needsGathering {
      for piece in 0..<optimizer.pieces { optimizer.gatherPiece(piece, of: block) }
    }
    optimizer.beginStep()
    for piece in 0..<optimizer.pieces {
      optimizer.stepPiece(piece, of: block, follows: follows)
    }
    block.finishStep()
  }

  /// Puts a gradient into two parts: a quarter and three quarters.
  private func setGradient(_ block: ParameterBlock, _ gradient: [Float]) {
    block.reserve(pieces: 2)
    for member in 0..<block.members {
      for i in 0..<block.count {
        let value = gradient[member * block.count + i]
        block.gradient(member, piece: 0)[i] = 0.25 * value
        block.gradient(member, piece: 1)[i] = 0.75 * value
      }
    }
  }

  @Test(arguments: variants) func equalsPyTorch(name: String, settings: OptimizerSettings) {
    let reference = JSON(fixture: "autodiff/optimizers.json")[name]
    let block = ParameterBlock(name: name, members: 2, count: 7, tau: 0.05, optimizer: settings)
    block.values.elements = reference["start"].floats
    block.targets!.elements = reference["startTargets"].floats
    for index in 0..<reference["gradients"].count {
      setGradient(block, reference["gradients"][index].floats)
      step(block)
      for (found, what) in [(block.values, "parameters"), (block.targets!, "targets")] {
        let error = normalizedError(found.elements, reference[what][index].doubles)
        #expect(error < 1e-6, "\(what) after step \(index): \(error)")
      }
      #expect(block.gradient(0).allSatisfy { $0 == 0 }, "a step uses the gradient up")
      #expect(block.gradient(1).allSatisfy { $0 == 0 })
    }
  }

  @Test func theVariantsDiffer() {
    let fixture = JSON(fixture: "autodiff/optimizers.json")
    #expect(fixture.keys == Self.variants.map(\.0).sorted())
    let ends = fixture.keys.map { fixture[$0]["parameters"].doubles }
    #expect(Set(ends.map { $0[0] }).count == ends.count)
  }

  @Test func targetsStayWhereTheyAreNotToFollow() {
    let block = ParameterBlock(
      name: "block", members: 1, count: 3, tau: 0.05, optimizer: .adam(learningRate: 0.1))
    block.values.elements = [1, 2, 3]
    block.copyToTargets()
    setGradient(block, [1, 1, 1])
    step(block, follows: false)
    #expect(block.targets!.elements == [1, 2, 3])
    #expect(block.values.elements != [1, 2, 3])
  }

  /// More parameters than one piece has: the norm is that of them all.
  @Test(arguments: [1, 2]) func clippingSeesAllSlicesOfAllMembers(members: Int) {
    let count = 40_000
    var settings = OptimizerSettings.adam(learningRate: 0.5)
    (settings.maximumGradientNorm, settings.epsilon) = (1, 1e-3)
    let block = ParameterBlock(
      name: "block", members: members, count: count, tau: nil, optimizer: settings)
    #expect(block.optimizer.pieces == 2 * members)
    var stream = RandomStream(seed: 1, purpose: "gradient")
    let gradient = (0..<members * count).map { _ in Float(stream.normal()) }
    setGradient(block, gradient)
    step(block)
    let norm = gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    let expected = gradient.map { value in
      let clipped = Double(value) / norm
      return -0.5 * clipped / (abs(clipped) + 1e-3)
    }
    #expect(normalizedError(block.values.elements, expected) < 1e-5)
  }

  @Test func aGradientOfFewerPartsForgetsTheOthers() {
    let block = ParameterBlock(
      name: "block", members: 2, count: 2, tau: nil, optimizer: .adam(learningRate: 0.1))
    setGradient(block, [1, 2, 3, 4])
    #expect(block.gradient(1) == [3, 4])
    step(block)
    block.reserve(pieces: 1)
    #expect(block.usedPieces == 1)
    block.gradient(1, piece: 0)[0] = 7
    block.gradient(1, piece: 1)[1] = 9
    block.reserve(pieces: 5)
    #expect(block.gradient(1) == [7, 9], "room for more parts keeps what there is")
    block.clearGradient()
    #expect(block.gradient(1) == [0, 0] && block.usedPieces == 0)
  }

  @Test func ratesFollowTheirSchedules() {
    var settings = OptimizerSettings.adam(learningRate: 2)
    #expect((0..<3).map { settings.rate(after: $0) } == [2, 2, 2])
    settings.schedule = .warmUp(steps: 4)
    #expect((0..<6).map { settings.rate(after: $0) } == [0.5, 1, 1.5, 2, 2, 2])
    settings.schedule = .cosine(steps: 2)
    #expect(normalizedError((0..<4).map { settings.rate(after: $0) }, [2.0, 1, 0, 0]) < 1e-15)
  }

  @Test func continuesFromASavedStateAndForgetsOnReset() throws {
    func fresh() -> ParameterBlock {
      ParameterBlock(
        name: "block", members: 2, count: 3, tau: 0.1, optimizer: .adam(learningRate: 0.1))
    }
    let gradients: [[Float]] = [[1, -2, 3, -4, 5, -6], [0.5, 1, -1, 2, 0, 3]]
    let block = fresh()
    setGradient(block, gradients[0])
    step(block)
    let resumed = fresh()
    try resumed.restore(block.state)
    for one in [block, resumed] {
      setGradient(one, gradients[1])
      step(one)
    }
    #expect(resumed.state == block.state)
    block.optimizer.reset()
    #expect(block.optimizer.stepCount == 0)
    #expect(try block.optimizer.state.floats("moment1", count: 6).allSatisfy { $0 == 0 })
    #expect(try block.optimizer.state.floats("moment2", count: 6).allSatisfy { $0 == 0 })
  }
}
