import ArgumentParser
import Benchmarks
import DenseMath
import Foundation
import RLCore
import Runs

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Measure updates, environments and loading, next to the floor of each.",
    discussion: """
      The floor of an update is its matrix products alone, of an environment step mj_step alone, \
      measured in turn with ours. Medians over repetitions; the ratio is the median of ratios, "cpu ratio" that \
      of the processor time of all threads.

      Names: \(BenchmarkSuite.names.joined(separator: ", ")).

      Examples:
        bred benchmark
        bred benchmark cql-update-2x256 bred-update-n5 --repetitions 9 --json
        bred benchmark --ensemble agents \\
          --dataset data.hdf5    # a CQL update of a trained agent
        bred benchmark --scaling \\
          --repetitions 3                # other sizes, next to the cost model
      """)

  @Argument(help: "What to measure. (default: everything)")
  var names: [String] = []

  @Option(name: .long, parsing: .unconditional, help: "Repetitions of ours and the floor, in turn.")
  var repetitions = 5

  @Option(
    name: .long, help: "Measure a CQL update of this ensemble's first agent, on --dataset.",
    completion: .directory, transform: HomePath.expanded)
  var ensemble: String?

  @Option(
    name: .long, help: "D4RL HDF5 file for --ensemble.", completion: .file(),
    transform: HomePath.expanded)
  var dataset: String?

  @Flag(
    name: .long,
    help: "Vary members, batch, width, depth and samples; compare with the cost model.")
  var scaling = false

  @OptionGroup var threads: ThreadOptions
  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  /// The one that `--ensemble` asks for may be named too.
  private var ordinaryNames: [String] { names.filter { $0 != BenchmarkSuite.trainedName } }

  func validate() throws {
    if !(1...1000).contains(repetitions) {
      throw ValidationError("--repetitions is \(repetitions), allowed: 1…1000")
    }
    if (ensemble == nil) != (dataset == nil) {
      throw ValidationError("--ensemble and --dataset go together")
    }
    if scaling, !names.isEmpty || ensemble != nil {
      throw ValidationError("--scaling chooses its own benchmarks; leave out names and --ensemble")
    }
    if names.contains(BenchmarkSuite.trainedName), ensemble == nil {
      throw ValidationError("\(BenchmarkSuite.trainedName) needs --ensemble and --dataset")
    }
    for name in ordinaryNames where !BenchmarkSuite.names.contains(name) {
      throw ValidationError(
        "no benchmark is called '\(name)'; there are \(BenchmarkSuite.names.joined(separator: ", "))"
      )
    }
  }

  mutating func run() throws {
    let pool = threads.pool()
    let machine = MachineDescription(threads: pool.threads)
    var results: [BenchmarkResult] = []
    var report = BenchmarkReport(machine: machine, results: [])
    if !json {
      try Console.print(
        "\(machine.cpu), \(machine.threads) threads, BLAS kernel \(machine.blasKernel), "
          + "vector loops \(machine.vectorInstructionSet ?? "unknown")")
      try Console.print(
        "benchmark".padding(toLength: nameWidth, withPad: " ", startingAt: 0)
          + "    ms/op  range               ops/s    floor ms   ratio  cpu ratio"
          + (scaling ? "  predicted" : ""))
    }
    var failure: (any Error)?
    func record(_ result: BenchmarkResult) {
      results.append(result)
      if json || failure != nil { return }
      do { try Console.print(Self.line(result)) } catch { failure = error }
    }
    if scaling {
      let model = ScalingBenchmarks.measureModel(pool: pool)
      try ScalingBenchmarks.run(model, repetitions: repetitions, pool: pool, record: record)
      report.rates = model
      report.protocols = ScalingBenchmarks.protocols(model, pool: pool)
      if !json { try Self.printModel(model, report.protocols!) }
    }
    let standard = names.isEmpty && ensemble == nil && !scaling
    for name in standard ? BenchmarkSuite.names : ordinaryNames {
      record(try BenchmarkSuite.run(name, repetitions: repetitions, pool: pool))
      if let failure { throw failure }
    }
    if let ensemble, let dataset {
      let agents = TrainedAgents(ensemble: ensemble, dataset: dataset)
      try BenchmarkSuite.run(agents, repetitions: repetitions, pool: pool, record: record)
    }
    if let failure { throw failure }
    if json {
      report.results = results
      try Console.print(JSONText.line(report))
    }
  }

  private static func printModel(_ model: CostModel, _ protocols: [ProtocolCost]) throws {
    try Console.print(
      String(
        format: "model: %.1f GFLOP/s and %.1f GB/s per thread, %.1f µs per loop",
        2e-9 * model.multiplyAddsPerSecond, 1e-9 * model.bytesPerSecond, 1e6 * model.loopSeconds))
    for cost in protocols {
      try Console.print(
        String(
          format: "paper's updates, %d threads: pretraining %.1f h, distillation at most %.2f h, "
            + "fine-tuning %.2f h", cost.threads, cost.pretrainHours, cost.distillHours,
          cost.finetuneHours))
    }
  }

  private static func line(_ result: BenchmarkResult) -> String {
    let range = String(
      format: "%.4g…%.4g", result.minimumMilliseconds, result.maximumMilliseconds)
    let floor = result.floorMilliseconds.map { String(format: "%10.4f", $0) } ?? "         –"
    let ratio = result.ratio.map { String(format: "%6.3f", $0) } ?? "     –"
    let processor = result.processorRatio.map { String(format: "%9.3f", $0) } ?? "        –"
    return result.name.padding(toLength: nameWidth, withPad: " ", startingAt: 0)
      + String(format: "%9.4f  ", result.milliseconds)
      + range.padding(toLength: 18, withPad: " ", startingAt: 0)
      + String(format: "%8.1f  ", result.perSecond) + floor + "  " + ratio
      + "  " + processor
      + (result.predictedMilliseconds.map { String(format: "%11.4f", $0) } ?? "")
      + (result.passes.map(Self.line) ?? "")
  }
}

extension BenchmarkCommand {
  private static func line(_ passes: PassShares) -> String {
    String(
      format:
        "\n  all actions: %.0f %% of the states in groups, %.0f %% in whole rows; %@rows without gradient %.1f %%",
      100 * passes.inGroups, 100 * (1 - passes.inGroups),
      passes.unitsOn.map { String(format: "units on for one of 16 actions %.1f %%, ", 100 * $0) }
        ?? "",
      100 * passes.skippedRows)
  }
}

/// Wide enough for the longest name, `cql-update-n1-b256-2x256-60a`.
private let nameWidth = 30
