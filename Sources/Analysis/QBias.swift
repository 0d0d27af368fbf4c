package import Agents
package import Algorithms
import Autodiff
package import DenseMath
import Environments
import Foundation
import RLCore
package import Runs
import Stages

/// How far critics are from the truth (BRED, appendix L): what they say of states and actions that an agent has
/// met, against the discounted returns of rollouts from there.
///
/// From each stored state, exactly restored, the stored action is taken and then the agent's policy followed,
/// drawing actions, until the task ends or the horizon is reached. SAC's critics count the entropy that is to
/// come too, so the returns are given without and with it: Σ γᵗ·r_t and Σ γᵗ·r_t − α·Σ_{t≥1} γᵗ·log π(a_t∣s_t).
package struct QBias: Codable, Equatable {
  package struct Options: Sendable {
    /// Stored states, taken evenly from those beside the agent.
    package var states = KeptAgents.rowCount
    /// Rollouts from each.
    package var rollouts = 25
    /// Steps after which a rollout is cut; γ¹⁰⁰⁰ is 4·10⁻⁵.
    package var horizon = 1000
    package var seed: UInt64 = 0

    package init() {}
  }

  package let run: String
  package let environmentSteps: Int
  package let states: Int
  package let rollouts: Int
  package let horizon: Int
  package let seed: UInt64
  package let discount: Double
  /// α: the mean over members; 0 where the algorithm has none.
  package let temperature: Double
  /// Mean of the critics' estimates.
  package let estimate: Double
  /// Mean of the returns, without and with the entropy to come.
  package let plainReturn: Double
  package let softReturn: Double
  /// Mean over states of estimate − return, with its standard error.
  package let plainBias: Double
  package let plainBiasError: Double
  package let softBias: Double
  package let softBiasError: Double
  /// Mean length of a rollout.
  package let length: Double
  package let unstableRollouts: Int

  /// Measures one kept agent; the same for any number of threads.
  ///
  /// - Parameters:
  ///   - run: what the result calls it.
  ///   - folder: one of ``KeptAgents/folders(in:)``.
  /// - Throws: where files are missing or belong to other robots, and where the agent has no critics.
  package init(
    run: String, agent folder: String, _ options: Options, pool: WorkerPool
  ) throws {
    let files = try EnsembleDirectory.read(folder)
    guard let policy = files.policy, let value = ValueEstimate(files) else {
      throw RunError.missing(
        path: folder, what: "a policy that acts, and critics of states and actions")
    }
    let kind = try EnvironmentKind(named: files.environment ?? "")
    let rows = try KeptAgents.readRows(in: folder, task: kind.specification)
    discount = files.members[0].number("discount") ?? 0.99
    let temperatures = files.members.compactMap { $0.numbers["temperature"] }
    temperature = temperatures.isEmpty ? 0 : SeedStatistics.mean(temperatures)

    let count = min(options.states, rows.states.count)
    let chosen = (0..<count).map { $0 * rows.states.count / count }
    func part(_ matrix: Matrix) -> Matrix {
      Matrix(
        rows: count, columns: matrix.columns, elements: chosen.flatMap { Array(matrix.row($0)) })
    }
    let actions = part(rows.actions)
    let estimates = value(part(rows.observations), actions, pool: pool)
    let starts = chosen.enumerated().map { place, row in
      RolloutStart(state: rows.states[row], action: Array(actions.row(place)))
    }
    let results = try Rollouts(kind, pool: pool).evaluate(
      policy, from: starts, repeats: options.rollouts, horizon: options.horizon,
      discount: discount, seed: options.seed, purpose: "analysis/q-bias")

    let temperature = temperature
    let plain = results.map { SeedStatistics.mean($0.map(\.discountedReturn)) }
    let soft = results.map {
      SeedStatistics.mean($0.map { $0.discountedReturn - temperature * $0.discountedLogProb })
    }
    (self.run, environmentSteps, states) = (run, rows.environmentSteps, count)
    (rollouts, horizon, seed) = (options.rollouts, options.horizon, options.seed)
    estimate = SeedStatistics.mean(estimates)
    (plainReturn, softReturn) = (SeedStatistics.mean(plain), SeedStatistics.mean(soft))
    func bias(_ truth: [Double]) -> (Double, Double) {
      let differences = zip(estimates, truth).map { $0 - $1 }
      return (
        SeedStatistics.mean(differences),
        count > 1 ? SeedStatistics.standardError(differences) : 0
      )
    }
    (plainBias, plainBiasError) = bias(plain)
    (softBias, softBiasError) = bias(soft)
    let all = results.flatMap { $0 }
    length = SeedStatistics.mean(all.map { Double($0.length) })
    unstableRollouts = all.count { $0.unstable }
  }

  // MARK: CSV

  private static let columns = [
    "run", "environment_steps", "states", "rollouts", "horizon", "seed", "discount",
    "temperature", "q_mean", "return_mean", "soft_return_mean", "bias", "bias_standard_error",
    "soft_bias", "soft_bias_standard_error", "rollout_length_mean", "unstable_rollouts",
  ]

  package static func csv(_ results: [QBias]) -> String {
    CSVText.lines(
      [columns]
        + results.map { row in
          [
            row.run, "\(row.environmentSteps)", "\(row.states)", "\(row.rollouts)",
            "\(row.horizon)", "\(row.seed)",
          ]
            + [
              row.discount, row.temperature, row.estimate, row.plainReturn, row.softReturn,
              row.plainBias, row.plainBiasError, row.softBias, row.softBiasError, row.length,
            ].map { "\($0)" } + ["\(row.unstableRollouts)"]
        })
  }

  /// The rows of a CSV file that an interrupted analysis has left; empty where there is none.
  ///
  /// - Throws: ``RunError`` where it is something else.
  package static func read(_ path: String) throws(RunError) -> [QBias] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw .cannotRead(path: path, reason: "not UTF-8 text")
    }
    let lines = text.split(separator: "\n")
    guard lines.first.map(String.init) == columns.joined(separator: ",") else {
      throw .inconsistent(path: path, reason: "it is not a table of this analysis")
    }
    var rows: [QBias] = []
    for line in lines.dropFirst() {
      guard let row = QBias(line: line) else {
        throw .inconsistent(path: path, reason: "this row cannot be read: \(line)")
      }
      rows.append(row)
    }
    return rows
  }

  /// A name with a comma stands in quotes, so cells are counted from the end.
  private init?(line: Substring) {
    let cells = line.split(separator: ",", omittingEmptySubsequences: false)
    let count = QBias.columns.count - 1
    guard cells.count > count else { return nil }
    let numbers = cells.suffix(count).compactMap { Double($0) }
    guard numbers.count == count else { return nil }
    let name = cells.dropLast(count).joined(separator: ",")
    let isQuoted = name.count > 1 && name.hasPrefix("\"") && name.hasSuffix("\"")
    run = isQuoted ? name.dropFirst().dropLast().replacingOccurrences(of: "\"\"", with: "\"") : name
    let whole = (numbers[0...4] + [numbers[count - 1]]).compactMap { UInt64(exactly: $0) }
    guard whole.count == 6 else { return nil }
    (environmentSteps, states) = (Int(whole[0]), Int(whole[1]))
    (rollouts, horizon, seed) = (Int(whole[2]), Int(whole[3]), whole[4])
    (discount, temperature, estimate) = (numbers[5], numbers[6], numbers[7])
    (plainReturn, softReturn) = (numbers[8], numbers[9])
    (plainBias, plainBiasError) = (numbers[10], numbers[11])
    (softBias, softBiasError) = (numbers[12], numbers[13])
    (length, unstableRollouts) = (numbers[14], Int(whole[5]))
  }
}

extension ValueEstimate {
  /// The critics in the files of agents; `nil` where one has none of states and actions.
  package init?(_ files: EnsembleDirectory) {
    let members = files.members.compactMap { $0.part("critic")?.networks.map(\.network) }
    guard members.count == files.members.count, let sizes = files.members[0].sizes,
      members[0][0].shape.inputSize == sizes.observationSize + sizes.actionSize
    else { return nil }
    self.init(members: members, normalizer: files.members[0].normalizer)
  }
}

extension StoredAgent {
  /// A number among the algorithm's settings.
  fileprivate func number(_ name: String) -> Double? {
    guard case .object(let values)? = settings else { return nil }
    switch values[name] {
    case .number(let value): return value
    case .integer(let value): return Double(value)
    default: return nil
    }
  }
}
