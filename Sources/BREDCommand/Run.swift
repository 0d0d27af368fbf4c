import ArgumentParser
import Configuration
import Runs
import Stages

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pretrain, distil, fine-tune and evaluate, as one configuration says.",
    discussion: """
      Each stage has a run directory of its own below --output: pretrain, distill, finetune.
      With --resume, finished stages are skipped and the interrupted one goes on.

      Examples:
        bred run experiments/presets/hopper-medium.yaml --dataset hopper_medium-v0.hdf5 --output runs/hopper-0
        bred run my.yaml --output runs/quick --set offline.members=2 --set offline.gradientSteps=20000
        bred run my.yaml --output runs/quick --resume
      """)

  @Argument(
    help: "YAML with the values that differ from the defaults.", completion: .file(),
    transform: HomePath.expanded)
  var configurationFile: String

  @Option(name: .long, help: "D4RL HDF5 file.", completion: .file(), transform: HomePath.expanded)
  var dataset: String?

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    let context = try options.context(
      stages: ExperimentConfiguration.pipeline, dataset: dataset, preset: configurationFile)
    try Pipeline(context).run(output: options.output)
    try options.report(options.output)
  }
}
