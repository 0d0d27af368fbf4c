import RLCore

/// Small text files, written whole or not at all.
package enum AtomicText {
  package static func write(
    _ text: String, to path: String, replacing: Bool = true
  ) throws(RunError) {
    let bytes = Array(text.utf8)
    do throws(FileError) {
      try AtomicFile.write(to: path, replacing: replacing) {
        (output: borrowing AtomicFile.Output) throws(FileError) in
        var failure: FileError?
        bytes.withUnsafeBytes { buffer in
          do throws(FileError) { try output.write(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
      }
    } catch {
      throw .writing(error)
    }
  }
}
