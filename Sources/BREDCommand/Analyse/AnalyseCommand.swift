import ArgumentParser

struct AnalyseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "analyse",
    abstract: "Look into trained agents and data as the paper does.",
    discussion: """
      Examples:
        bred analyse q-bias runs/w --output q-bias.csv
        bred analyse density walker2d-medium-v2 --online online.hdf5 \\
          --output density.csv
      """,
    subcommands: [AnalyseQBias.self, AnalyseDensity.self])
}
