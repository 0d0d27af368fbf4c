import ArgumentParser
import Configuration
import RLCore
import Runs
import Stages

struct FineTune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Fine-tune an ensemble online with balanced replay.",
    discussion: """
      Distils first where the ensemble has no distilled.safetensors (in OUTPUT/distillation, by the \
      distillation.* settings). OUTPUT/weights then holds policy.safetensors and the critics. With \
      --set online.actor=mixture the members' live mixture acts and learns instead, without \
      distillation; OUTPUT/weights then holds one actor for each member.

      Settings: docs/settings.md has them all, `bred algorithm show NAME` those of one algorithm.

      Examples:
        bred finetune --env halfcheetah --dataset data.hdf5 --ensemble \\
          runs/cql-0/weights --output runs/ft-0
        bred finetune --env hopper --dataset data.hdf5 --ensemble agents --output \\
          runs/ft-1 --seed 1 \\
          --set online.replay=uniform --set online.environmentSteps=50000
      """)

  @Option(
    name: .long,
    help: "D4RL HDF5 file: the offline buffer; not needed with online.replay=online-only.",
    completion: .file(), transform: HomePath.expanded)
  var dataset: String?

  @Option(
    name: .long, help: "Ensemble directory: member-0/actor.safetensors and so on.",
    completion: .directory, transform: HomePath.expanded)
  var ensemble: String

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    let context = try options.context(stages: [.distillation, .online], dataset: dataset)
    try OnlineStage(context).run(ensemble: ensemble, output: options.output)
    try options.report(options.output)
  }
}
