import Algorithms
import Agents
import Configuration
import Environments
import DenseMath
public import RLCore
public import Runs
import Stages

/// The whole pipeline from a program: dataset, offline agents, distillation, interaction, evaluation.
///
/// Every step is a stage in a folder of its own below ``output``, with configuration, manifest, metrics,
/// checkpoints and weights as the command line writes them. A step that is there already is not done again, and
/// one that was stopped goes on: run the program again and it continues.
///
/// ```swift
/// let lab = try Lab(environment: "hopper", dataset: "hopper-medium-v2", output: "runs/hopper-0")
/// let agents = try lab.train("cql", members: 5, updates: 1_000_000)
/// let tuned = try lab.finetune(agents, steps: 250_000)
/// print(try lab.evaluate(tuned, episodes: 10).normalizedScore)
/// ```
public struct Lab {
  /// Folder of all steps.
  public let output: String
  private let environment: String
  private let dataset: String?
  private let seed: Int
  private let settings: [String]
  private let pool: WorkerPool
  private let reporter: ProgressReporter

  /// Agents or a policy on disk.
  public struct Result: Sendable {
    /// A directory with agents, or a file with one policy.
    public let path: String

    public init(path: String) { self.path = path }

    /// What acts: a copy that nothing changes.
    public var policy: any Policy {
      get throws { try StoredPolicy.read(path).policy }
    }
  }

  /// - Parameters:
  ///   - environment: `hopper`, `walker2d`, `halfcheetah`, or a dataset's name with one of these.
  ///   - dataset: D4RL HDF5 file, Minari folder's conversion, or the name of a fetched dataset.
  ///   - output: folder for all steps.
  ///   - settings: `key=value` for every step, as after `--set`.
  ///   - threads: `nil` for all processors; no result depends on it.
  ///   - isQuiet: without progress on standard error.
  public init(
    environment: String, dataset: String? = nil, output: String, seed: Int = 0,
    settings: [String] = [], threads: Int? = nil, isQuiet: Bool = false
  ) throws {
    self.environment = environment
    self.dataset = dataset
    self.output = output
    self.seed = seed
    self.settings = settings
    pool = WorkerPool(threads: threads)
    reporter = ProgressReporter(style: isQuiet ? .quiet : .automatic)
    // Whatever is wrong with these is said now.
    _ = try context([.offline], [])
  }

  /// N independent agents on the dataset.
  ///
  /// - Parameters:
  ///   - algorithm: a name in `AlgorithmRegistry`.
  ///   - updates: gradient steps of each.
  @discardableResult
  public func train(
    _ algorithm: String = "cql", members: Int = 5, updates: Int, settings: [String] = []
  ) throws -> Result {
    let own = [
      "offline.algorithm=\(algorithm)", "offline.members=\(members)",
      "offline.gradientSteps=\(updates)",
    ]
    return Result(
      path: try OfflineStage(context([.offline], own + settings)).run(
        output: "\(output)/\(OfflineStage.name)"))
  }

  /// The agents' tanh-Gaussian policies in one (BRED, eq. 8).
  @discardableResult
  public func distill(_ agents: Result, settings: [String] = []) throws -> Result {
    Result(
      path: try DistillStage(context([.distillation], settings)).run(
        ensemble: agents.path, output: "\(output)/\(DistillStage.name)"))
  }

  /// Interaction: the agents go on, with their distilled policy where there is one (and it is made where it is
  /// wanted and missing); without agents training begins from scratch.
  @discardableResult
  public func finetune(
    _ agents: Result?, steps: Int, settings: [String] = []
  ) throws -> Result {
    let context = try context(
      [.online], ["online.environmentSteps=\(steps)"] + settings,
      method: agents == nil ? .scratch : nil)
    return Result(
      path: try OnlineStage(context).run(
        ensemble: agents?.path, output: "\(output)/\(OnlineStage.name)"))
  }

  /// Undiscounted returns of the mean action.
  public func evaluate(
    _ agents: Result, episodes: Int = 10, seed: UInt64 = 0
  ) throws -> EvaluationResult {
    try EvaluateStage(environment: environment, pool: pool).run(
      policyFile: agents.path, episodes: episodes, seed: seed)
  }

  private func context(
    _ stages: Set<ExperimentStage>, _ more: [String], method: ConfigurationLayer? = nil
  ) throws -> StageContext {
    let robot = try EnvironmentKind(named: environment).rawValue
    var options = [
      ConfigurationOption(name: "environment", key: "environment", value: robot),
      ConfigurationOption(name: "seed", key: "seed", value: "\(seed)"),
    ]
    if let dataset {
      options.append(.init(name: "dataset", key: "dataset.path", value: dataset))
    }
    let resolved = try ExperimentConfiguration.resolve(
      ConfigurationSources(method: method, overrides: settings + more, options: options),
      catalog: .registered, stages: stages)
    return StageContext(
      configuration: resolved.configuration, pool: pool, reporter: reporter, resume: true)
  }
}
