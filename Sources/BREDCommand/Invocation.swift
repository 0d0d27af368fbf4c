import Runs

/// The command line this process was started with.
enum Invocation {
  /// The same command for a shell, with `--resume`: what continues a stopped run.
  static func resuming(_ arguments: [String] = CommandLine.arguments) -> String {
    var arguments = arguments
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    if !arguments[..<end].contains("--resume") { arguments.insert("--resume", at: end) }
    return ShellText.command(arguments)
  }

  /// The same command for a shell.
  static func repeating() -> String { ShellText.command(CommandLine.arguments) }
}
