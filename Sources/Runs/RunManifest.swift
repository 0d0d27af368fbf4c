import Configuration
import DenseMath
import Foundation

/// Roles of the files that a run reads, in manifests and checkpoints.
package enum RunInput {
  package static let dataset = "dataset"
  /// Stands before the names of files in the folder of agents.
  package static let agents = "ensemble/"
}

/// `manifest.json`: what a reader needs to trust or repeat the run.
package struct RunManifest: Codable, Equatable {
  package var version: String
  package var commit: String
  package var stage: String
  package var seed: Int
  package var configurationDigest: String
  /// SHA-256 of each input file, by role.
  package var inputs: [String: String]
  package var machine: MachineDescription
  package var libraries: [String: String]
  package var commandLine: [String]
  package var startedAt: String
  /// What is odd about the inputs; absent in older manifests.
  package var warnings: [String]?
  /// Times at which the run was taken up again.
  package var resumedAt: [String]

  init(identity: RunIdentity, threads: Int, warnings: [String] = []) {
    version = PackageVersion.number
    commit = PackageVersion.commit
    stage = identity.stage
    seed = identity.configuration.seed
    configurationDigest = identity.configuration.digest
    inputs = identity.inputs
    machine = MachineDescription(threads: threads)
    libraries = LibraryVersions.all
    commandLine = CommandLine.arguments
    startedAt = RunManifest.timestamp()
    resumedAt = []
    self.warnings = warnings
  }

  /// That of a run directory or a stage's; `nil` where there is none that can be read.
  package init?(in directory: String) {
    guard let found: RunManifest = JSONText.read("\(directory)/manifest.json") else { return nil }
    self = found
  }

  static func timestamp() -> String {
    let formatter = ISO8601DateFormatter()
    return formatter.string(from: Date())
  }
}

/// The computer a run used.
package struct MachineDescription: Codable, Equatable, Sendable {
  package var cpu: String
  package var processors: Int
  package var threads: Int
  /// What limits ``processors``; absent in older manifests.
  package var processorsFrom: String?
  package var memoryBytes: UInt64
  package var operatingSystem: String
  package var blasKernel: String
  /// Of this package's own loops and products; absent in older manifests.
  package var vectorInstructionSet: String?

  /// What the bytes of a run depend on.
  package var kernels: String { "\(blasKernel), \(vectorInstructionSet ?? "unknown")" }

  package init(threads: Int) {
    cpu = MachineDescription.cpuInformation("model name") ?? "unknown"
    processors = ProcessorBudget.current.count
    processorsFrom = ProcessorBudget.current.source.rawValue
    self.threads = threads
    memoryBytes = ProcessInfo.processInfo.physicalMemory
    operatingSystem = ProcessInfo.processInfo.operatingSystemVersionString
    blasKernel = BLAS.kernelName
    vectorInstructionSet = BLAS.vectorInstructionSet
  }

  /// Value of the first line of `/proc/cpuinfo` that begins with `field`.
  package static func cpuInformation(_ field: String) -> String? {
    guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else {
      return nil
    }
    for line in text.split(separator: "\n") where line.hasPrefix(field) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return nil
  }
}
