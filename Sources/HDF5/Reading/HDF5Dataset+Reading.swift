internal import DenseMath

/// Swift types into which numbers are read, whatever number type the file has.
public protocol HDF5Element: BitwiseCopyable, Sendable {
  init(_ value: Float)
  init(_ value: Double)
  init(hdf5Integer value: Int64)
}
extension Float: HDF5Element {
  public init(hdf5Integer value: Int64) { self.init(value) }
}
extension Double: HDF5Element {
  public init(hdf5Integer value: Int64) { self.init(value) }
}
extension Int64: HDF5Element {
  // Saturating: a file can hold any number.
  public init(_ value: Float) { self.init(Double(value)) }
  public init(_ value: Double) {
    self =
      value.isNaN
      ? 0
      : value >= 0x1p63
        ? .max : value < -0x1p63 ? .min : Swift.Int64(exactly: value.rounded(.towardZero)) ?? 0
  }
  public init(hdf5Integer value: Int64) { self = value }
}

extension HDF5Dataset {
  /// Reads rows straight into `destination`, converting numbers on the way.
  ///
  /// - Parameters:
  ///   - rows: the rows wanted; `nil` for all.
  ///   - destination: exactly `rows · rowSize` elements.
  public func read<Element: HDF5Element>(
    rows: Range<Int>? = nil, into destination: UnsafeMutableBufferPointer<Element>
  ) throws(HDF5Error) {
    let type = self.type
    switch type {
    case .float, .integer: break
    default: throw place.error("holds \(type), expected numbers")
    }
    guard destination.count > 0, let target = destination.baseAddress else { return }
    nonisolated(unsafe) let start = target
    try transfer(rows, count: destination.count) { source, first, count in
      HDF5Conversion.convert(source, type, to: start + first, count)
    }
  }

  /// Reads rows into a new array, which is the only full-size copy there ever is.
  public func read<Element: HDF5Element>(
    _: Element.Type, rows: Range<Int>? = nil
  ) throws(HDF5Error) -> [Element] {
    let count = (rows?.count ?? self.rows) * rowSize
    var failure: HDF5Error?
    let values = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(HDF5Error) {
        try read(rows: rows, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
        initialized = count
      } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  /// Reads flags stored as booleans, integers or floats; anything else than 0 and 1 is an error.
  public func readFlags(rows: Range<Int>? = nil) throws(HDF5Error) -> [Bool] {
    let count = (rows?.count ?? self.rows) * rowSize
    let first = rows?.lowerBound ?? 0
    let type = self.type
    guard !type.isString else { throw place.error("holds \(type), expected flags") }
    var failure: HDF5Error?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(HDF5Error) {
        nonisolated(unsafe) let target = buffer.baseAddress
        try transfer(rows, count: count) { source, first, count in
          HDF5Conversion.flags(source, type, to: target! + first, count)
        }
        initialized = count
      } catch { failure = error }
    }
    if let failure { throw failure }
    if let wrong = bytes.firstIndex(where: { $0 > 1 }) {
      throw place.error("row \(first + wrong / max(1, rowSize)) is not 0 or 1, expected a flag")
    }
    return bytes.map { $0 != 0 }
  }

  /// Reads a scalar string, or an array of one.
  public func readString() throws(HDF5Error) -> String {
    guard count == 1 else { throw place.error("has shape \(shape), expected one string") }
    guard type.isString else { throw place.error("holds \(type), expected a string") }
    var bytes = [UInt8](repeating: 0, count: type.size)
    var failure: HDF5Error?
    bytes.withUnsafeMutableBytes { buffer in
      nonisolated(unsafe) let target = buffer
      do throws(HDF5Error) {
        try transfer(nil, count: 1) { source, _, _ in
          target.copyMemory(from: UnsafeRawBufferPointer(start: source, count: target.count))
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    if case .variableString = type {
      return try file.source.variableString(HDF5Cursor(bytes[...], place), place)
    }
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  // MARK: Transfer

  /// Hands runs of stored elements to `store`: their address, the position of the first in what was
  /// asked for, and their number. Runs do not overlap; calls come from several threads.
  private func transfer(
    _ rows: Range<Int>?, count: Int,
    _ store: @Sendable (UnsafeRawPointer, _ first: Int, _ count: Int) -> Void
  ) throws(HDF5Error) {
    let wanted = rows ?? 0..<self.rows
    precondition(
      wanted.lowerBound >= 0 && wanted.upperBound <= self.rows,
      "rows \(wanted) of \(name), which has \(self.rows)")
    precondition(
      count == wanted.count * rowSize, "\(count) elements for \(wanted.count) rows of \(rowSize)")
    guard count > 0 else { return }
    switch content {
    case .bytes(let bytes):
      bytes.withUnsafeBytes {
        store($0.baseAddress! + wanted.lowerBound * rowSize * type.size, 0, count)
      }
    case .contiguous(let start): try readContiguous(wanted, start, count, store)
    case .chunks(let chunks): try readChunks(wanted, chunks, store)
    }
  }

  private func readContiguous(
    _ rows: Range<Int>, _ start: Int, _ count: Int,
    _ store: @Sendable (UnsafeRawPointer, Int, Int) -> Void
  ) throws(HDF5Error) {
    let size = type.size
    let block = min(count, 1 << 18)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: block * size, alignment: 64)
    defer { buffer.deallocate() }
    var done = 0
    while done < count {
      let part = min(block, count - done)
      try file.source.read(
        at: start + (rows.lowerBound * rowSize + done) * size,
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<(part * size)]), place)
      store(UnsafeRawPointer(buffer.baseAddress!), done, part)
      done += part
    }
  }

  private func readChunks(
    _ wanted: Range<Int>, _ chunks: HDF5Chunks,
    _ store: @Sendable (UnsafeRawPointer, Int, Int) -> Void
  ) throws(HDF5Error) {
    let firstDown = wanted.lowerBound / chunks.rows
    let lastDown = (wanted.upperBound - 1) / chunks.rows
    let first = firstDown * chunks.across
    let count = (lastDown - firstDown + 1) * chunks.across
    let (width, size) = (rowSize, type.size)
    let source = file.source
    let place = self.place

    func work(_ index: Int, _ scratch: inout HDF5Chunks.Scratch) -> HDF5Error? {
      let down = index / chunks.across
      let column = index % chunks.across * chunks.columns
      let columns = min(chunks.columns, width - column)
      let top = down * chunks.rows
      let rows = max(top, wanted.lowerBound)..<min(top + chunks.rows, wanted.upperBound)
      do throws(HDF5Error) {
        try chunks.withChunk(index, of: source, &scratch, place) { bytes in
          let base = bytes.baseAddress!
          if columns == width, chunks.columns == width {
            store(
              base + (rows.lowerBound - top) * width * size,
              (rows.lowerBound - wanted.lowerBound) * width, rows.count * width)
          } else {
            for row in rows {
              store(
                base + (row - top) * chunks.columns * size,
                (row - wanted.lowerBound) * width + column, columns)
            }
          }
        }
        return nil
      } catch { return error }
    }

    if count < 4 || file.threads < 2 {
      var scratch = HDF5Chunks.Scratch()
      for index in first..<first + count {
        if let failure = work(index, &scratch) { throw failure }
      }
      return
    }
    let pool = WorkerPool(threads: min(file.threads, count))
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

extension HDF5Source {
  /// The text behind a reference to a global heap.
  func variableString(_ reference: HDF5Cursor, _ place: HDF5Place) throws(HDF5Error) -> String {
    var reference = reference
    let length = try reference.word()
    let address = try reference.address()
    let wanted = try reference.word()
    if length == 0 { return "" }
    var head = try bytes(at: address, count: 16, place)
    try head.expect("GCOL", "a heap of strings")
    try head.expect(byte: 1, "the heap version")
    try head.skip(3)
    let size = try head.extent()
    guard size >= 16, size <= 1 << 28 else { throw place.error("a heap of \(size) bytes") }
    var body = try bytes(at: address &+ 16, count: size - 16, place)
    while body.remaining >= 16 {
      let index = try body.short()
      try body.skip(6)
      let size = try body.extent()
      if index == 0 { break }
      let data = try body.take(min(body.remaining, (size + 7) / 8 * 8))
      if index == wanted {
        guard length <= size, length <= data.remaining else {
          throw place.error("a string of \(length) bytes in \(size)")
        }
        return String(decoding: data.bytes.prefix(length), as: UTF8.self)
      }
    }
    throw place.error("its string \(wanted) is not in the heap")
  }
}
