import ArgumentParser
import Configuration
import RLCore
import Runs
import Stages

struct Sac: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train soft actor-critic from scratch; its replay buffer can become a dataset.",
    discussion: """
      Settings: docs/settings.md has them all, `bred algorithm show NAME` those of one algorithm.

      Examples:
        bred sac --env hopper --output runs/sac-0 \\
          --set online.environmentSteps=100000
        bred sac --env hopper --output runs/sac-0 --replay-dataset hopper-replay.hdf5
      """)

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Write the replay buffer as a D4RL v2 dataset at the end.", valueName: "file"),
    completion: .file(), transform: HomePath.expanded)
  var replayDataset: String?

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    let context = try options.context(stages: [.online], method: .scratch)
    try OnlineStage(context).run(
      ensemble: nil, output: options.output, replayDataset: replayDataset)
    try options.report(options.output)
  }
}
