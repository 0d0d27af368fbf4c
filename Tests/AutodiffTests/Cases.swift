import DenseMath
@testable import Autodiff

/// Every operation of the tape. A new operation is a new line here and, under the same name, in
/// `Tests/Fixtures/autodiff/operations.py`.
extension OperationCase {
  static let all: [OperationCase] =
    arithmetic + elementwise + columns + statistics + networks + parameters + policies

  // MARK: Arithmetic

  private static let binary: [(String, @Sendable (Variable, Variable) -> Variable)] = [
    ("sum", { $0 + $1 }),
    ("difference", { $0 - $1 }),
    ("product", { $0 * $1 }),
    ("quotient", { $0 / $1 }),
    ("maximum", { Variable.maximum($0, $1) }),
    ("minimum", { Variable.minimum($0, $1) }),
    ("squaredError", { $0.squaredError(to: $1) }),
  ]

  static let arithmetic: [OperationCase] =
    binary.flatMap { name, f in
      [("alike", 3, 3), ("firstFewer", 2, 6), ("secondFewer", 6, 2)].map { kind, a, b in
        let second = name == "quotient" ? Numbers(b, 0.5, 2) : Numbers(b)
        return OperationCase("\(name).\(kind)", [Numbers(a), second]) { [f($0.x(0), $0.x(1))] }
      }
    } + [
      OperationCase("product.withItself", [Numbers(3)]) { [$0.x(0) * $0.x(0)] },
      OperationCase("quotient.ofConstant", [Numbers(3, 0.5, 2)], constants: [Numbers(3)]) {
        [$0.c(0) / $0.x(0)]
      },
      OperationCase("squaredError.ofConstant", [Numbers(4)], constants: [Numbers(2)]) {
        [$0.x(0).squaredError(to: $0.c(0))]
      },
      OperationCase("numbers", [Numbers(3)]) { trial in
        let x = trial.x(0)
        return [2.5 * x, x * 2.5, x / 1.6, x + 0.7, 0.7 + x, x - 0.7, 0.7 - x, -x]
      },
    ]

  // MARK: Functions of each element

  private static func element(
    _ name: String, _ numbers: Numbers = Numbers(3, -3, 3),
    _ f: @escaping @Sendable (Variable) -> Variable
  ) -> OperationCase {
    OperationCase(name, [numbers]) { [f($0.x(0))] }
  }

  static let elementwise = [
    element("squared") { $0.squared() },
    element("absoluteValue") { $0.absoluteValue() },
    element("exponential") { $0.exponential() },
    element("tanh") { $0.tanh() },
    element("sigmoid") { $0.sigmoid() },
    element("softplus") { $0.softplus() },
    element("relu") { $0.relu() },
    element("clamped") { $0.clamped(-1, 0.75) },
    element("expectile") { $0.expectile(0.7) },
    element("huber") { $0.huber(0.5) },
    element("squareRoot", Numbers(3, 0.3, 3)) { $0.squareRoot() },
    element("logarithm", Numbers(3, 0.3, 3)) { $0.logarithm() },
  ]

  // MARK: Columns and rows

  static let columns = [
    element("minimum.ofAll", Numbers(6)) { $0.minimum() },
    element("minimum.ofGroups", Numbers(6)) { $0.minimum(of: 2) },
    element("maximum.ofAll", Numbers(6)) { $0.maximum() },
    element("maximum.ofGroups", Numbers(6)) { $0.maximum(of: 3) },
    element("mean", Numbers(6)) { $0.mean() },
    element("sum.ofRow", Numbers(6)) { $0.sum() },
    element("sumOfGroups", Numbers(6)) { $0.sumOfGroups(of: 2) },
    element("logSumExp", Numbers(6)) { $0.logSumExp() },
    element("normalized", Numbers(6)) { $0.normalized(of: 2) },
    element("columns", Numbers(6)) { $0.columns(1..<4) },
    element("column", Numbers(6)) { $0.column(5) },
    element("repeated", Numbers(6)) { $0.repeated(3) },
    element("gatheringRows", Numbers(3, multiple: 2)) { $0.gatheringRows(2) },
    OperationCase("joined", [Numbers(2), Numbers(3)]) { [$0.x(0).joined(with: $0.x(1))] },
    OperationCase("joined.withConstant", [Numbers(2)], constants: [Numbers(3)]) {
      [$0.c(0).joined(with: $0.x(0))]
    },
    chosen("chosen", Numbers(3)),
    chosen("chosen.byRow", Numbers(1)),
  ]

  private static func chosen(_ name: String, _ choice: Numbers) -> OperationCase {
    OperationCase(name, [Numbers(3), Numbers(3)], constants: [choice]) { trial in
      var choice = trial.constants[0]
      choice.elements = choice.elements.map { $0 > 0 ? 1 : 0 }
      return [trial.x(0).chosen(where: trial.constant(choice), otherwise: trial.x(1))]
    }
  }

  // MARK: Through which nothing goes backward

  private static func statistic(
    _ name: String, _ numbers: Numbers, _ f: @escaping @Sendable (Trial) -> Variable
  ) -> OperationCase {
    OperationCase(name, [numbers]) { [f($0)] }.with { $0.isConstant = true }
  }

  static let statistics = [
    statistic("batchMean", Numbers(3)) { $0.number($0.x(0).batchMean) },
    statistic("batchMeanOfMagnitudes", Numbers(3)) { $0.number($0.x(0).batchMeanOfMagnitudes) },
    statistic("meanRowVariance", Numbers(4)) { $0.number($0.x(0).meanRowVariance) },
    statistic("batchWeights", Numbers(1)) { $0.x(0).batchWeights(temperature: 0.5) },
    statistic("categorical", Numbers(3)) { $0.x(0).categorical($0.c(0)) }
      .with { $0.constants = [Numbers(1, 0, 1)] },
  ]

  // MARK: Parameters without a network

  static let parameters = [
    OperationCase("vector", [Numbers(3)], vectors: [Numbers(3)]) { trial in
      [ParameterVector(block: trial.vectors[0])(for: trial.x(0)) * trial.x(0)]
    },
    OperationCase("positiveScalar", [Numbers(1)], vectors: [Numbers(1)]) { trial in
      let block = trial.vectors[0]
      let logarithm = block.values.base[0]
      let scalar = PositiveScalar(block: block, initial: 1)
      block.values.base[0] = logarithm
      return [scalar.logarithm(for: trial.x(0)) * trial.x(0)]
    },
  ]
}
