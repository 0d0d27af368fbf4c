import DenseMath
@testable import Autodiff
import TestSupport
import Testing

/// Every operation by itself: its gradients against central differences, and its values and gradients
/// against PyTorch.
@Suite struct OperationTests {
  /// Numbers of a piece are 128 or 256 rows.
  static let rowCounts = [1, 5, 130, 300]

  @Test(arguments: OperationCase.all.filter { !$0.isConstant }, rowCounts)
  func gradientsEqualCentralDifferences(of operation: OperationCase, rows: Int) {
    let trial = Trial(operation, rows: rows)
    trial.drawWeights()
    let (outputs, loss, gradients) = trial.differentiate()
    #expect(outputs == trial.outputs(), "training changes the values")
    #expect(normalizedError(loss, trial.loss()) < 1e-6)
    if operation.jumps && rows > 5 {
      expectSumOfParts(trial, gradients)
      return
    }
    var largest = 0.0
    for (index, gradient) in gradients.arguments.enumerated() {
      largest = max(
        largest,
        compare(trial, gradient, "argument \(index)") { trial.arguments[index].elements[$0] += $1 })
    }
    for (index, gradient) in gradients.stacks.enumerated() {
      let stack = trial.stacks[index]
      guard operation.stacks[index].isTrained else {
        #expect(gradient.allSatisfy { $0 == 0 }, "a stack that is not trained has a gradient")
        continue
      }
      largest = max(
        largest, compare(trial, gradient, "stack \(index)") { stack.block.values.base[$0] += $1 })
    }
    for (index, gradient) in gradients.vectors.enumerated() {
      guard !operation.stopsVectors else {
        #expect(gradient.allSatisfy { $0 == 0 }, "a vector that is a constant has a gradient")
        continue
      }
      let block = trial.vectors[index]
      largest = max(
        largest, compare(trial, gradient, "vector \(index)") { block.values.base[$0] += $1 })
    }
    #expect(largest > 1e-3 / Double(rows).squareRoot(), "the gradient is nearly zero: \(largest)")
  }

  /// Compares with the differences at places spread over the tensor, the ends included.
  /// - Returns: the largest of the differences.
  private func compare(
    _ trial: Trial, _ gradient: [Float], _ what: String, _ move: (Int, Float) -> Void
  ) -> Double {
    let places = Array(
      Set((0..<24).map { $0 * (gradient.count - 1) / 23 } + [gradient.count - 1])
    ).sorted()
    // Where a step passes a kink, the difference to the other side or a smaller step tells the slope.
    let steps: [Float] = [0x1p-7, 0x1p-10, 0x1p-12]
    let here = trial.loss()
    var (errors, largest) = ([Double](), 0.0)
    for place in places {
      let found = Double(gradient[place])
      var best = Double.infinity
      for step in steps {
        move(place, step)
        let above = trial.loss()
        move(place, -2 * step)
        let below = trial.loss()
        move(place, step)
        let h = Double(step)
        for slope in [(above - below) / (2 * h), (above - here) / h, (here - below) / h]
        where abs(slope - found) < abs(best - found) { best = slope }
      }
      errors.append(abs(best - found))
      largest = max(largest, abs(best))
    }
    if largest == 0 {
      #expect(gradient.allSatisfy { $0 == 0 }, "\(what) has a gradient and no influence")
      return 0
    }
    let worst = errors.max()! / largest
    #expect(worst < trial.operation.tolerance, "\(what): \(worst) of \(largest)")
    return largest
  }

  /// The gradient of many rows is that of a few at a time, which differences confirm.
  private func expectSumOfParts(_ trial: Trial, _ gradients: Trial.Gradients) {
    var sum = [Double](repeating: 0, count: gradients.stacks[0].count)
    for start in stride(from: 0, to: trial.rows, by: 5) {
      let rows = start..<min(start + 5, trial.rows)
      let part = Trial(trial.operation, rows: rows.count)
      func cut(_ matrix: Matrix) -> Matrix {
        Matrix(
          rows: rows.count, columns: matrix.columns, elements: rows.flatMap { matrix.row($0) })
      }
      part.constants = trial.constants.map(cut)
      part.weights = trial.weights.map(cut)
      part.stacks[0].block.values.elements = trial.stacks[0].block.values.elements
      let share = Double(rows.count) / Double(trial.rows)
      for (i, value) in part.differentiate().gradients.stacks[0].enumerated() {
        sum[i] += share * Double(value)
      }
    }
    let scale = sum.map(abs).max()!
    #expect(scale > 1e-3)
    #expect(normalizedError(gradients.stacks[0], sum, floor: scale) < 2e-6)
  }

  // MARK: PyTorch

  nonisolated(unsafe) private static let fixture = JSON(fixture: "autodiff/operations.json")

  @Test func everyCaseOfTheFixtureIsTried() {
    #expect(Self.fixture.keys == OperationCase.all.map(\.name).sorted())
  }

  @Test(arguments: OperationCase.all) func equalsPyTorch(_ operation: OperationCase) {
    let reference = Self.fixture[operation.name]
    let trial = Trial(operation, rows: 5)
    func items(_ json: JSON) -> [JSON] { (0..<json.count).map { json[$0] } }
    func matrix(_ json: JSON) -> Matrix {
      Matrix(rows: json.shape[0], columns: json.shape[1], elements: json.floats)
    }
    func replace(_ present: inout [Matrix], _ name: String) {
      let given = items(reference[name]).map(matrix)
      #expect(given.map(\.rows) == present.map(\.rows))
      #expect(given.map(\.columns) == present.map(\.columns))
      present = given
    }
    replace(&trial.arguments, "arguments")
    replace(&trial.constants, "constants")
    trial.weights = items(reference["weights"]).map(matrix)
    for (index, stack) in trial.stacks.enumerated() {
      stack.block.values.elements = reference["stacks"][index].floats
      stack.block.targets?.elements = reference["targets"][index].floats
    }
    for (index, block) in trial.vectors.enumerated() {
      block.values.elements = reference["vectors"][index].floats
    }
    if reference.has("noise") { trial.noise.fixed = reference["noise"].floats }

    let (outputs, _, gradients) = trial.differentiate()
    for (output, expected) in zip(outputs, items(reference["outputs"])) {
      #expect([output.rows, output.columns] == expected.shape)
      let error = normalizedError(output.elements, expected.doubles)
      #expect(error < 2e-6, "outputs: \(error)")
    }
    func expect(_ found: [[Float]], _ name: String) {
      let expected = items(reference["gradients"][name])
      #expect(found.count == expected.count)
      for (gradient, values) in zip(found, expected) {
        let scale = values.doubles.map(abs).max()!
        if scale == 0 { #expect(gradient.allSatisfy { $0 == 0 }) }
        let error = normalizedError(gradient, values.doubles, floor: max(scale, 1e-30))
        #expect(error < 5e-6, "gradient of \(name): \(error)")
      }
    }
    expect(gradients.arguments, "arguments")
    expect(gradients.stacks, "stacks")
    expect(gradients.vectors, "vectors")
  }
}
