import DenseMath
import TestSupport
import Testing

@testable import Autodiff

/// The rule that chooses between groups and whole rows, and what ``AdaptivePass`` makes of it.
@Suite struct PassChoiceTests {
  private static let shape = NetworkShape(inputSize: 10, hiddenSizes: [64, 64], outputSize: 1)

  /// Two states of 31 actions of which `kept` need a gradient, with a share `on` of units on.
  private func tally(on: Double, kept: Int) -> PassTally {
    var tally = PassTally()
    tally.groupedStates = 2
    tally.rows = 62
    tally.keptRows = 2 * kept
    let inner = Double(64 * 64)
    tally.products = Int(2 * 32 * inner * on + 2 * Double((kept + 7) / 8 * 8) * inner * on * on)
    tally.weightProducts = Int(2 * Double(kept) * inner * on * on)
    return tally
  }

  @Test func groupsWhereUnitsAreOff() {
    #expect(PassChoice.kind(tally(on: 0.6, kept: 31), shape: Self.shape) == .groups)
    #expect(PassChoice.kind(tally(on: 0.75, kept: 31), shape: Self.shape) == .groups)
    #expect(PassChoice.kind(tally(on: 1, kept: 31), shape: Self.shape) == .dense)
  }

  /// Both leave rows out, so that these alone decide nothing.
  @Test func rowsLeftOutCountForBoth() {
    for kept in [4, 8, 16, 24] {
      #expect(PassChoice.kind(tally(on: 0.6, kept: kept), shape: Self.shape) == .groups)
    }
    for kept in [9, 17, 25] {
      #expect(PassChoice.kind(tally(on: 1, kept: kept), shape: Self.shape) == .dense)
    }
  }

  /// A critic all of whose units are on, or hardly any.
  @Test(arguments: [(bias: Float(4), kind: PassKind.dense), (bias: -0.3, kind: .groups)])
  func measuresTheFirstStates(bias: Float, kind: PassKind) {
    let (states, repeats) = (20, 31)
    let network = Network(shape: Self.shape)
    var stream = RandomStream(seed: 1, purpose: "choice")
    network.parameters = network.parameters.map { _ in Float(stream.uniform(-0.05, 0.05)) }
    for layer in network.layout.layers.dropLast() {
      for unit in 0..<layer.outputs { network.values.base[layer.bias + unit] = bias }
    }
    let observations = FloatBuffer(count: states * 8)
    let actions = FloatBuffer(count: states * repeats * 2)
    for buffer in [observations, actions] {
      for i in 0..<buffer.count { buffer.base[i] = Float(stream.uniform(-1, 1)) }
    }
    let pass = AdaptivePass(
      shape: Self.shape, actionSize: 2, maximumStates: states, repeats: repeats, maximumRows: 256)
    let gradient = FloatBuffer(count: network.parameters.count)
    let q = FloatBuffer(count: pass.maximumRows)
    let pull = FloatBuffer(count: pass.maximumRows)
    pull.elements = pull.elements.map { _ in 1 }
    let view = observations.matrix(rows: states, columns: 8)
    // The second turn must not go on with the choice of the first.
    for turn in 1...2 {
      pass.begin(network.view, observations: view)
      pass.clearGradient(states: states)
      #expect(pass.blockStates == 2)
      var start = 0
      while start < states {
        let block = start..<min(start + pass.blockStates, states)
        let pointer = actions.base + start * repeats * 2
        pass.forward(
          network.view, states: block, repeats: repeats, actions: pointer, into: q.base)
        pass.backward(
          network.view, states: block, repeats: repeats, actions: pointer, rowGradient: pull.base,
          rows: (0..<Int32(block.count * repeats)).map { $0 }, count: block.count * repeats,
          into: gradient.base)
        start = block.upperBound
      }
      pass.finish(network.view, observations: view, into: gradient.base)
      let dense = kind == .dense ? turn * (states - 2) : 0
      #expect(pass.tally.denseStates == dense)
      #expect(pass.tally.groupedStates == turn * states - dense)
    }
  }
}
