import Foundation
import TestSupport
import Testing

/// Files go where one says, also into folders that are not there yet; what cannot be is said at once.
@Suite struct OutputFileTests {
  private let folder = TemporaryDirectory()

  @Test(arguments: [
    ["dataset", "collect", "--env", "hopper", "--random", "--steps", "40"],
    ["dataset", "slice", "DATASET", "--count", "2"],
    ["dataset", "merge", "DATASET", "DATASET"],
    ["dataset", "convert", "DATASET"],
    ["export", "ENSEMBLE/member-0", "--format", "npz"],
    ["plot", "SAC"],
    ["report", "SAC"],
  ])
  func foldersAreMade(command: [String]) throws {
    let output = folder.file("some/where/made")
    let result = try CommandRunner.run(filled(command) + ["--output", output])
    #expect(result.status == 0, "\(result.errors)")
    #expect(FileManager.default.fileExists(atPath: output))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("some/where")).count == 1)
  }

  @Test(arguments: [
    (["compare", "SAC"], "--curves"), (["dataset", "inspect", "DATASET"], "--report"),
    (["export", "ENSEMBLE/member-0", "--output", "FOLDER/policy.npz"], "--examples"),
  ])
  func foldersOfOtherFilesAreMadeToo(command: [String], option: String) throws {
    let output = folder.file("some/where/made")
    let result = try CommandRunner.run(filled(command) + [option, output])
    #expect(result.status == 0, "\(result.errors)")
    #expect(FileManager.default.fileExists(atPath: output))
  }

  /// Before the work, which would be an hour of collecting.
  @Test func aFileInTheWayIsNamed() throws {
    try Data().write(to: URL(fileURLWithPath: folder.file("file")))
    let result = try CommandRunner.run(
      "dataset", "collect", "--env", "hopper", "--random", "--steps", "1000000000", "--output",
      folder.file("file/data.hdf5"))
    #expect(result.status == 1)
    #expect(result.errorLines.count == 1)
    #expect(
      result.errors.contains("\(folder.file("file")): cannot write: create folder: Not a directory")
    )
  }

  private func filled(_ command: [String]) -> [String] {
    command.map {
      $0.replacingOccurrences(of: "DATASET", with: Workshop.shared.dataset)
        .replacingOccurrences(of: "ENSEMBLE", with: Workshop.shared.ensemble)
        .replacingOccurrences(of: "SAC", with: Workshop.shared.folder.file("sac"))
        .replacingOccurrences(of: "FOLDER", with: folder.path)
    }
  }
}
