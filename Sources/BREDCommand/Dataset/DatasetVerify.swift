import ArgumentParser
import Datasets
import Environments
import Experiments
import Foundation

struct DatasetVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Replay a file's states and actions through the simulator and compare.",
    discussion: """
      Each row's infos/qpos and infos/qvel are set, its action is applied, and the outcome is compared
      with the stored next observation, reward and terminal flag.

      Example:
        bred dataset verify halfcheetah_medium-v2.hdf5 --env halfcheetah --json
      """)

  @Argument(help: ArgumentHelp("D4RL HDF5 file with infos/qpos and infos/qvel.", valueName: "file"))
  var file: String

  @Option(
    name: [.customLong("env"), .customLong("env-id"), .customLong("task")],
    help: ArgumentHelp("Task: hopper, walker2d or halfcheetah.", valueName: "name"))
  var env: String

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  mutating func run() throws {
    let kind = try EnvironmentKind(named: env)
    let result = try DatasetVerification(
      D4RLDataset(contentsOf: file), in: kind, pool: threads.pool())
    if outputOptions.json {
      print(try JSONText.line(result))
      return
    }
    func number(_ value: Double) -> String { String(format: "%.6g", value) }
    print("\(file): \(result.checked) rows replayed in \(result.environment)")
    print(
      "  next observation   largest difference \(number(result.maxObservationError)) "
        + "(row \(result.worstObservationRow)), median \(number(result.medianObservationError))")
    print(
      "  reward             largest difference \(number(result.maxRewardError)) "
        + "(row \(result.worstRewardRow)), median \(number(result.medianRewardError))")
    print("  terminal flags     \(result.terminalMismatches) mismatches")
    if result.skippedRows > 0 { print("  not comparable     \(result.skippedRows) rows") }
    for remark in result.remarks { print("  note: \(remark)") }
  }
}
