import ArgumentParser
import Configuration
import RLCore
import Runs
import Stages

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train N independent agents of any algorithm on a dataset.",
    discussion: """
      The agents appear in OUTPUT/weights, an ensemble directory. `bred algorithm list` names the \
      algorithms, `bred algorithm show NAME` their settings; docs/settings.md has all of them.

      Examples:
        bred train cql --env hopper --dataset hopper_medium-v2.hdf5 --output \\
          runs/cql-0
        bred train iql --env hopper --dataset data.hdf5 --output runs/iql-1 \\
          --seed 1 \\
          --set offline.members=3 --set offline.gradientSteps=20000 \\
          --set offline.iql.expectile=0.8
      """)

  @Argument(help: "The algorithm. (default: the configuration's, cql)")
  var algorithm: String?

  @Option(name: .long, help: "D4RL HDF5 file.", completion: .file(), transform: HomePath.expanded)
  var dataset: String

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    let context = try options.context(
      stages: [.offline], dataset: dataset,
      more: algorithm.map {
        [ConfigurationOption(name: "the algorithm", key: "offline.algorithm", value: $0)]
      } ?? [])
    try OfflineStage(context).run(output: options.output)
    try options.report(options.output)
  }
}

struct Pretrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train N independent CQL agents on a dataset: bred train cql.",
    discussion: """
      Settings: docs/settings.md has them all, `bred algorithm show cql` the algorithm's.

      Examples:
        bred pretrain --env hopper --dataset hopper_medium-v2.hdf5 --output \\
          runs/cql-0
        bred pretrain --env hopper --dataset data.hdf5 --output runs/cql-1 --seed 1 \\
          --set offline.members=3 --set offline.gradientSteps=20000
      """)

  @Option(name: .long, help: "D4RL HDF5 file.", completion: .file(), transform: HomePath.expanded)
  var dataset: String

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    try OfflineStage(options.context(stages: [.offline], dataset: dataset))
      .run(output: options.output)
    try options.report(options.output)
  }
}
