import Agents
public import ArgumentParser
public import Exchange
import Foundation
import RLCore
import Runs
import Stages

extension ExportFormat: ExpressibleByArgument {}

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a policy for another program: ONNX, NumPy or D4RL's layout.",
    discussion: """
      The policy is a file, an agent's folder, an ensemble directory or a run's directory, as for evaluate.

        onnx  a graph: observation -> action, mean, log_std; any number of rows; normaliser and mixture inside
        npz   the weights under their names, for numpy.load
        d4rl  HDF5 with metadata/policy, as D4RL's datasets hold the policy that made them

      --examples writes observations and what the policy answers, to check whatever reads the file. \
      docs/exchange.md has ten lines of PyTorch that act with an npz.

      Examples:
        bred export runs/hopper-0 --output hopper.onnx
        bred export runs/cql-0/weights --format npz --output agents.npz
        bred export experiments/policies/hopper-medium.safetensors \\
          --output hopper.onnx --examples examples.npz
      """)

  @Argument(
    help: "Policy weights, safetensors; or a folder of agents, or of a run.", completion: .file(),
    transform: HomePath.expanded)
  var policy: String

  @Option(
    name: .long,
    help: "onnx, npz or d4rl. (default: by the ending of --output: .onnx, .npz, .hdf5)")
  var format: ExportFormat?

  @Option(
    name: [.short, .long],
    help: "File to write; one that is there is replaced. (default: policy.onnx, .npz or .hdf5)",
    completion: .file(), transform: OutputFile.init)
  var output: OutputFile?

  @Option(
    name: .long,
    help: ArgumentHelp("An npz of observations and the policy's answers.", valueName: "file"),
    completion: .file(), transform: OutputFile.init)
  var examples: OutputFile?

  @Option(
    name: .customLong("example-count"), parsing: .unconditional,
    help: "Observations in --examples.")
  var exampleCount = 64

  @Option(name: .long, parsing: .unconditional, help: "Seed of the observations in --examples.")
  var seed: UInt64 = 0

  func validate() throws {
    if format == nil && output == nil {
      throw ValidationError("neither --format nor --output says which format is meant")
    }
    if format == nil, formatOfOutput == nil {
      throw ValidationError(
        "the ending of '\(output?.path ?? "")' is that of no format: expected "
          + ExportFormat.allCases.map { ".\($0.fileExtension)" }.joined(separator: ", ")
          + ", or --format")
    }
    if !(1...1_000_000).contains(exampleCount) {
      throw ValidationError("--example-count is \(exampleCount), allowed: 1…1000000")
    }
  }

  private var formatOfOutput: ExportFormat? {
    ExportFormat.allCases.first { output?.path.hasSuffix(".\($0.fileExtension)") == true }
  }

  mutating func run() throws {
    let stored = try StoredPolicy.read(EvaluateStage.policy(in: policy))
    let export = try PolicyExport(stored, producer: PackageVersion.producer)
    let format = format ?? formatOfOutput!
    let output = output ?? OutputFile("policy.\(format.fileExtension)")
    try output.prepare()
    try examples?.prepare()
    try export.write(format, to: output.path)
    if let examples { try export.writeExamples(exampleCount, seed: seed, to: examples.path) }
    try Console.print(
      "\(output.path): \(export.kind), \(export.observationSize) observations, "
        + "\(export.actionSize) actions"
        + (stored.environment.map { ", trained on \($0)" } ?? ""))
  }
}
