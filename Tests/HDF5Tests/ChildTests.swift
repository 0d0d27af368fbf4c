import CFaults
import DenseMath
import Foundation
import HDF5
import TestSupport
import Testing

/// The process in which libhdf5 works may do what it likes.
@Suite struct ChildTests {
  let path = Resources.fixture("datasets/kinds.hdf5").path

  private typealias Fault = @convention(c) () -> Void

  private static let kinds: [(name: String, fault: Fault, reason: String)] = [
    ("crash", bred_fault_crash, "libhdf5 crashed on it (Aborted)"),
    ("endless work", bred_fault_endless_work, "libhdf5 found no end and was stopped"),
    ("silence", bred_fault_silence, "libhdf5 gave no answer for 1 seconds and was stopped"),
    ("short answer", bred_fault_short_answer, "libhdf5 broke off in the middle of an answer"),
    ("nonsense", bred_fault_nonsense, "libhdf5 says more than such a file can hold"),
  ]

  @Test(arguments: ["crash", "endless work", "silence", "short answer", "nonsense"])
  func faults(name: String) throws {
    let (_, fault, reason) = try #require(ChildTests.kinds.first { $0.name == name })
    var limits = HDF5Limits()
    limits.fault = fault
    if name == "endless work" { limits.processorSeconds = 1 } else { limits.silenceSeconds = 1 }
    let start = Date()
    let error = try #require(throws: HDF5Error.self) {
      _ = try HDF5File(reading: path, limits: limits)
    }
    #expect(error == HDF5Error(file: path, reason: reason))
    #expect(Date().timeIntervalSince(start) < 30)
    #expect(try HDF5File(reading: path).dataset("scalar/int32").read(Int64.self) == [200])
  }

  /// Neither descriptors nor processes stay behind.
  @Test func nothingIsLeft() throws {
    func descriptors() throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }
    let forms = Resources.fixture("datasets/forms.hdf5").path
    var limits = HDF5Limits()
    limits.fault = bred_fault_crash
    let before = try descriptors()
    for _ in 0..<40 {
      #expect(throws: HDF5Error.self) { try HDF5File(reading: path, limits: limits) }
      _ = try HDF5File(reading: forms).dataset("filters/fletcher32").read(Float.self)
    }
    // Other tests open files meanwhile.
    #expect(try descriptors() < before + 30)
  }

  /// While other threads allocate, write HDF5 files and read others.
  @Test func manyThreads() throws {
    let folder = TemporaryDirectory()
    let forms = Resources.fixture("datasets/forms.hdf5").path
    let pool = WorkerPool(threads: 6)
    defer { pool.shutDown() }
    var outcomes = [Bool](repeating: false, count: 60)
    outcomes.withUnsafeMutableBufferPointer { outcomes in
      nonisolated(unsafe) let outcomes = outcomes
      pool.run(60) { index, _ in
        do {
          if index % 3 == 0 {
            let output = try HDF5OutputFile(creating: folder.file("\(index).hdf5"))
            for name in 0..<20 {
              try output.createDataset(
                "\(name)", shape: [500], type: .float(bytes: 4), chunkRows: 50
              )
              .write([Float](repeating: 1, count: 500))
            }
            try output.close()
            outcomes[index] =
              try HDF5File(reading: folder.file("\(index).hdf5")).objects().count == 20
          } else {
            let array = try HDF5File(reading: forms).dataset("numbers/float16_be_chunked")
            outcomes[index] = try array.read(Float.self).count == 2700
          }
        } catch { Issue.record(error) }
      }
    }
    #expect(outcomes.allSatisfy { $0 })
  }

  /// Another file under the same name is not taken for the one that was opened.
  @Test func replaced() throws {
    let folder = TemporaryDirectory()
    let path = folder.file("data.hdf5")
    let forms = Resources.fixture("datasets/forms.hdf5")
    try FileManager.default.copyItem(at: forms, to: URL(fileURLWithPath: path))
    let array = try HDF5File(reading: path).dataset("filters/fletcher32")
    try FileManager.default.removeItem(atPath: path)
    #expect(try array.read(Float.self) == FormTests.long)
    let kinds = Resources.fixture("datasets/kinds.hdf5")
    try FileManager.default.copyItem(at: kinds, to: URL(fileURLWithPath: path))
    #expect(try array.read(Float.self) == FormTests.long)
  }

  /// Rewritten in place, it is not what was looked at.
  @Test func rewritten() throws {
    let folder = TemporaryDirectory()
    let path = folder.file("data.hdf5")
    let forms = try Data(contentsOf: Resources.fixture("datasets/forms.hdf5"))
    try forms.write(to: URL(fileURLWithPath: path))
    let array = try HDF5File(reading: path).dataset("filters/fletcher32")
    let kinds = try Data(contentsOf: Resources.fixture("datasets/kinds.hdf5"))
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: kinds)
    try file.close()
    let error = try #require(throws: HDF5Error.self) { try array.read(Float.self) }
    #expect(error.reason == "cannot be opened" && error.object == "filters/fletcher32")
  }
}
