import DenseMath
import Environments
import Foundation
import Physics
import RLCore
import Rendering
package import Runs

/// What `bred doctor` finds out about this machine and installation.
package struct Diagnosis: Encodable {
  package let version: String
  package let commit: String
  package let swift: String
  package let machine: MachineDescription
  package let libraries: [String: String]
  /// How OpenBLAS's kernels came to be chosen: `detected`, `corrected` or `user`.
  package let blasChoice: String
  package let vectorInstructionSet: String
  package let cpuFeatures: [String]
  /// Simulated steps per second of each robot on one thread, with random actions.
  package let stepsPerSecond: [String: Double]
  /// What draws films and what stores them, or what is missing for `bred render`.
  package let videos: String
  package var problems: [String] = []
  /// A thing that the package cannot work without.
  package private(set) var failed = false

  package init() {
    version = PackageVersion.number
    commit = PackageVersion.commit
    swift = Diagnosis.compilerVersion
    machine = MachineDescription(threads: WorkerPool.processorCount)
    libraries = LibraryVersions.all
    blasChoice = BLAS.choice.rawValue
    vectorInstructionSet = BLAS.vectorInstructionSet
    let flags = MachineDescription.cpuInformation("flags") ?? ""
    let interesting: Set<Substring> = [
      "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_bf16",
      "amx_tile",
    ]
    cpuFeatures = flags.split(separator: " ").filter(interesting.contains).map(String.init)
    var speeds: [String: Double] = [:]
    var broken: [String] = []
    for kind in EnvironmentKind.allCases {
      do {
        speeds[kind.rawValue] = try Diagnosis.speed(of: kind)
      } catch {
        broken.append("\(kind) cannot be simulated: \(error)")
      }
    }
    stepsPerSecond = speeds
    problems = broken
    failed = !broken.isEmpty
    videos = Diagnosis.videos
    addAdvice()
  }

  private static var videos: String {
    do {
      let program = try VideoFile.program()
      return "drawn by \(try PhysicsRenderer.library()), stored by \(program)"
    } catch {
      return "\(error)"
    }
  }

  private mutating func addAdvice() {
    if let threads = ProcessInfo.processInfo.environment["OPENBLAS_NUM_THREADS"], threads != "1" {
      problems.append(
        "OPENBLAS_NUM_THREADS is \(threads), but this program shares out the work itself. "
          + "It sets one thread per product; unset the variable.")
    }
    if blasChoice == "user" {
      problems.append(
        "OPENBLAS_CORETYPE is set, so the kernel '\(machine.blasKernel)' is used as you asked; "
          + "unset it to let the program choose.")
    }
    if machine.blasKernel.lowercased().contains("generic")
      || machine.blasKernel.lowercased() == "prescott"
    {
      problems.append(
        "OpenBLAS uses its slow kernel '\(machine.blasKernel)'. Install a newer libopenblas0-pthread, "
          + "or set OPENBLAS_CORETYPE to a relative of your processor.")
    }
    if machine.memoryBytes < 4 << 30 {
      problems.append("Less than 4 GiB of memory: million-row datasets may not fit.")
    }
  }

  private static func speed(of kind: EnvironmentKind) throws -> Double {
    let environment = try kind.makeEnvironment()
    var stream = RandomStream(seed: 0, purpose: "doctor")
    let action = [Double](repeating: 0.1, count: kind.specification.actionSize)
    _ = environment.reset(using: &stream)
    let steps = 400
    let start = DispatchTime.now().uptimeNanoseconds
    for _ in 0..<steps where environment.step(action).episodeEnded {
      _ = environment.reset(using: &stream)
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    return (Double(steps) / seconds).rounded()
  }

  private static var compilerVersion: String {
    #if compiler(>=6.3)
      "6.3 or newer"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1 or older"
    #endif
  }

  private static func meaning(of source: ProcessorBudget.Source) -> String {
    switch source {
    case .online: "all processors online"
    case .affinity: "the processors that this process is bound to"
    case .controlGroup: "the quota of its control group"
    }
  }

  /// For people, in order.
  package var lines: [(String, String)] {
    var result = [
      ("bred", "\(version) (\(commit.prefix(12)))"), ("Swift compiler", swift),
      ("processor", machine.cpu),
      ("threads", "\(machine.threads) (\(Diagnosis.meaning(of: ProcessorBudget.current.source)))"),
      ("features", cpuFeatures.joined(separator: " ")),
      ("memory", String(format: "%.1f GiB", Double(machine.memoryBytes) / Double(1 << 30))),
      ("system", machine.operatingSystem),
      ("BLAS kernel", "\(machine.blasKernel) (\(blasChoice))"),
      ("vector loops", vectorInstructionSet),
    ]
    for (name, text) in libraries.sorted(by: { $0.key < $1.key }) { result.append((name, text)) }
    for (name, speed) in stepsPerSecond.sorted(by: { $0.key < $1.key }) {
      result.append(("\(name) steps", String(format: "%.0f per second and thread", speed)))
    }
    result.append(("videos", videos))
    return result
  }
}
