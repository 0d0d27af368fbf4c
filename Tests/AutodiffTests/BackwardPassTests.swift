import DenseMath
import TestSupport
import Testing

@testable import Autodiff

/// The hand-written passes against central differences of a plain network in double precision.
/// Widths lie on both sides of the vector registers' sizes.
@Suite struct BackwardPassTests {
  static let shapes: [[Int]] = [[1], [5], [16], [17, 33], [8, 1, 7], [15, 16, 31, 2]]

  private func network(inputs: Int, hidden: [Int], outputs: Int) -> (Network, PlainNetwork) {
    let shape = NetworkShape(inputSize: inputs, hiddenSizes: hidden, outputSize: outputs)
    let network = Network(shape: shape)
    var stream = RandomStream(seed: 5, purpose: "weights")
    network.parameters = network.parameters.map { _ in Float(stream.uniform(-0.7, 0.7)) }
    return (network, PlainNetwork(sizes: [inputs] + hidden + [outputs]))
  }

  private func random(_ count: Int, _ purpose: String) -> [Float] {
    var stream = RandomStream(seed: 6, purpose: purpose)
    return (0..<count).map { _ in Float(stream.normal()) }
  }

  private func buffer(_ values: [Float]) -> FloatBuffer {
    let result = FloatBuffer(count: values.count)
    result.elements = values
    return result
  }

  private func doubles(_ values: ArraySlice<Float>) -> [Double] { values.map { Double($0) } }

  /// States with several actions each, of which some rows are left out of the backward pass.
  private struct ManyActions {
    let observationSize = 3
    let actionSize = 2
    let states = 6
    let repeats: Int
    let observations: [Float]
    let actions: [Float]
    let pull: [Float]
    let kept: [Int]
    var rows: Int { states * repeats }

    func q(_ plain: PlainNetwork, _ parameters: [Double], _ row: Int, action: [Double]) -> Double {
      let s = row / repeats * observationSize
      let state = observations[s..<s + observationSize].map { Double($0) }
      return plain.outputs(parameters, state + action)[0]
    }
    func action(_ row: Int) -> [Double] {
      actions[row * actionSize..<(row + 1) * actionSize].map { Double($0) }
    }
  }

  /// Rows that the backward pass includes.
  private enum Kept { case most, few, secondHalf }

  private func manyActions(repeats: Int, kept: Kept = .most) -> ManyActions {
    let rows = 6 * repeats
    // One row has no pull.
    var pull = random(rows, "pull")
    pull[1] = 0
    return ManyActions(
      repeats: repeats, observations: random(6 * 3, "observations"),
      actions: random(rows * 2, "actions"), pull: pull,
      kept: (0..<rows).filter {
        switch kept {
        case .most: $0 % 3 != 2
        case .few: $0 % 7 == 1
        case .secondHalf: $0 % repeats >= 16 && $0 % 3 != 2
        }
      })
  }

  private func expectParameterGradient(
    of pass: any ManyActionsPass, _ network: Network, _ plain: PlainNetwork, _ input: ManyActions,
    blockStates: () -> Int = { 4 }
  ) {
    let repeats = input.repeats
    let actionBuffer = buffer(input.actions)
    let gradient = FloatBuffer(count: network.parameters.count)
    let observations = buffer(input.observations)
    let view = observations.matrix(rows: input.states, columns: input.observationSize)
    pass.begin(network.view, observations: view)
    pass.clearGradient(states: input.states)
    var values: [Float] = []
    // Several blocks of states, as the learners do.
    var start = 0
    while start < input.states {
      let block = start..<min(start + blockStates(), input.states)
      start = block.upperBound
      let first = block.lowerBound * repeats
      let out = FloatBuffer(count: block.count * repeats)
      let pointer = actionBuffer.base + first * input.actionSize
      pass.forward(network.view, states: block, repeats: repeats, actions: pointer, into: out.base)
      values += out.elements
      let blockPull = buffer(Array(input.pull[first..<first + out.count]))
      let list = input.kept.filter { $0 >= first && $0 < first + out.count }
      pass.backward(
        network.view, states: block, repeats: repeats, actions: pointer,
        rowGradient: blockPull.base,
        rows: list.map { Int32($0 - first) }, count: list.count, into: gradient.base)
    }
    pass.finish(network.view, observations: view, into: gradient.base)

    let parameters = network.parameters.map { Double($0) }
    let expectedValues = (0..<input.rows).map {
      input.q(plain, parameters, $0, action: input.action($0))
    }
    #expect(normalizedError(values, expectedValues) < 2e-6)
    let expected = centralDifferences(at: parameters) { parameters in
      input.kept.reduce(0) {
        $0 + Double(input.pull[$1]) * input.q(plain, parameters, $1, action: input.action($1))
      }
    }
    #expect(expected.map(abs).max()! > 0.1)
    #expect(normalizedError(gradient.elements, expected) < 2e-6)
  }

  /// Lanes beyond the actions, halves, whole groups and more than one group to a state, on each instruction set
  /// that this processor has.
  @Test(arguments: shapes, [1, 9, 16, 32, 43])
  func actionGroupPass(hidden: [Int], repeats: Int) {
    let (network, plain) = network(inputs: 5, hidden: hidden, outputs: 1)
    let choices: [Kept] = repeats > 16 ? [.most, .few, .secondHalf] : [.most]
    for kept in choices {
      let input = manyActions(repeats: repeats, kept: kept)
      for instructions in BLAS.vectorInstructionSets {
        BLAS.withVectorInstructionSet(instructions) {
          let pass = ActionGroupPass(
            shape: network.shape, actionSize: input.actionSize, maximumStates: input.states,
            blockStates: 4, repeats: repeats)
          expectParameterGradient(of: pass, network, plain, input)
        }
      }
    }
  }

  /// Both passes in one chunk: the first states in groups, the others as the rule says or as told.
  @Test(arguments: PassKind.allCases.map(Optional.some) + [nil], [11, 31])
  func adaptivePass(kind: PassKind?, repeats: Int) {
    let (network, plain) = network(inputs: 5, hidden: [17, 33], outputs: 1)
    let input = manyActions(repeats: repeats)
    for instructions in BLAS.vectorInstructionSets {
      BLAS.withVectorInstructionSet(instructions) {
        let pass = AdaptivePass(
          shape: network.shape, actionSize: input.actionSize, maximumStates: input.states,
          repeats: repeats, maximumRows: 3 * repeats)
        pass.forced = kind
        expectParameterGradient(of: pass, network, plain, input, blockStates: { pass.blockStates })
        #expect(pass.tally.groupedStates + pass.tally.denseStates == input.states)
        #expect(pass.tally.rows == input.rows && pass.tally.keptRows == input.kept.count)
        if let kind {
          #expect((kind == .groups ? pass.tally.groupedStates : pass.tally.denseStates) == 6)
        }
      }
    }
  }

  @Test(arguments: shapes, [1, 3]) func criticPass(hidden: [Int], repeats: Int) {
    let (network, plain) = network(inputs: 5, hidden: hidden, outputs: 1)
    let input = manyActions(repeats: repeats)
    let pass = CriticPass(
      shape: network.shape, actionSize: input.actionSize, maximumStates: input.states,
      maximumRows: input.rows)
    expectParameterGradient(of: pass, network, plain, input)

    // ∂Q/∂a of the listed rows; the others keep what was there.
    let untouched: Float = 77
    let actionGradient = buffer(input.actions.map { _ in untouched })
    let all = FloatBuffer(count: input.rows)
    let actions = buffer(input.actions)
    pass.forward(
      network.view, states: 0..<input.states, repeats: repeats, actions: actions.base,
      into: all.base)
    let pullBuffer = buffer(input.pull)
    pass.actionGradient(
      network.view, rowGradient: pullBuffer.base, rows: input.kept.map { Int32($0) },
      count: input.kept.count, into: actionGradient.base)
    let parameters = network.parameters.map { Double($0) }
    var largest = 0.0
    for row in 0..<input.rows {
      let found = Array(actionGradient.elements[2 * row..<2 * row + 2])
      if input.kept.contains(row) {
        let expected = centralDifferences(at: input.action(row)) {
          Double(input.pull[row]) * input.q(plain, parameters, row, action: $0)
        }
        largest = max(largest, expected.map(abs).max()!)
        #expect(normalizedError(found, expected) < 2e-6)
      } else {
        #expect(found == [untouched, untouched])
      }
    }
    // A single unit may well be off in the few rows there are.
    #expect(largest > 0.01 || hidden == [1])
  }

  /// At a size of practice, where units are off for whole groups: what is left out is exactly zero.
  @Test(arguments: BLAS.vectorInstructionSets) func actionGroupsEqualRows(instructions: String) {
    BLAS.withVectorInstructionSet(instructions) { actionGroupsEqualRows() }
  }

  private func actionGroupsEqualRows() {
    let (observationSize, actionSize, states, repeats) = (11, 9, 4, 31)
    let (network, _) = network(
      inputs: observationSize + actionSize, hidden: [100, 72, 256], outputs: 1)
    network.parameters = network.parameters.map { $0 * 0.3 }
    let observations = buffer(random(states * observationSize, "observations").map { $0 * 4 })
    let view = observations.matrix(rows: states, columns: observationSize)
    let actions = buffer(random(states * repeats * actionSize, "actions").map { $0 * 0.1 })
    let pull = buffer(random(states * repeats, "pull"))
    let rows = (0..<Int32(states * repeats)).filter { $0 % 5 != 1 }
    let passes: [any ManyActionsPass] = [
      CriticPass(
        shape: network.shape, actionSize: actionSize, maximumStates: states,
        maximumRows: states * repeats),
      ActionGroupPass(
        shape: network.shape, actionSize: actionSize, maximumStates: states, blockStates: states,
        repeats: repeats),
    ]
    let results = passes.map { pass in
      let q = FloatBuffer(count: states * repeats)
      let gradient = FloatBuffer(count: network.parameters.count)
      pass.begin(network.view, observations: view)
      pass.clearGradient(states: states)
      pass.forward(
        network.view, states: 0..<states, repeats: repeats, actions: actions.base, into: q.base)
      pass.backward(
        network.view, states: 0..<states, repeats: repeats, actions: actions.base,
        rowGradient: pull.base, rows: rows, count: rows.count, into: gradient.base)
      pass.finish(network.view, observations: view, into: gradient.base)
      return (q.elements, gradient.elements)
    }
    let (q, gradient) = (results[0].0.map(Double.init), results[0].1.map(Double.init))
    #expect(q.map(abs).max()! > 0.1 && gradient.map(abs).max()! > 0.1)
    #expect(normalizedError(results[1].0, q) < 1e-6)
    #expect(normalizedError(results[1].1, gradient) < 1e-6)
  }
}
