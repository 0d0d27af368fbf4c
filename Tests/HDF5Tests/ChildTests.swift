import DenseMath
import Foundation
import HDF5
import TestSupport
import Testing

/// The process in which libhdf5 works may do what it likes.
@Suite struct ChildTests {
  let path = Resources.fixture("datasets/kinds.hdf5").path

  /// Numbers as in `bred_h5_fault`.
  @Test(arguments: [
    (UInt32(1), "libhdf5 crashed on it (Aborted)"), (2, "libhdf5 found no end and was stopped"),
    (3, "libhdf5 gave no answer for 1 seconds and was stopped"),
    (4, "libhdf5 broke off in the middle of an answer"),
    (5, "libhdf5 says more than such a file can hold"),
  ])
  func faults(fault: UInt32, reason: String) throws {
    var limits = HDF5Limits()
    limits.fault = fault
    if fault == 2 { limits.processorSeconds = 1 } else { limits.silenceSeconds = 1 }
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
    limits.fault = 1
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
    #expect(try array.read(Float.self) == FormTests.long)
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.copyItem(at: forms, to: URL(fileURLWithPath: path))
    let error = try #require(throws: HDF5Error.self) { try array.read(Float.self) }
    #expect(error.reason == "was replaced while it was read")
  }
}
