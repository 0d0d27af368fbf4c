import DenseMath
@testable import Autodiff

extension OperationCase {
  private static let two = [Numbers(3), Numbers(2)]

  /// A call of one stack; without a call of its own, of both arguments.
  private static func network(
    _ name: String, _ spec: StackSpec, _ arguments: [Numbers] = two, constants: [Numbers] = [],
    _ call: @escaping @Sendable (NetworkStack, Trial) -> Variable = { $0.call($1.x(0), $1.x(1)) }
  ) -> OperationCase {
    OperationCase("network.\(name)", arguments, constants: constants, stacks: [spec]) {
      [call($0.stacks[0], $0)]
    }
  }

  static let networks: [OperationCase] =
    [
      network("oneInput", StackSpec(3, [6], 1), [Numbers(3)]) { $0.call($1.x(0)) },
      network("twoInputs", StackSpec(5, [6, 5], 1, members: 3)),
      network("severalOutputs", StackSpec(5, [6, 5], 3, members: 3)),
      network("threeLayers", StackSpec(5, [7, 6, 5], 1, members: 2)),
      network("wide", StackSpec(5, [33, 17], 1, members: 2)),
      network("wideSeveralOutputs", StackSpec(5, [33, 17], 2)),
      network("layerNorm", StackSpec(5, [6, 5], 1, members: 2, norm: true)),
      network("layerNormSeveralOutputs", StackSpec(5, [6, 5, 4], 2, members: 2, norm: true)),
      network("sevenMembers", StackSpec(5, [4], 1, members: 7)),
      network("constantInputs", StackSpec(5, [6, 5], 1, members: 3), [], constants: two) {
        $0.call($1.c(0), $1.c(1))
      },
      network(
        "firstRecorded", StackSpec(5, [6, 5], 1, members: 3), [Numbers(3)], constants: [Numbers(2)]
      ) { $0.call($1.x(0), $1.c(0)) },
      network(
        "secondRecorded", StackSpec(5, [6, 5], 1, members: 3), [Numbers(2)],
        constants: [Numbers(3)]
      ) { $0.call($1.c(0), $1.x(0)) },
      network(
        "secondRecordedSeveralOutputs", StackSpec(5, [6, 5], 2, members: 2), [Numbers(2)],
        constants: [Numbers(3)]
      ) { $0.call($1.c(0), $1.x(0)) },
      network("frozen", StackSpec(5, [6, 5], 1, members: 3, trained: false)),
      network(
        "frozenLayerNorm", StackSpec(5, [6, 5], 2, members: 2, norm: true, trained: false)),
      network("target", StackSpec(5, [6, 5], 1, members: 3, targets: true)) {
        $0.call($1.x(0), $1.x(1), usesTarget: true)
      },
      network("subset", StackSpec(5, [6, 5], 1, members: 3)) {
        $0.call($1.x(0), $1.x(1), only: $1.members([2, 0]))
      },
      network("subsetSeveralOutputs", StackSpec(5, [6, 5], 2, members: 3)) {
        $0.call($1.x(0), $1.x(1), only: $1.members([2, 0]))
      },
      network("subsetOfTargets", StackSpec(5, [6, 5], 1, members: 3, targets: true)) {
        $0.call($1.x(0), $1.x(1), usesTarget: true, only: $1.members([2, 1]))
      },
      network("dropout", StackSpec(5, [6, 5], 3)) {
        $0.call($1.x(0), $1.x(1), dropout: (0.3, $1.noise))
      }.with { $0.noise = Numbers(11) },
      network("dropoutOneOutput", StackSpec(5, [6, 5], 1)) {
        $0.call($1.x(0), $1.x(1), dropout: (0.3, $1.noise))
      }.with { $0.noise = Numbers(11) },
      network("dropoutTarget", StackSpec(5, [6, 5], 3, targets: true)) {
        $0.call($1.x(0), $1.x(1), usesTarget: true, dropout: (0.3, $1.noise))
      }.with { $0.noise = Numbers(11) },
      // The greater twin's rows have no gradient.
      network("twinMinimum", StackSpec(5, [6, 5], 1, members: 4)) {
        $0.call($1.x(0), $1.x(1)).minimum(of: 2)
      },
      network("twinMinimumLayerNorm", StackSpec(5, [6, 5], 1, members: 4, norm: true)) {
        $0.call($1.x(0), $1.x(1)).minimum(of: 2)
      },
      OperationCase(
        "network.chain", [Numbers(3)],
        stacks: [StackSpec(3, [6], 2), StackSpec(5, [6, 5], 1, members: 2)]
      ) { trial in
        let action = trial.stacks[0].call(trial.x(0)).tanh()
        return [trial.stacks[1].call(trial.x(0), action)]
      },
      OperationCase(
        "network.calledTwice", two, constants: [Numbers(3)],
        stacks: [StackSpec(5, [6, 5], 1, members: 2)]
      ) { trial in
        let critics = Critics(stack: trial.stacks[0])
        return [critics(trial.x(0), trial.x(1)), critics(trial.c(0), trial.x(1))]
      },
    ] + actionGradients

  private static let actionGradients: [OperationCase] =
    [("oneLayer", [6], 1), ("twoLayers", [6, 5], 3), ("threeLayers", [7, 6, 5], 2)].map {
      name, hidden, members in
      second(name, StackSpec(5, hidden, 1, members: members)) { $0 }
    } + [
      // The length of the sum of the directions, as EDAC has it.
      second("diversity", StackSpec(5, [6, 5], 1, members: 3)) {
        $0.normalized(of: 2).sumOfGroups(of: 2).squared().sum()
      }
    ]

  private static func second(
    _ name: String, _ spec: StackSpec, _ rest: @escaping @Sendable (Variable) -> Variable
  ) -> OperationCase {
    OperationCase("actionGradients.\(name)", constants: two, stacks: [spec]) { trial in
      [rest(Critics(stack: trial.stacks[0]).actionGradients(trial.c(0), trial.c(1)))]
    }.with { $0.jumps = true }
  }
}
