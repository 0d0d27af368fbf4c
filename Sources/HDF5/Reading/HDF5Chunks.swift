internal import CHDF5Probe
internal import CZlib

/// The chunks of an array: where they are, and how each becomes numbers.
struct HDF5Chunks: Sendable {
  struct Chunk: Sendable {
    var address = -1
    var size = 0
    /// Bit i set: filter i was not applied to this chunk.
    var mask = 0
  }

  /// Extents of one chunk; rank 1 is treated as rank 2 with one column.
  let rows: Int
  let columns: Int
  /// Chunks along the second axis.
  let across: Int
  let elementSize: Int
  private let isShuffled: Bool
  private let isDeflated: Bool
  /// In row-major order, all of them.
  private let chunks: [Chunk]
  let storedBytes: Int

  var bytes: Int { rows * columns * elementSize }

  /// Real files have chunks below 1 MB.
  private static let maximumBytes = 1 << 28

  init(
    _ answer: HDF5Child.Answer, shape: [Int], elementSize: Int, _ length: Int, _ place: HDF5Place
  ) throws(HDF5Error) {
    let record = answer.record
    self.elementSize = elementSize
    (isShuffled, isDeflated) = (record.shuffle > 1, record.deflate != 0)
    rows = Int(clamping: record.chunk.0)
    columns = shape.count > 1 ? Int(clamping: record.chunk.1) : 1
    let (limit, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard !overflow, limit > 0, limit <= Self.maximumBytes / elementSize,
      !isShuffled || Int(record.shuffle) == elementSize
    else { throw place.error("chunks of \(rows) × \(columns) are empty or too large") }
    let width = shape.count > 1 ? shape[1] : 1
    across = width / columns + (width % columns == 0 ? 0 : 1)
    let down = shape[0] / rows + (shape[0] % rows == 0 ? 0 : 1)
    let (total, tooMany) = down.multipliedReportingOverflow(by: across)
    guard !tooMany, total == answer.chunks.count else {
      throw place.error("\(answer.chunks.count) chunks, expected \(down) × \(across)")
    }
    var chunks = [Chunk](repeating: Chunk(), count: total)
    var stored = 0
    for chunk in answer.chunks {
      let (row, column) = (Int(clamping: chunk.offset.0), Int(clamping: chunk.offset.1))
      let (size, address) = (Int(clamping: chunk.size), Int(clamping: chunk.address))
      guard row % rows == 0, column % columns == 0, row < shape[0], column < width else {
        throw place.error("a chunk at \(row), \(column) is out of place")
      }
      let index = row / rows * across + column / columns
      guard chunks[index].address < 0 else { throw place.error("two chunks at \(row), \(column)") }
      guard size > 0, size <= length, address <= length - size else {
        throw place.error(
          "the chunk at \(row), \(column) lies outside the file (\(size) bytes at \(address))")
      }
      // Deflate makes at most 1032 bytes of one; what claims more need not be given memory.
      let bytes = limit * elementSize
      guard size <= bytes + bytes / 100 + 64, bytes / 1032 <= size else {
        throw place.error("a chunk of \(bytes) bytes is stored in \(size)")
      }
      chunks[index] = Chunk(address: address, size: size, mask: Int(truncatingIfNeeded: chunk.mask))
      stored += size
    }
    (self.chunks, storedBytes) = (chunks, stored)
  }

  /// Memory for one chunk, one for each thread.
  struct Scratch {
    var stored: [UInt8] = []
    var inflated: [UInt8] = []
    var ordered: [UInt8] = []
  }

  /// Reads a chunk and undoes its filters; hands its `bytes` to `body`.
  func withChunk(
    _ index: Int, of source: HDF5Source, _ scratch: inout Scratch, _ place: HDF5Place,
    _ body: (UnsafeRawPointer) -> Void
  ) throws(HDF5Error) {
    let chunk = chunks[index]
    func makeRoom(_ buffer: inout [UInt8], _ count: Int) {
      if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    }
    makeRoom(&scratch.stored, max(chunk.size, bytes))
    makeRoom(&scratch.inflated, bytes)
    var failure: HDF5Error?
    scratch.stored.withUnsafeMutableBytes { buffer in
      do throws(HDF5Error) {
        try source.read(at: chunk.address, into: .init(rebasing: buffer[..<chunk.size]), place)
      } catch { failure = error }
    }
    if let failure { throw failure }
    if isDeflated, chunk.mask >> (isShuffled ? 1 : 0) & 1 == 0 {
      var length = uLongf(bytes)
      let status = uncompress(&scratch.inflated, &length, scratch.stored, uLong(chunk.size))
      guard status == Z_OK, length == bytes else {
        throw place.error(
          "the chunk at row \(index / across * rows) cannot be inflated "
            + (status == Z_OK ? "(\(length) of \(bytes) bytes)" : "(zlib error \(status))"))
      }
    } else {
      guard chunk.size == bytes else {
        throw place.error("the chunk at row \(index / across * rows) has \(chunk.size) bytes")
      }
      swap(&scratch.stored, &scratch.inflated)
    }
    if isShuffled, chunk.mask & 1 == 0 {
      makeRoom(&scratch.ordered, bytes)
      let count = rows * columns
      for part in 0..<elementSize {
        for element in 0..<count {
          scratch.ordered[element * elementSize + part] = scratch.inflated[part * count + element]
        }
      }
      swap(&scratch.ordered, &scratch.inflated)
    }
    scratch.inflated.withUnsafeBytes { body($0.baseAddress!) }
  }
}
