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
  let filters: [HDF5Filter]
  /// In row-major order, all of them.
  let chunks: [Chunk]
  let storedBytes: Int

  var bytes: Int { rows * columns * elementSize }
  var deflateLevel: Int? {
    for case .deflate(let level) in filters { return level }
    return nil
  }

  /// Real files have chunks below 1 MB.
  private static let maximumBytes = 1 << 28

  init(
    _ source: HDF5Source, tree: UInt64, shape: [Int], chunk: [Int], elementSize: Int,
    filters: [HDF5Filter], _ place: HDF5Place
  ) throws(HDF5Error) {
    self.filters = filters
    self.elementSize = elementSize
    rows = chunk[0]
    columns = chunk.count > 1 ? chunk[1] : 1
    let width = shape.count > 1 ? shape[1] : 1
    guard rows > 0, columns > 0, rows <= Self.maximumBytes, columns <= Self.maximumBytes,
      rows * columns <= Self.maximumBytes / elementSize
    else { throw place.error("chunks of shape \(chunk) are empty or too large") }
    let down = (shape[0] + rows - 1) / rows
    across = (width + columns - 1) / columns
    // Every chunk has an entry in the index.
    let (total, overflow) = down.multipliedReportingOverflow(by: across)
    guard !overflow, total <= source.length / 24 else {
      throw place.error("\(down) × \(across) chunks cannot be in a file of \(source.length) bytes")
    }
    var chunks = [Chunk](repeating: Chunk(), count: total)
    var stored = 0
    var found = 0
    // An index that was never made has the undefined address: none of the chunks is stored.
    if total > 0, tree != .max {
      let keySize = 8 + 8 * (chunk.count + 1)
      for entry in try HDF5Tree.children(of: tree, kind: 1, keySize: keySize, in: source, place) {
        var key = entry.key
        let size = try key.word()
        let mask = try key.word()
        var offsets: [Int] = []
        for _ in 0...chunk.count { offsets.append(try key.extent()) }
        let column = chunk.count > 1 ? offsets[1] : 0
        guard offsets.last == 0, offsets[0] % rows == 0, column % columns == 0,
          offsets[0] < shape[0], column < width
        else { throw place.error("a chunk at \(offsets.dropLast()) is out of place") }
        let index = offsets[0] / rows * across + column / columns
        guard chunks[index].address < 0 else {
          throw place.error("two chunks at \(offsets.dropLast())")
        }
        guard let address = Int(exactly: entry.child), size > 0, size <= source.length,
          address <= source.length - size
        else {
          throw place.error(
            "the chunk at \(offsets.dropLast()) lies outside the file (\(size) bytes at "
              + "\(entry.child))")
        }
        chunks[index] = Chunk(address: address, size: size, mask: mask)
        stored += size
        found += 1
      }
    }
    guard found == total else {
      throw place.error("\(found) of \(total) chunks are stored")
    }
    let limit = rows * columns * elementSize
    for chunk in chunks where chunk.size > limit + limit / 100 + 64 {
      throw place.error("a chunk of \(limit) bytes is stored in \(chunk.size)")
    }
    // Deflate makes at most 1032 bytes of one; what claims more need not be given memory.
    for chunk in chunks where limit / 1032 > chunk.size {
      throw place.error("a chunk of \(limit) bytes is stored in \(chunk.size)")
    }
    self.chunks = chunks
    storedBytes = stored
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
    _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(HDF5Error) {
    let chunk = chunks[index]
    if scratch.stored.count < chunk.size {
      scratch.stored = [UInt8](repeating: 0, count: max(chunk.size, bytes))
    }
    if scratch.inflated.count < bytes { scratch.inflated = [UInt8](repeating: 0, count: bytes) }
    var failure: HDF5Error?
    scratch.stored.withUnsafeMutableBytes { buffer in
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<chunk.size])
      do throws(HDF5Error) {
        try source.read(at: chunk.address, into: part, place)
      } catch { failure = error }
    }
    if let failure { throw failure }
    var shuffle = 0
    var deflated = false
    for (position, filter) in filters.enumerated() where chunk.mask >> position & 1 == 0 {
      switch filter {
      case .deflate: deflated = true
      case .shuffle(let size): shuffle = size
      }
    }
    if deflated {
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
    if shuffle > 1 {
      if scratch.ordered.count < bytes { scratch.ordered = [UInt8](repeating: 0, count: bytes) }
      let groups = bytes / shuffle
      for part in 0..<shuffle {
        for group in 0..<groups {
          scratch.ordered[group * shuffle + part] = scratch.inflated[part * groups + group]
        }
      }
      for rest in groups * shuffle..<bytes { scratch.ordered[rest] = scratch.inflated[rest] }
      swap(&scratch.ordered, &scratch.inflated)
    }
    scratch.inflated.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<bytes])) }
  }
}
