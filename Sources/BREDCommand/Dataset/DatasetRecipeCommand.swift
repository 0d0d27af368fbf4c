import ArgumentParser
import Configuration
import Stages

struct DatasetRecipeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipe",
    abstract: "Make all six kinds of dataset of a robot as D4RL made its own, from nothing.",
    discussion: """
      Trains soft actor-critic, keeps a policy every recipe.policyInterval epochs, judges them by their \
      sampled actions, and writes random, medium, expert, medium-expert, medium-replay and full-replay \
      sets of D4RL's v2 layout into --output. Hours at full size. Stop it with Ctrl-C and go on with \
      --resume: the same seed gives the same files. OUTPUT/candidates.csv, policies/ and datasets.csv say \
      what was chosen and what it earned.

      Examples:
        bred dataset recipe --env hopper --output recipes/hopper --seed 0
        bred dataset recipe --env halfcheetah --output recipes/small \\
          --set recipe.environmentSteps=100000 \\
          --set recipe.rows=50000
      """)

  @OptionGroup var options: TrainingOptions

  mutating func run() throws {
    try DatasetRecipe(options.context(stages: [.recipe])).run(output: options.output)
    try options.report(options.output)
  }
}
