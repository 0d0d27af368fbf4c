internal import CHDF5Probe
internal import DenseMath

/// The pieces of an array that is read here: where they are, and how each becomes numbers.
struct HDF5Chunks: Sendable {
  private struct Chunk {
    var address = -1
    var size = 0
    /// Bit i set: filter i was not applied to this chunk.
    var mask = 0
  }

  /// Extents of one chunk; rank 1 is treated as rank 2 with one column.
  private let rows: Int
  private let columns: Int
  /// Of the array.
  private let width: Int
  private let elementSize: Int
  private let isShuffled: Bool
  private let isDeflated: Bool
  /// In row-major order, all of them.
  private let chunks: [Chunk]
  let storedBytes: Int

  /// Chunks along the second axis.
  private var across: Int { (width - 1) / columns + 1 }
  private var bytes: Int { rows * columns * elementSize }

  /// Real files have chunks below 1 MB.
  private static let maximumBytes = 1 << 28

  /// - Parameters:
  ///   - record: a plain array of at least one element.
  ///   - places: where its chunks are.
  ///   - length: of the file.
  /// - Returns: `nil` where some are missing: libhdf5 knows what stands in their place.
  init?(
    _ record: bred_h5_record, _ places: [bred_h5_record], shape: (Int, Int), _ length: Int,
    _ place: HDF5Place
  ) throws(HDF5Error) {
    (width, elementSize) = (shape.1, Int(record.type_bytes))
    (isShuffled, isDeflated) = (record.shuffle > 1, record.deflate != 0)
    (rows, columns) = (Int(clamping: record.chunk.0), Int(clamping: record.chunk.1))
    let (limit, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard !overflow, limit > 0, limit <= Self.maximumBytes / elementSize,
      !isShuffled || Int(record.shuffle) == elementSize
    else { throw place.error("chunks of \(rows) × \(columns) are empty or too large") }
    let down = (shape.0 - 1) / rows + 1
    let across = (width - 1) / columns + 1
    let (total, tooMany) = down.multipliedReportingOverflow(by: across)
    guard !tooMany, total == places.count else { return nil }
    var chunks = [Chunk](repeating: Chunk(), count: total)
    var stored = 0
    for chunk in places {
      let (row, column) = (Int(clamping: chunk.shape.0), Int(clamping: chunk.shape.1))
      let (size, address) = (Int(clamping: chunk.stored), Int(clamping: chunk.address))
      let name = "the chunk at \(row), \(column)"
      guard row % rows == 0, column % columns == 0, row < shape.0, column < width else {
        throw place.error("\(name) is out of place")
      }
      let index = row / rows * across + column / columns
      guard chunks[index].address < 0 else { throw place.error("\(name) is there twice") }
      guard size > 0, size <= length, address <= length - size else {
        throw place.error("\(name) lies outside the file (\(size) bytes at \(address))")
      }
      // Deflate makes at most 1032 bytes of one; what claims more need not be given memory.
      let bytes = limit * elementSize
      let isInflated = isDeflated && chunk.mask >> (isShuffled ? 1 : 0) & 1 == 0
      guard isInflated ? size <= Self.maximumStored(bytes) && bytes / 1032 <= size : size == bytes
      else {
        throw place.error("\(name), of \(bytes) bytes, is stored in \(size)")
      }
      chunks[index] = Chunk(address: address, size: size, mask: Int(chunk.mask))
      stored += size
    }
    (self.chunks, storedBytes) = (chunks, stored)
  }

  /// An array that lies in one piece, cut into chunks of some 256 KiB.
  init(
    contiguous record: bred_h5_record, shape: (Int, Int), _ length: Int, _ place: HDF5Place
  ) throws(HDF5Error) {
    (width, columns, elementSize) = (shape.1, shape.1, Int(record.type_bytes))
    (isShuffled, isDeflated) = (false, false)
    let rowBytes = width * elementSize
    storedBytes = shape.0 * rowBytes
    let start = Int(clamping: record.address)
    guard storedBytes <= length, start <= length - storedBytes, record.stored == storedBytes else {
      throw place.error("its \(storedBytes) bytes at \(start) do not fit the file of \(length)")
    }
    rows = max(1, 1 << 18 / rowBytes)
    chunks = stride(from: 0, to: storedBytes, by: rows * rowBytes).map {
      [end = storedBytes, rows] in
      Chunk(address: start + $0, size: min(rows * rowBytes, end - $0))
    }
  }

  /// Reads rows, at least one.
  ///
  /// - Parameter threads: how many at most.
  func read<Element: HDF5Element>(
    _ wanted: Range<Int>, of source: HDF5Source, threads: Int, as type: HDF5Type,
    to target: UnsafeMutablePointer<Element>, _ place: HDF5Place
  ) throws(HDF5Error) {
    let first = wanted.lowerBound / rows * across
    let count = ((wanted.upperBound - 1) / rows + 1) * across - first
    // Each call has its own place for a failure, and its own elements.
    var failures = [HDF5Error?](repeating: nil, count: count)
    nonisolated(unsafe) let target = target
    let pool = WorkerPool(threads: count < 4 ? 1 : min(threads, count))
    defer { pool.shutDown() }
    // Made once: memory that is new for each chunk costs as much as a fifth of inflating it.
    nonisolated(unsafe) let rooms = (0..<pool.threads).map { _ in Room(bytes) }
    defer { for room in rooms { room.memory.deallocate() } }
    failures.withUnsafeMutableBufferPointer { failures in
      nonisolated(unsafe) let failures = failures
      pool.run(count) { position, worker in
        let index = first + position
        let (top, left) = (index / across * rows, index % across * columns)
        let kept = max(top, wanted.lowerBound)..<min(top + rows, wanted.upperBound)
        // Whole rows lie together, and may need nothing but to be put there.
        let together = columns == width ? kept.count : 1
        let isDirect = together == rows && type.isStored(as: Element.self)
        func start(_ row: Int) -> UnsafeMutablePointer<Element> {
          target + (row - wanted.lowerBound) * width + left
        }
        do throws(HDF5Error) {
          let elements = try elements(
            index, of: source, in: rooms[worker],
            isDirect ? UnsafeMutableRawPointer(start(top)) : nil, place)
          for row in stride(from: kept.lowerBound, to: kept.upperBound, by: together)
          where !isDirect {
            type.convert(
              elements + (row - top) * columns * elementSize, to: start(row),
              together * min(columns, width - left))
          }
        } catch { failures[position] = error }
      }
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
  }

  /// A worker's memory for a chunk as it is stored, inflated and put in order.
  private struct Room {
    let memory: UnsafeMutableRawPointer
    let part: Int
    let inflater = Inflater()
    var stored: UnsafeMutableRawPointer { memory }
    var inflated: UnsafeMutableRawPointer { memory + part }
    var ordered: UnsafeMutableRawPointer { memory + 2 * part }

    init(_ bytes: Int) {
      part = HDF5Chunks.maximumStored(bytes)
      memory = .allocate(byteCount: 3 * part, alignment: 16)
    }
  }

  /// What deflate makes of numbers that it cannot pack.
  private static func maximumStored(_ bytes: Int) -> Int { bytes + bytes / 100 + 64 }

  /// The elements of a chunk, its filters undone: at `target` where one is given.
  private func elements(
    _ index: Int, of source: HDF5Source, in room: Room, _ target: UnsafeMutableRawPointer?,
    _ place: HDF5Place
  ) throws(HDF5Error) -> UnsafeRawPointer {
    let chunk = chunks[index]
    let inflates = isDeflated && chunk.mask >> (isShuffled ? 1 : 0) & 1 == 0
    let orders = isShuffled && chunk.mask & 1 == 0
    // The last step leads to the target.
    let inflated = orders ? room.inflated : target ?? room.inflated
    let stored = orders || inflates ? room.stored : target ?? room.stored
    try source.read(at: chunk.address, chunk.size, to: stored, place)
    if inflates {
      if let fault = room.inflater.inflate(stored, chunk.size, to: inflated, bytes) {
        throw place.error(
          "the chunk at row \(index / across * rows) cannot be inflated (\(fault))")
      }
    }
    let elements = UnsafeRawPointer(inflates ? inflated : stored)
    guard orders else { return elements }
    let ordered = target ?? room.ordered
    let count = rows * columns
    for part in 0..<elementSize {
      for element in 0..<count {
        ordered.storeBytes(
          of: elements.load(fromByteOffset: part * count + element, as: UInt8.self),
          toByteOffset: element * elementSize + part, as: UInt8.self)
      }
    }
    return UnsafeRawPointer(ordered)
  }
}
