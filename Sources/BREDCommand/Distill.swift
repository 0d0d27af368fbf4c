import ArgumentParser
import Configuration
import RLCore
import Runs
import Stages

struct Distill: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Distil the policies of an ensemble into one.",
    discussion: """
      The policy appears in OUTPUT/weights/distilled.safetensors, and as distilled.safetensors in \
      the ensemble directory, where finetune looks for it.

      Examples:
        bred distill --env hopper --dataset data.hdf5 --ensemble runs/cql-0/weights \\
          --output runs/one
        bred distill --env hopper --dataset data.hdf5 --ensemble agents --output \\
          runs/one --no-add-to-ensemble
      """)

  @Option(
    name: .long, help: "D4RL HDF5 file with the states to distil on.", completion: .file(),
    transform: HomePath.expanded)
  var dataset: String

  @Option(
    name: .long, help: "Ensemble directory: member-0/actor.safetensors and so on.",
    completion: .directory, transform: HomePath.expanded)
  var ensemble: String

  @Flag(inversion: .prefixedNo, help: "Add distilled.safetensors to the ensemble directory.")
  var addToEnsemble = true

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    let context = try options.context(stages: [.distillation], dataset: dataset)
    try DistillStage(context).run(
      ensemble: ensemble, output: options.output, addToEnsemble: addToEnsemble)
    try options.report(options.output)
  }
}
