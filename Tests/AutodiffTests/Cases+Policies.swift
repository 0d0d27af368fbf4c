import DenseMath
@testable import Autodiff

extension OperationCase {
  /// So narrow that some log-deviations are clipped.
  private static let bounds = LogStdBounds(lower: -0.9, upper: 0.3)

  private struct Kind: Sendable {
    var name: String
    var head: PolicyHead
    var members = 1

    var isFree: Bool { if case .gaussian = head { true } else { false } }

    func actor(_ trial: Trial) -> Actor {
      Actor(
        stack: trial.stacks[0], head: head,
        freeLogStd: isFree ? ParameterVector(block: trial.vectors[0]) : nil)
    }

    /// One member function of the distribution at the argument.
    func member(
      _ suffix: String, constants: [Numbers] = [], noise: Numbers = Numbers(0),
      targets: Bool = false,
      _ f: @escaping @Sendable (Actor, Trial) -> [Variable]
    ) -> OperationCase {
      OperationCase(
        "\(name).\(suffix)", [Numbers(3)], constants: constants,
        stacks: [
          StackSpec(
            3, [6, 5], head.outputSize(actionSize: 2), members: members, targets: targets)
        ],
        vectors: isFree ? [Numbers(2, -0.8, 0.2)] : []
      ) { f(actor($0), $0) }.with { $0.noise = noise }
    }
  }

  private static func both(_ draw: Draw) -> [Variable] { [draw.actions, draw.logProbs] }

  static let policies: [OperationCase] =
    [
      Kind(name: "tanhGaussian", head: .tanhGaussian(bounds)),
      Kind(name: "policyMixture", head: .tanhGaussian(bounds), members: 3),
      Kind(name: "gaussian", head: .gaussian(mean: .none, logStd: .clamped(-0.9, 0.3))),
      Kind(name: "squashedMean", head: .gaussian(mean: .tanh, logStd: .clamped(-0.9, 0.3))),
      Kind(name: "gaussianSigmoid", head: .gaussian(mean: .none, logStd: .sigmoid(-0.9, 0.3))),
    ].flatMap { kind in
      [
        kind.member("sample", noise: Numbers(2)) { both($0($1.x(0)).sample($1.noise)) },
        kind.member("logProb", constants: [Numbers(2, -0.95, 0.95)]) {
          [$0($1.x(0)).logProb(of: $1.c(0))]
        },
        kind.member("mode") { [$0($1.x(0)).mode] },
        kind.member("moments") { [$0($1.x(0)).mean, $0($1.x(0)).logStd] },
        kind.member("samples", noise: Numbers(2, multiple: 3)) {
          both($0($1.x(0)).samples(3, $1.noise))
        }.with { $0.isConstant = true },
        kind.member("target", noise: Numbers(2), targets: true) {
          both($0.target($1.x(0)).sample($1.noise))
        }.with { $0.stopsVectors = true },
      ]
    } + [
      OperationCase(
        "gaussian.logProbOfRecorded", [Numbers(3), Numbers(2)], stacks: [StackSpec(3, [6, 5], 2)],
        vectors: [Numbers(2, -0.8, 0.2)]
      ) { trial in
        let kind = Kind(name: "", head: .gaussian(mean: .none, logStd: .clamped(-0.9, 0.3)))
        return [kind.actor(trial)(trial.x(0)).logProb(of: trial.x(1))]
      },
      OperationCase("deterministic.mode", [Numbers(3)], stacks: [StackSpec(3, [6, 5], 2)]) {
        [Actor(stack: $0.stacks[0], head: .deterministic(explorationNoise: 0.1))($0.x(0)).mode]
      },
      OperationCase("mixture", [Numbers(12)]) {
        [$0.x(0).mixture(members: 3, bounds: bounds)]
      },
    ]
}
