import ArgumentParser
import DenseMath
import Environments
import Foundation

struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset",
    abstract: "See what is in a D4RL file, check it against the simulator, make new ones.",
    discussion: """
      Examples:
        bred dataset inspect hopper_medium-v2.hdf5
        bred dataset verify hopper_medium-v2.hdf5 --env hopper
        bred dataset collect --env hopper --policy actor.safetensors \\
          --steps 1000000 --output new.hdf5
      """,
    subcommands: [
      DatasetInspect.self, DatasetVerify.self, DatasetCollect.self, DatasetRecipeCommand.self,
      DatasetSlice.self,
      DatasetMerge.self, DatasetStitch.self, DatasetRelabel.self,
      DatasetConvert.self, DatasetList.self, DatasetFetch.self,
    ])
}
