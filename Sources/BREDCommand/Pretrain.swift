import ArgumentParser
import Stages

struct Pretrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train N independent CQL agents on a dataset.",
    discussion: """
      The agents appear in OUTPUT/weights, an ensemble directory.

      Examples:
        bred pretrain --env hopper --dataset hopper_medium-v2.hdf5 --output runs/cql-0
        bred pretrain --env hopper --dataset data.hdf5 --output runs/cql-1 --seed 1 \\
          --set pretrain.members=3 --set pretrain.gradientSteps=20000
      """)

  @Option(name: .long, help: "D4RL HDF5 file.")
  var dataset: String

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    try PretrainStage(options.context(dataset: dataset)).run(output: options.output)
    try options.report(options.output)
  }
}
