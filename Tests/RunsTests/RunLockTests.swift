import Foundation
import Runs
import TestSupport
import Testing

@Suite struct RunLockTests {
  private let folder = TemporaryDirectory()

  /// A child that was forked while the run went on has the lock's file open too, and may outlive the run.
  @Test func aRunThatEndsLeavesItsDirectoryFree() throws {
    let path = folder.file("run")
    var run: RunDirectory? = try RunDirectory(path: path, resume: false)
    #expect(throws: RunError.directoryInUse(path: path)) {
      try RunDirectory(path: path, resume: true)
    }
    let numbers = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
      .compactMap(Int32.init).filter {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))
          == "\(run!.path)/.lock"
      }
    let copy = dup(try #require(numbers.first))
    defer { close(copy) }
    run = nil
    _ = try RunDirectory(path: path, resume: true)
  }
}
