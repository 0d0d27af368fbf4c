/// Words as a shell takes them.
package enum ShellText {
  /// A command with its arguments.
  package static func command(_ words: [String]) -> String {
    words.map(word).joined(separator: " ")
  }

  /// An argument as a shell takes it for one word.
  package static func word(_ argument: String) -> String {
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
