import DenseMath
import TestSupport
import Testing

@testable import Networks

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

  @Test(arguments: shapes) func densePass(hidden: [Int]) {
    let rows = 5
    let (network, plain) = network(inputs: 4, hidden: hidden, outputs: 6)
    let inputs = random(rows * 4, "inputs")
    let pull = random(rows * 6, "pull")
    let inputBuffer = buffer(inputs)
    let pullBuffer = buffer(pull)
    let gradient = FloatBuffer(count: network.parameters.count)
    let pass = DensePass(shape: network.shape, maximumRows: rows)
    // Two ranges: what one writes, the other must not disturb.
    for range in [2..<5, 0..<2] {
      pass.forward(network, inputBuffer.matrix(rows: rows, columns: 4), rows: range)
    }
    for range in [0..<2, 2..<5] {
      pass.backward(
        network, inputBuffer.matrix(rows: rows, columns: 4), rows: range,
        outputGradient: pullBuffer.matrix(rows: rows, columns: 6), into: gradient.base)
    }
    let parameters = network.parameters.map { Double($0) }
    let expectedOutputs = (0..<rows).flatMap {
      plain.outputs(parameters, doubles(inputs[$0 * 4..<$0 * 4 + 4]))
    }
    #expect(normalizedError(pass.outputs.matrix.elements, expectedOutputs) < 2e-6)
    let expected = centralDifferences(at: parameters) { parameters in
      (0..<rows).reduce(0) { sum, row in
        let outputs = plain.outputs(parameters, doubles(inputs[row * 4..<row * 4 + 4]))
        return sum + outputs.indices.reduce(0) { $0 + outputs[$1] * Double(pull[row * 6 + $1]) }
      }
    }
    #expect(expected.map(abs).max()! > 0.1)
    #expect(normalizedError(gradient.elements, expected) < 2e-6)
  }

  @Test(arguments: shapes, [1, 3]) func criticPass(hidden: [Int], repeats: Int) {
    let (observationSize, actionSize, states) = (3, 2, 6)
    let (network, plain) = network(
      inputs: observationSize + actionSize, hidden: hidden, outputs: 1)
    let observations = random(states * observationSize, "observations")
    let rows = states * repeats
    let actions = random(rows * actionSize, "actions")
    let observationBuffer = buffer(observations)
    let actionBuffer = buffer(actions)
    // Every third row is left out of the backward pass, and one has no pull.
    var pull = random(rows, "pull")
    pull[1] = 0
    let kept = (0..<rows).filter { $0 % 3 != 2 }
    func q(_ parameters: [Double], _ row: Int, _ actions: [Double]) -> Double {
      let s = row / repeats
      return plain.outputs(
        parameters,
        doubles(observations[s * observationSize..<(s + 1) * observationSize]) + actions)[0]
    }
    func action(_ row: Int) -> [Double] {
      doubles(actions[row * actionSize..<(row + 1) * actionSize])
    }

    let pass = CriticPass(
      shape: network.shape, actionSize: actionSize, maximumStates: states, maximumRows: rows)
    let gradient = FloatBuffer(count: network.parameters.count)
    let view = observationBuffer.matrix(rows: states, columns: observationSize)
    pass.begin(network, observations: view)
    pass.clearFirstLayerGradient(states: states)
    var values: [Float] = []
    // Two blocks of states, as the learners do.
    for block in [0..<4, 4..<states] {
      let first = block.lowerBound * repeats
      let out = FloatBuffer(count: block.count * repeats)
      let pointer = actionBuffer.base + first * actionSize
      pass.forward(network, states: block, repeats: repeats, actions: pointer, into: out.base)
      values += out.elements
      let blockPull = buffer(Array(pull[first..<first + out.count]))
      let list = kept.filter { $0 >= first && $0 < first + out.count }.map { Int32($0 - first) }
      pass.backward(
        network, states: block, repeats: repeats, actions: pointer, rowGradient: blockPull.base,
        rows: list, count: list.count, into: gradient.base)
    }
    pass.finish(network, observations: view, into: gradient.base)

    let parameters = network.parameters.map { Double($0) }
    #expect(normalizedError(values, (0..<rows).map { q(parameters, $0, action($0)) }) < 2e-6)
    let expected = centralDifferences(at: parameters) { parameters in
      kept.reduce(0) { $0 + Double(pull[$1]) * q(parameters, $1, action($1)) }
    }
    #expect(expected.map(abs).max()! > 0.1)
    #expect(normalizedError(gradient.elements, expected) < 2e-6)

    // ∂Q/∂a of the listed rows; the others keep what was there.
    let untouched: Float = 77
    let actionGradient = buffer([Float](repeating: untouched, count: rows * actionSize))
    let all = FloatBuffer(count: rows)
    pass.forward(
      network, states: 0..<states, repeats: repeats, actions: actionBuffer.base, into: all.base)
    let pullBuffer = buffer(pull)
    pass.actionGradient(
      network, rowGradient: pullBuffer.base, rows: kept.map { Int32($0) }, count: kept.count,
      into: actionGradient.base)
    var largest = 0.0
    for row in 0..<rows {
      let found = Array(actionGradient.elements[row * actionSize..<(row + 1) * actionSize])
      if kept.contains(row) {
        let expected = centralDifferences(at: action(row)) {
          Double(pull[row]) * q(parameters, row, $0)
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
}
