import ArgumentParser
import Configuration
import Environments
import Foundation
import Runs

@main
struct Main {
  static func main() {
    // A file that grows beyond `ulimit -f` is an error like any other, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    Console.prepare()
    do {
      var command = try Bred.parseAsRoot()
      try command.run()
    } catch {
      ExitStatus.exit(for: error)
    }
    ExitStatus.leave(0)
  }
}

struct Bred: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bred",
    abstract: "Offline-to-online reinforcement learning with balanced replay and ensembles.",
    discussion: """
      From a D4RL dataset to a fine-tuned robot:

        bred dataset inspect hopper_medium-v2.hdf5
        bred run --task hopper-medium-v2 --method bred \\
          --dataset hopper_medium-v2.hdf5 --output runs/hopper
        bred evaluate --env hopper --policy \\
          runs/hopper/finetune/weights/policy.safetensors

      Each stage also has a command of its own. Everything can be interrupted with Ctrl-C and \
      continued with --resume. `~` means your home in every path.

      Settings: docs/settings.md has them all, `bred algorithm show NAME` those of one algorithm. \
      Shell completion: bred --generate-completion-script bash (or zsh, fish).

      Exit codes: 0 done, 1 failed, 2 usage or configuration, \
      130 interrupted after writing a checkpoint (Ctrl-C, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU).
      """,
    version: PackageVersion.number,
    subcommands: [
      Run.self, Train.self, Pretrain.self, Distill.self, FineTune.self, Sac.self, Evaluate.self,
      Render.self, ExportCommand.self, ImportCommand.self, SweepCommand.self, Compare.self,
      Plot.self, Report.self, AnalyseCommand.self, TaskCommand.self,
      MethodCommand.self, AlgorithmCommand.self, DatasetCommand.self,
      EnvironmentCommand.self, BenchmarkCommand.self, Doctor.self, SettingsCommand.self,
    ])
}

/// What the shell learns from an error.
enum ExitStatus {
  static func exit(for error: any Error) -> Never {
    if error is Console.ReaderGone { leaveForWantOfAReader() }
    if error is Interrupted {
      Console.log("stopped after writing a checkpoint; to continue:\n  \(Invocation.resuming())")
      leave(130)
    }
    // What cannot be meant is a matter of usage, wherever it was noticed.
    if error is ConfigurationError || error is EnvironmentError {
      Console.log("error: \(error)")
      leave(2)
    }
    if let error = error as? ValidationError {
      // One that only the work could notice; those of parsing come with the command's usage.
      Console.log("error: \(error.message)")
      leave(2)
    }
    let code = Bred.exitCode(for: error)
    let isParsing = code == .success || code == .validationFailure || error is ExitCode
    guard isParsing else {
      Console.log("error: \(error)")
      leave(1)
    }
    let text = Bred.fullMessage(for: error)
    if code == .success {
      // Help and the like.
      do { if !text.isEmpty { try Console.print(text) } } catch { exit(for: error) }
      leave(0)
    }
    if !text.isEmpty { Console.log(text) }
    leave(code == .validationFailure ? 2 : code.rawValue)
  }

  static func leave(_ status: Int32) -> Never {
    Console.finish(outputIsFree: !CommandLine.arguments.contains("--json"))
    Foundation.exit(status)
  }

  /// As every program ends whose output nobody reads.
  private static func leaveForWantOfAReader() -> Never {
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
    Foundation.exit(128 + SIGPIPE)
  }
}
