/// The command line this process was started with.
enum Invocation {
  /// The same command for a shell, with `--resume`: what continues a stopped run.
  static func resuming(_ arguments: [String] = CommandLine.arguments) -> String {
    var arguments = arguments
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    if !arguments[..<end].contains("--resume") { arguments.insert("--resume", at: end) }
    return arguments.map(quoted).joined(separator: " ")
  }

  /// The same command for a shell.
  static func repeating() -> String { CommandLine.arguments.map(quoted).joined(separator: " ") }

  /// An argument as a shell takes it for one word.
  static func quoted(_ argument: String) -> String {
    let isPlain = argument.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic && $0.isASCII || ("0"..."9").contains($0)
        || "-_./=:,+@%".unicodeScalars.contains($0)
    }
    if isPlain, !argument.isEmpty { return argument }
    return "'"
      + argument.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: "'\\''") + "'"
  }
}
