import DenseMath
@testable import Autodiff
import TestSupport
import Testing

/// The squared error of a call that waits runs forward and backward at once; it must give the bytes of
/// separate operations, and must wait only where that is possible.
@Suite struct SquaredErrorTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var stack: StackSpec
    var targetColumns: Int
    var list: [Int]?

    init(_ name: String, _ stack: StackSpec, targetColumns: Int, list: [Int]? = nil) {
      (testDescription, self.stack) = (name, stack)
      (self.targetColumns, self.list) = (targetColumns, list)
    }
  }

  static let shapes = [
    Shape("one network", StackSpec(5, [6, 5], 1), targetColumns: 1),
    Shape("one target for all", StackSpec(5, [6, 5], 1, members: 4), targetColumns: 1),
    Shape("grouped targets", StackSpec(5, [6, 5], 1, members: 4), targetColumns: 2),
    Shape("a target each", StackSpec(5, [33], 1, members: 3), targetColumns: 3),
    Shape(
      "layer norm", StackSpec(5, [6, 5], 1, members: 4, norm: true), targetColumns: 2),
    Shape("many members", StackSpec(5, [6], 1, members: 7), targetColumns: 1),
    Shape("subset", StackSpec(5, [6, 5], 1, members: 4), targetColumns: 2, list: [3, 0]),
  ]

  private struct Outcome: Equatable {
    var loss: Double
    var values: [Float]
    var errors: [Float]
    var gradient: [Float]
  }

  /// - Parameters:
  ///   - reads: asks for the values in between, so that the operations run one by one.
  private func outcome(
    _ shape: Shape, rows: Int, reads: Bool, threads: Int = 1,
    _ loss: (Variable) -> Variable = { $0 }
  ) -> (Outcome, waited: Bool) {
    let operation = OperationCase(
      "squared error", constants: [Numbers(3), Numbers(2), Numbers(shape.targetColumns)],
      stacks: [shape.stack]
    ) { _ in [] }
    let trial = Trial(operation, rows: rows, threads: threads)
    let (tape, stack) = (trial.tape, trial.stacks[0])
    tape.begin(step: 0)
    tape.beginLoss()
    let inputs = trial.constants.map(trial.constant)
    stack.block.isTrained = true
    let q = stack.call(inputs[0], inputs[1], only: shape.list.map(trial.members))
    if reads { _ = q.values }
    let error = q.squaredError(to: inputs[2])
    let total = loss(error)
    let waited = tape.pendingNode >= 0
    let value = tape.differentiate(total)
    stack.block.isTrained = false
    return (
      Outcome(
        loss: value, values: q.matrix.elements, errors: error.matrix.elements,
        gradient: (0..<stack.members).flatMap { stack.block.gradient($0) }), waited
    )
  }

  @Test(arguments: shapes, [1, 5, 130, 300, 700])
  func sameBytesInOneGo(shape: Shape, rows: Int) {
    let (fused, waited) = outcome(shape, rows: rows, reads: false)
    let (separate, waitedToo) = outcome(shape, rows: rows, reads: true)
    #expect(waited && !waitedToo)
    #expect(fused == separate)
    #expect(fused.gradient.map(abs).max()! > 1e-3)
    for threads in [2, 3] {
      #expect(outcome(shape, rows: rows, reads: false, threads: threads).0 == fused)
    }
  }

  @Test(arguments: shapes) func aWeightedErrorDoesNotWait(shape: Shape) {
    let (weighted, waited) = outcome(shape, rows: 130, reads: false) { 2 * $0 }
    #expect(!waited)
    #expect(weighted == outcome(shape, rows: 130, reads: true) { 2 * $0 }.0)
    let (plain, _) = outcome(shape, rows: 130, reads: false)
    #expect(weighted.loss == 2 * plain.loss)
    #expect(weighted.gradient == plain.gradient.map { 2 * $0 })
  }

  /// A trained stack with its inputs, inside a loss.
  private func scene(
    _ body: (_ trial: Trial, _ critics: Critics, _ inputs: [Variable]) -> Void
  ) {
    let operation = OperationCase(
      "scene", constants: [Numbers(3), Numbers(2), Numbers(1), Numbers(1)],
      stacks: [StackSpec(5, [6, 5], 1, members: 2)]
    ) { _ in [] }
    let trial = Trial(operation, rows: 5)
    trial.tape.begin(step: 0)
    trial.tape.beginLoss()
    trial.stacks[0].block.isTrained = true
    body(trial, Critics(stack: trial.stacks[0]), trial.constants.map(trial.constant))
  }

  @Test func twoErrorsOfOneCallAreBothComputed() {
    var sums: [[Float]] = []
    for reads in [true, false] {
      scene { trial, critics, inputs in
        let q = critics(inputs[0], inputs[1])
        if reads { _ = q.values }
        let first = q.squaredError(to: inputs[2])
        let second = q.squaredError(to: inputs[3])
        let loss = trial.tape.differentiate(first + second)
        sums.append(
          first.matrix.elements + second.matrix.elements + [Float(loss)]
            + trial.stacks[0].block.gradient(0) + trial.stacks[0].block.gradient(1))
      }
    }
    #expect(sums[0] == sums[1])
  }

  @Test func anErrorThatIsNotTheLossIsComputed() {
    scene { trial, critics, inputs in
      let error = critics(inputs[0], inputs[1]).squaredError(to: inputs[2])
      let other = critics(inputs[0], inputs[1]).squaredError(to: inputs[3])
      _ = trial.tape.differentiate(other)
      let q = critics.stack.call(inputs[0], inputs[1]).matrix
      for row in 0..<5 {
        for member in 0..<2 {
          let difference = q[row, member] - inputs[2].values[row]
          #expect(error.matrix[row, member] == difference * difference)
        }
      }
    }
  }

  @Test func aCallThatWaitsIsAnsweredWhenTheNextLossBegins() {
    scene { trial, critics, inputs in
      let q = critics(inputs[0], inputs[1])
      #expect(trial.tape.pendingNode >= 0)
      trial.tape.beginLoss()
      #expect(trial.tape.pendingNode < 0)
      trial.stacks[0].block.isTrained = false
      #expect(q.matrix == critics(inputs[0], inputs[1]).matrix)
      #expect(!q.isRecorded, "what was recorded before a loss is a constant to it")
    }
  }

  @Test func aVariableToAnotherNetworksGradientDoesNotWait() {
    scene { trial, critics, inputs in
      let q = critics(inputs[0], inputs[1])
      _ = critics(inputs[0], q.columns(0..<2))
      #expect(trial.tape.pendingNode < 0)
    }
  }

  @Test func detachedStopsTheGradient() {
    scene { trial, _, inputs in
      let vector = ParameterBlock(
        name: "vector", members: 1, count: 1, tau: nil, optimizer: .adam(learningRate: 1))
      vector.values.elements = [3]
      vector.isTrained = true
      let x = ParameterVector(block: vector)(for: inputs[0])
      #expect(trial.tape.differentiate(x * x.detached) == 9)
      #expect(vector.gradient(0) == [3])
    }
  }

  /// Where a function has a kink the comments promise a slope; random numbers never stand there.
  @Test func slopesAtKinks() {
    scene { trial, _, inputs in
      func slope(at value: Float, _ f: (Variable) -> Variable) -> Float {
        let vector = ParameterBlock(
          name: "vector", members: 1, count: 1, tau: nil, optimizer: .adam(learningRate: 1))
        vector.values.elements = [value]
        vector.isTrained = true
        trial.tape.beginLoss()
        _ = trial.tape.differentiate(f(ParameterVector(block: vector)(for: inputs[0])))
        return vector.gradient(0)[0]
      }
      func zero(_ x: Variable) -> Variable { 0 * x.detached }
      #expect(slope(at: 0) { $0.relu() } == 0)
      #expect(slope(at: 0) { $0.absoluteValue() } == 0)
      #expect(slope(at: 1) { $0.clamped(-1, 1) } == 1)
      // Of equal values the first gets the gradient.
      #expect(slope(at: 0) { Variable.minimum(3 * $0, zero($0)) } == 3)
      #expect(slope(at: 0) { Variable.minimum(zero($0), 3 * $0) } == 0)
      #expect(slope(at: 0) { Variable.maximum(3 * $0, zero($0)) } == 3)
      #expect(slope(at: 0) { Variable.maximum(zero($0), 3 * $0) } == 0)
    }
  }

  @Test func aNaNIsNoticedWhereverItStands() {
    scene { trial, _, _ in
      for place in 0..<3 {
        var numbers: [Float] = [-1, 0.5, 2]
        numbers[place] = .nan
        let x = trial.constant(Matrix(rows: 1, columns: 3, elements: numbers))
        let y = trial.constant(Matrix(rows: 1, columns: 3))
        for (name, row) in [
          ("minimum", x.minimum()), ("maximum", x.maximum()), ("logSumExp", x.logSumExp()),
          ("mean", x.mean()), ("length", x.normalized(of: 3)),
        ] { #expect(row.matrix.elements[0].isNaN, "\(name) loses a NaN in column \(place)") }
        for (name, same) in [
          ("maximum", Variable.maximum(x, y)), ("maximum", Variable.maximum(y, x)),
          ("minimum", Variable.minimum(x, y)), ("minimum", Variable.minimum(y, x)),
          ("clamped", x.clamped(-1, 1)), ("relu", x.relu()), ("huber", x.huber()),
          ("expectile", x.expectile(0.7)), ("softplus", x.softplus()), ("tanh", x.tanh()),
          ("exponential", x.exponential()), ("sigmoid", x.sigmoid()),
          ("absoluteValue", x.absoluteValue()), ("logarithm", x.logarithm()),
        ] { #expect(same.matrix.elements[place].isNaN, "\(name) loses a NaN") }
      }
    }
  }
}
