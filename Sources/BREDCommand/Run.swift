import ArgumentParser
import Configuration
import RLCore
import Runs
import Stages

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Pretrain, distil, fine-tune and evaluate: a method on a task.",
    discussion: """
      Defaults, method, task, configuration file and --set lie over each other in this order. Without \
      --dataset the task's is taken from D4RL's cache. Each stage has a run directory of its own below \
      --output: pretrain, distill, finetune. With --resume, finished stages are skipped and the \
      interrupted one goes on.

      Examples:
        bred run --task hopper-medium-v2 --method bred --seed 0 --output \\
          runs/hopper-0
        bred run --task hopper-medium-v2 --method iql --dataset data.hdf5 --output \\
          runs/iql-0
        bred run my.yaml --output runs/quick --set offline.members=2 \\
          --set offline.gradientSteps=20000
        bred run my.yaml --output runs/quick --resume
      """)

  @Argument(
    help: "YAML with the values that differ from those of method and task; --config.",
    completion: .file(), transform: HomePath.expanded)
  var configurationFile: String?

  @Option(
    name: .long, help: "D4RL HDF5 file, or its name in D4RL's cache. (default: the task's)",
    completion: .file(), transform: HomePath.expanded)
  var dataset: String?

  @OptionGroup var options: TrainingOptions

  func validate() throws {
    let given = [configurationFile, options.config, options.task, options.method, options.env]
    guard given.contains(where: { $0 != nil }) else {
      throw ValidationError("give --task and --method, or a configuration file")
    }
  }

  mutating func run() throws {
    let context = try options.context(
      stages: ExperimentConfiguration.pipeline, dataset: dataset, preset: configurationFile)
    try Pipeline(context).run(output: options.output)
    try options.report(options.output)
  }
}
