public import DenseMath
import Environments
package import Runs

/// An agent that somebody has trained, and its data.
public struct TrainedAgents: Sendable {
  /// An ensemble directory with agents of CQL.
  public var ensemble: String
  /// The D4RL file on which they were trained.
  public var dataset: String

  public init(ensemble: String, dataset: String) {
    self.ensemble = ensemble
    self.dataset = dataset
  }
}

/// An ensemble and a dataset that do not belong together.
public struct TrainedAgentsError: Error, CustomStringConvertible {
  public let description: String
}

/// The benchmarks by name.
public enum BenchmarkSuite {
  /// What ``run(_:repetitions:pool:)`` can measure.
  public static let names = [
    "cql-update-2x256", "cql-update-3x256", "bred-update-n5", "sac-update", "distill-update",
    "iql-update", "td3-update", "awac-update", "bc-update", "td3-bc-update", "bcq-update",
    "spot-update", "sac-n-update", "edac-update", "cal-ql-update", "rlpd-update", "pex-update",
    "off2on-update",
    "env-step-hopper", "env-step-walker2d", "env-step-halfcheetah", "env-workers-hopper",
    "env-workers-walker2d", "env-workers-halfcheetah", "dataset-load",
  ]

  /// A CQL update of ``TrainedAgents``; only where there are some.
  public static let trainedName = "cql-update-trained"

  /// Measures the CQL update of the first of `agents`, whose floor is the dense computation's: with the pass that
  /// the data choose, and for comparison with either alone.
  public static func run(
    _ agents: TrainedAgents, repetitions: Int, pool: WorkerPool,
    record: (BenchmarkResult) -> Void
  ) throws {
    for benchmark in try UpdateBenchmarks.trainedCQL(agents, pool: pool) {
      record(try benchmark.measure(repetitions: repetitions))
    }
  }

  /// Measures one benchmark; its floor is measured in turn with it.
  ///
  /// - Parameter name: one of ``names``.
  public static func run(
    _ name: String, repetitions: Int, pool: WorkerPool
  ) throws -> BenchmarkResult {
    try benchmark(name, pool: pool).measure(repetitions: repetitions)
  }

  static func benchmark(_ name: String, pool: WorkerPool) throws -> BenchmarkCase {
    switch name {
    case "cql-update-2x256": try UpdateBenchmarks.cql(UpdateSize(), name: name, pool: pool)
    case "cql-update-3x256": try UpdateBenchmarks.cql(UpdateSize(depth: 3), name: name, pool: pool)
    case "bred-update-n5": try UpdateBenchmarks.sac(UpdateSize(members: 5), name: name, pool: pool)
    case "sac-update": try UpdateBenchmarks.sac(UpdateSize(), name: name, pool: pool)
    case "distill-update": UpdateBenchmarks.distillation(pool: pool)
    case "env-step-hopper": try EnvironmentBenchmarks.step(.hopper)
    case "env-step-walker2d": try EnvironmentBenchmarks.step(.walker2d)
    case "env-step-halfcheetah": try EnvironmentBenchmarks.step(.halfcheetah)
    case "env-workers-hopper": try EnvironmentBenchmarks.workers(.hopper, pool: pool)
    case "env-workers-walker2d": try EnvironmentBenchmarks.workers(.walker2d, pool: pool)
    case "env-workers-halfcheetah": try EnvironmentBenchmarks.workers(.halfcheetah, pool: pool)
    case "dataset-load": try DatasetBenchmarks.load()
    default: try UpdateBenchmarks.algorithm(name, pool: pool)
    }
  }
}

/// What `bred benchmark --json` prints.
package struct BenchmarkReport: Encodable {
  package let machine: MachineDescription
  package var results: [BenchmarkResult]
  /// With `--scaling`: the machine's rates and the paper's protocol by the model.
  package var rates: CostModel?
  package var protocols: [ProtocolCost]?

  package init(machine: MachineDescription, results: [BenchmarkResult]) {
    self.machine = machine
    self.results = results
  }
}
