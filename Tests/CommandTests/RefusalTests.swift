import TestSupport
import Testing

/// Suites of commands that must refuse.
protocol RefusalTests {
  var folder: TemporaryDirectory { get }
}

extension RefusalTests {
  /// Runs the command, which must refuse, say all of `words`, and leave the folder as it was.
  func refuse(
    _ arguments: [String], status: Int32, saying words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = contents(of: folder.path)
    let result = try CommandRunner.run(arguments)
    #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    #expect(
      result.errorLines.filter { $0.lowercased().hasPrefix("error:") }.count == 1,
      "\(result.errors)", sourceLocation: sourceLocation)
    for word in words {
      #expect(
        result.errors.contains(word), "'\(word)' is not in: \(result.errors)",
        sourceLocation: sourceLocation)
    }
    #expect(contents(of: folder.path) == before, sourceLocation: sourceLocation)
  }
}
