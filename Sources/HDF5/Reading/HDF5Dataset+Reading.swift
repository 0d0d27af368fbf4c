internal import CHDF5Probe
internal import DenseMath

extension HDF5Dataset {
  /// Reads rows into a new array, converting numbers on the way; it is the only full-size copy there
  /// ever is.
  ///
  /// - Parameter rows: the rows wanted; `nil` for all.
  public func read<Element: HDF5Element>(
    _: Element.Type, rows: Range<Int>? = nil
  ) throws(HDF5Error) -> [Element] {
    switch type {
    case .float, .integer: return try numbers(Element.self, rows)
    default: throw place.error("holds \(type), expected numbers")
    }
  }

  /// Reads flags stored as booleans, integers or floats; anything else than 0 and 1 is an error.
  public func readFlags(rows: Range<Int>? = nil) throws(HDF5Error) -> [Bool] {
    guard !type.isString else { throw place.error("holds \(type), expected flags") }
    let wanted = rows ?? 0..<self.rows
    var flags: [Bool] = []
    flags.reserveCapacity(wanted.count * rowSize)
    // In blocks, since numbers are eight times as large as flags.
    for first in stride(from: wanted.lowerBound, to: wanted.upperBound, by: 1 << 18) {
      let block = first..<min(wanted.upperBound, first + 1 << 18)
      let values = try numbers(Double.self, block)
      if let wrong = values.firstIndex(where: { $0 != 0 && $0 != 1 }) {
        throw place.error("row \(first + wrong / max(1, rowSize)) is not 0 or 1, expected a flag")
      }
      for value in values { flags.append(value != 0) }
    }
    return flags
  }

  /// Reads a scalar string, or an array of one.
  public func readString() throws(HDF5Error) -> String {
    guard count == 1 else { throw place.error("has shape \(shape), expected one string") }
    guard type.isString, case .bytes(let bytes) = content else {
      throw place.error("holds \(type), expected a string")
    }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  private func numbers<Element: HDF5Element>(
    _: Element.Type, _ rows: Range<Int>?
  ) throws(HDF5Error) -> [Element] {
    let wanted = rows ?? 0..<self.rows
    precondition(
      wanted.lowerBound >= 0 && wanted.upperBound <= self.rows,
      "rows \(wanted) of \(name), which has \(self.rows)")
    let count = wanted.count * rowSize
    var failure: HDF5Error?
    let type = elementType
    let values = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      nonisolated(unsafe) let target = buffer.baseAddress
      do throws(HDF5Error) {
        if count > 0 {
          try transfer(wanted) { source, first, count in
            HDF5Conversion.convert(source, type, to: target! + first, count)
          }
        }
        initialized = count
      } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  // MARK: Transfer

  /// Runs of elements: their address, the position of the first in what was asked for, their number.
  private typealias Store = @Sendable (UnsafeRawPointer, _ first: Int, _ count: Int) -> Void

  /// Hands runs of elements to `store`, which do not overlap; calls come from several threads.
  private func transfer(_ wanted: Range<Int>, _ store: Store) throws(HDF5Error) {
    switch content {
    case .bytes(let bytes):
      bytes.withUnsafeBytes {
        let start = wanted.lowerBound * rowSize * elementType.size
        store($0.baseAddress! + start, 0, wanted.count * rowSize)
      }
    case .contiguous(let start): try readContiguous(wanted, start, store)
    case .chunks(let chunks): try readChunks(wanted, chunks, store)
    case .library: try readByLibrary(wanted, store)
    }
  }

  private func readContiguous(
    _ rows: Range<Int>, _ start: Int, _ store: Store
  ) throws(HDF5Error) {
    let size = type.size
    let count = rows.count * rowSize
    let block = min(count, 1 << 18)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: block * size, alignment: 64)
    defer { buffer.deallocate() }
    for done in stride(from: 0, to: count, by: block) {
      let part = min(block, count - done)
      try file.source.read(
        at: start + (rows.lowerBound * rowSize + done) * size,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<(part * size)]), place)
      store(UnsafeRawPointer(buffer.baseAddress!), done, part)
    }
  }

  private func readByLibrary(_ wanted: Range<Int>, _ store: Store) throws(HDF5Error) {
    let child = try HDF5Child(
      file.source, file.limits, object: name, shape: (self.rows, rowSize), rows: wanted)
    var done = 0
    while let answer = try child.next() {
      let record = answer.record
      guard record.kind == BRED_H5_ROWS.rawValue else { throw place.error(answer) }
      let rows = Int(clamping: record.shape.0)
      guard record.elementType == elementType, rows > 0, rows <= wanted.count - done,
        rows * rowSize <= HDF5Child.rowsBytes / elementType.size
      else { throw place.error("libhdf5 gave \(rows) rows that nobody asked for") }
      store(child.rows, done * rowSize, rows * rowSize)
      done += rows
      child.goOn()
    }
    guard done == wanted.count else {
      throw place.error("libhdf5 gave \(done) of \(wanted.count) rows")
    }
  }

  private func readChunks(
    _ wanted: Range<Int>, _ chunks: HDF5Chunks, _ store: Store
  ) throws(HDF5Error) {
    let firstDown = wanted.lowerBound / chunks.rows
    let lastDown = (wanted.upperBound - 1) / chunks.rows
    let first = firstDown * chunks.across
    let count = (lastDown - firstDown + 1) * chunks.across
    let (width, size) = (rowSize, type.size)
    let source = file.source
    let place = self.place

    func work(_ index: Int, _ scratch: inout HDF5Chunks.Scratch) -> HDF5Error? {
      let column = index % chunks.across * chunks.columns
      let columns = min(chunks.columns, width - column)
      let top = index / chunks.across * chunks.rows
      let rows = max(top, wanted.lowerBound)..<min(top + chunks.rows, wanted.upperBound)
      // Whole rows lie together.
      let run = chunks.columns == width ? rows.count : 1
      do throws(HDF5Error) {
        try chunks.withChunk(index, of: source, &scratch, place) { base in
          for row in stride(from: rows.lowerBound, to: rows.upperBound, by: run) {
            store(
              base + (row - top) * chunks.columns * size,
              (row - wanted.lowerBound) * width + column, run * columns)
          }
        }
        return nil
      } catch { return error }
    }

    let pool = WorkerPool(threads: count < 4 ? 1 : min(file.threads, count))
    defer { pool.shutDown() }
    var scratch = [HDF5Chunks.Scratch](repeating: .init(), count: pool.threads)
    var failures = [HDF5Error?](repeating: nil, count: count)
    scratch.withUnsafeMutableBufferPointer { scratch in
      failures.withUnsafeMutableBufferPointer { failures in
        // Each worker has its own scratch, each call its own place for a failure.
        nonisolated(unsafe) let (scratch, failures) = (scratch, failures)
        pool.run(count) { index, worker in
          failures[index] = work(first + index, &scratch[worker])
        }
      }
    }
    if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
  }
}
