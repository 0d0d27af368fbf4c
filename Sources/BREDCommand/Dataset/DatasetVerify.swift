import Agents
import ArgumentParser
import Datasets
import Environments
import Foundation
import Autodiff
import RLCore
import Runs

struct DatasetVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Replay a file's states and actions through the simulator and compare.",
    discussion: """
      Each row's infos/qpos and infos/qvel are set, its action is applied, and the outcome is compared \
      with the stored next observation, reward and terminal flag. Where the file holds the policy that \
      made it, its log-probabilities are compared with infos/action_log_probs. Where the states are not \
      those of the observations, such as one row late, that is said and the exit code is 1.

      Example:
        bred dataset verify halfcheetah_medium-v2.hdf5 --env halfcheetah --json
      """)

  @Argument(
    help: ArgumentHelp("D4RL HDF5 file with infos/qpos and infos/qvel.", valueName: "file"),
    completion: .file(), transform: HomePath.expanded)
  var file: String

  @Option(
    name: [.customLong("env"), .customLong("env-id"), .customLong("task")],
    help: ArgumentHelp(
      "Task: hopper, walker2d or halfcheetah, or one of these with -v5.", valueName: "name"))
  var env: String

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var outputOptions: OutputOptions

  mutating func run() throws {
    let kind = try EnvironmentKind(named: env)
    let dataset = try D4RLDataset(contentsOf: file)
    var (policy, refusal) = (nil as GaussianPolicy?, nil as String?)
    do { policy = try storedPolicy(dataset) } catch let error as NetworkFileError {
      refusal = "the stored policy is not one that can be evaluated: \(error)"
    }
    var result = try DatasetVerification(
      dataset, in: kind, pool: threads.pool(),
      logProb: policy.map { policy in { policy.logProb(of: $0, given: $1) } })
    if let refusal { result.remarks.append(refusal) }
    if outputOptions.json {
      try Console.print(JSONText.line(result))
      if let fault = result.fault { throw fault }
      return
    }
    func number(_ value: Double) -> String { String(format: "%.6g", value) }
    try Console.print("\(file): \(result.checked) rows replayed in \(result.environment)")
    try Console.print(
      "  next observation   largest difference \(number(result.maxObservationError)) "
        + "(row \(result.worstObservationRow)), median \(number(result.medianObservationError))")
    try Console.print(
      "  reward             largest difference \(number(result.maxRewardError)) "
        + "(row \(result.worstRewardRow)), median \(number(result.medianRewardError))")
    try Console.print("  terminal flags     \(result.terminalMismatches) mismatches")
    if result.logProbsChecked > 0 {
      try Console.print(
        "  log-probabilities  largest difference \(number(result.maxLogProbError)) "
          + "(row \(result.worstLogProbRow)), median \(number(result.medianLogProbError)), "
          + "\(result.logProbsChecked) rows")
    }
    if result.skippedRows > 0 {
      try Console.print("  not comparable     \(result.skippedRows) rows")
    }
    for remark in result.remarks { try Console.print("  note: \(remark)") }
    if let fault = result.fault { throw fault }
  }

  /// The policy in the file, if it is of the kind that D4RL's recipe uses.
  private func storedPolicy(_ dataset: D4RLDataset) throws -> GaussianPolicy? {
    guard let tensors = try dataset.storedPolicy() else { return nil }
    for (name, expected) in [
      ("nonlinearity", "relu"), ("output_distribution", "tanh_gaussian"),
    ] {
      if let found = tensors.metadata[name], found != expected {
        throw NetworkFileError.wrongKind(file: file, expected: expected, actual: found)
      }
    }
    let policy = GaussianPolicy(network: try NetworkFile(tensors, as: .policy, file: file).network)
    guard policy.observationSize == dataset.observationSize,
      policy.actionSize == dataset.actionSize
    else {
      throw NetworkFileError.wrongKind(
        file: file,
        expected: "\(dataset.observationSize) observations, \(dataset.actionSize) actions",
        actual: "\(policy.observationSize), \(policy.actionSize)")
    }
    return policy
  }
}
