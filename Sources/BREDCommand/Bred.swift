import ArgumentParser
import Configuration
import Foundation
import Runs

@main
struct Main {
  static func main() {
    // A file that grows beyond `ulimit -f` is an error like any other, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    do {
      var command = try Bred.parseAsRoot()
      try command.run()
    } catch {
      ExitStatus.exit(for: error)
    }
  }
}

struct Bred: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bred",
    abstract: "Offline-to-online reinforcement learning with balanced replay and ensembles.",
    discussion: """
      From a D4RL dataset to a fine-tuned robot:

        bred dataset inspect hopper_medium-v2.hdf5
        bred run --task hopper-medium-v2 --method bred --dataset hopper_medium-v2.hdf5 --output runs/hopper
        bred evaluate --env hopper --policy runs/hopper/finetune/weights/policy.safetensors

      Each stage also has a command of its own. Everything can be interrupted with Ctrl-C and
      continued with --resume. Exit codes: 0 done, 1 failed, 2 usage or configuration,
      130 interrupted after writing a checkpoint.
      """,
    version: PackageVersion.number,
    subcommands: [
      Run.self, Train.self, Pretrain.self, Distill.self, FineTune.self, Sac.self, Evaluate.self,
      Plot.self, TaskCommand.self, MethodCommand.self, AlgorithmCommand.self,
      DatasetCommand.self, EnvironmentCommand.self, BenchmarkCommand.self, Doctor.self,
      SettingsCommand.self,
    ])
}

/// What the shell learns from an error.
enum ExitStatus {
  static func exit(for error: any Error) -> Never {
    if error is Interrupted {
      report("\(error)")
      Foundation.exit(130)
    }
    if error is ConfigurationError {
      report("error: \(error)")
      Foundation.exit(2)
    }
    let code = Bred.exitCode(for: error)
    let isParsing = code == .success || code == .validationFailure || error is ExitCode
    guard isParsing else {
      report("error: \(error)")
      Foundation.exit(1)
    }
    let text = Bred.fullMessage(for: error)
    if code == .success {
      if !text.isEmpty { print(text) }
      Foundation.exit(0)
    }
    if !text.isEmpty { report(text) }
    Foundation.exit(code == .validationFailure ? 2 : code.rawValue)
  }

  static func report(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }
}
