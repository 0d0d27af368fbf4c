import DenseMath
@testable import Autodiff
import TestSupport
import Testing

/// A rectangle of random numbers: so many columns, between two bounds.
struct Numbers: Sendable {
  var columns: Int
  var low: Double
  var high: Double
  /// Rows for each row of the case.
  var multiple: Int

  init(_ columns: Int, _ low: Double = -1.5, _ high: Double = 1.5, multiple: Int = 1) {
    (self.columns, self.low, self.high, self.multiple) = (columns, low, high, multiple)
  }

  func matrix(rows: Int, _ stream: inout RandomStream) -> Matrix {
    var result = Matrix(rows: rows * multiple, columns: columns)
    for i in result.elements.indices { result.elements[i] = Float(stream.uniform(low, high)) }
    return result
  }
}

/// K networks of one shape.
struct StackSpec: Sendable {
  var shape: NetworkShape
  var members: Int
  var hasTargets: Bool
  var isTrained: Bool

  init(
    _ inputs: Int, _ hidden: [Int], _ outputs: Int, members: Int = 1, norm: Bool = false,
    targets: Bool = false, trained: Bool = true
  ) {
    shape = NetworkShape(
      inputSize: inputs, hiddenSizes: hidden, outputSize: outputs, normalizesLayers: norm)
    (self.members, hasTargets, isTrained) = (members, targets, trained)
  }

  func stack(_ name: String, scratch: [Scratch]) -> NetworkStack {
    let block = ParameterBlock(
      name: name, members: members, count: shape.parameterCount, tau: hasTargets ? 0.01 : nil,
      optimizer: .adam(learningRate: 1e-3))
    return NetworkStack(shape, block: block, scratch: scratch)
  }

  /// Numbers of a trained network's size, the layer norm's scales around 1.
  func parameters(_ stream: inout RandomStream) -> [Float] {
    var all: [Float] = []
    for _ in 0..<members {
      var one = [Float](repeating: 0, count: shape.parameterCount)
      for layer in ParameterLayout(shape).layers {
        let bound = 1.5 / Double(layer.inputs).squareRoot()
        for i in layer.weight..<layer.bias { one[i] = Float(stream.uniform(-bound, bound)) }
        for c in 0..<layer.outputs {
          one[layer.bias + c] = Float(stream.uniform(-0.4, 0.4))
          guard layer.isNormalized else { continue }
          one[layer.scale + c] = Float(stream.uniform(0.5, 1.5))
          one[layer.shift + c] = Float(stream.uniform(-0.4, 0.4))
        }
      }
      all += one
    }
    return all
  }
}

/// One operation, or one thing made of several, with what it is tried on.
struct OperationCase: Sendable, CustomTestStringConvertible {
  var name: String
  /// What gets a gradient.
  var arguments: [Numbers] = []
  var constants: [Numbers] = []
  var stacks: [StackSpec] = []
  var vectors: [Numbers] = []
  /// Random numbers that are drawn, for each row so many rows.
  var noise = Numbers(0)
  /// Largest difference to central differences, relative to the largest of a tensor.
  var tolerance = 1e-3
  /// Nothing goes backward through it.
  var isConstant = false
  /// Jumps where a unit switches, so that differences over many rows say nothing.
  var jumps = false
  /// Whether vectors that the outputs depend on are to be constants all the same.
  var stopsVectors = false
  var run: @Sendable (Trial) -> [Variable]

  init(
    _ name: String, _ arguments: [Numbers] = [], constants: [Numbers] = [],
    stacks: [StackSpec] = [], vectors: [Numbers] = [],
    run: @escaping @Sendable (Trial) -> [Variable]
  ) {
    self.name = name
    self.arguments = arguments
    self.constants = constants
    self.stacks = stacks
    self.vectors = vectors
    self.run = run
    // Networks have kinks.
    if !stacks.isEmpty { tolerance = 5e-3 }
  }

  var testDescription: String { name }

  func with(_ change: (inout OperationCase) -> Void) -> OperationCase {
    var copy = self
    change(&copy)
    return copy
  }
}

/// A case with numbers in place.
final class Trial {
  struct Gradients: Equatable {
    var arguments: [[Float]]
    var stacks: [[Float]]
    var vectors: [[Float]]
  }

  let operation: OperationCase
  let rows: Int
  let tape: Tape
  let stacks: [NetworkStack]
  let vectors: [ParameterBlock]
  let noise = Noise(seed: 1, purpose: "noise")
  var arguments: [Matrix]
  var constants: [Matrix]
  /// Factors of the outputs in the loss.
  var weights: [Matrix] = []
  private var x: [Variable] = []
  private var c: [Variable] = []

  init(_ operation: OperationCase, rows: Int, threads: Int = 1) {
    BLAS.prepare()
    self.operation = operation
    self.rows = rows
    tape = Tape(pool: WorkerPool(threads: threads))
    let scratch = (0..<threads).map { _ in Scratch() }
    var stream = RandomStream(seed: UInt64(rows), purpose: operation.name)
    arguments = operation.arguments.map { $0.matrix(rows: rows, &stream) }
    constants = operation.constants.map { $0.matrix(rows: rows, &stream) }
    stacks = operation.stacks.enumerated().map { index, spec in
      let stack = spec.stack("stack\(index)", scratch: scratch)
      stack.block.values.elements = spec.parameters(&stream)
      if let targets = stack.block.targets { targets.elements = spec.parameters(&stream) }
      return stack
    }
    vectors = operation.vectors.enumerated().map { index, numbers in
      let block = ParameterBlock(
        name: "vector\(index)", members: 1, count: numbers.columns, tau: nil,
        optimizer: .adam(learningRate: 1e-3))
      block.values.elements = numbers.matrix(rows: 1, &stream).elements
      return block
    }
  }

  deinit { tape.pool.shutDown() }

  // MARK: What a case is written with

  func x(_ index: Int) -> Variable { x[index] }
  func c(_ index: Int) -> Variable { c[index] }

  func constant(_ matrix: Matrix) -> Variable {
    let memory = tape.floats(matrix.elements.count)
    for (i, value) in matrix.elements.enumerated() { memory[i] = value }
    return tape.constant(memory, rows: matrix.rows, columns: matrix.columns)
  }

  func number(_ value: Double) -> Variable {
    constant(Matrix(rows: 1, columns: 1, elements: [Float(value)]))
  }

  func members(_ list: [Int]) -> MemberList {
    let memory = tape.integers(list.count)
    for (i, member) in list.enumerated() { memory[i] = Int32(member) }
    return MemberList(indices: UnsafePointer(memory), count: list.count)
  }

  // MARK: What is done with it

  /// The outputs where nothing is trained.
  func outputs() -> [Matrix] {
    begin()
    x = arguments.map(constant)
    let outputs = operation.run(self)
    #expect(outputs.allSatisfy { !$0.isRecorded })
    return outputs.map(\.matrix)
  }

  /// Mean over the rows of Σ output·weight.
  func loss() -> Double {
    zip(outputs(), weights).reduce(0) { sum, pair in
      sum
        + zip(pair.0.elements, pair.1.elements).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        / Double(pair.0.rows)
    }
  }

  func drawWeights() {
    var stream = RandomStream(seed: UInt64(rows), purpose: "weights")
    weights = outputs().map { Numbers($0.columns, -1, 1).matrix(rows: $0.rows, &stream) }
  }

  /// Outputs, loss and gradients from one trained loss.
  func differentiate() -> (outputs: [Matrix], loss: Double, gradients: Gradients) {
    begin()
    let blocks = zip(stacks, operation.stacks).filter(\.1.isTrained).map(\.0.block) + vectors
    for block in blocks { block.isTrained = true }
    x = arguments.map(leaf)
    let outputs = operation.run(self)
    #expect(outputs.contains { $0.isRecorded } != operation.isConstant)
    let loss = zip(outputs, weights).map { ($0 * constant($1)).sum() }
    let value = tape.differentiate(loss.dropFirst().reduce(loss[0]) { $0 + $1 })
    for block in blocks { block.isTrained = false }
    let gradients = Gradients(
      arguments: x.map { leaf in
        Array(
          UnsafeBufferPointer(start: tape.gradient(leaf.node)!, count: leaf.rows * leaf.columns))
      },
      stacks: stacks.map { stack in (0..<stack.members).flatMap { stack.block.gradient($0) } },
      vectors: vectors.map { $0.gradient(0) })
    for block in blocks { block.clearGradient() }
    return (outputs.map(\.matrix), value, gradients)
  }

  private func begin() {
    tape.begin(step: 3)
    tape.beginLoss()
    c = constants.map(constant)
  }

  /// A variable that stands at the beginning and whose gradient is read at the end.
  private func leaf(_ matrix: Matrix) -> Variable {
    let values = constant(matrix).values
    return tape.record(values, rows: matrix.rows, columns: matrix.columns, { _, _ in }) { _ in }
  }
}
