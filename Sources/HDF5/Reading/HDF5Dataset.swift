/// An array in a file, of rank 0, 1 or 2.
public final class HDF5Dataset: Sendable {
  public let name: String
  /// Extents; empty for a scalar.
  public let shape: [Int]
  public let type: HDF5Type
  public let storage: HDF5Storage
  /// Bytes its elements take in the file.
  public let storedBytes: Int

  let file: HDF5File
  let content: Content
  let place: HDF5Place

  enum Content: Sendable {
    /// The bytes themselves.
    case bytes([UInt8])
    /// Where they start.
    case contiguous(Int)
    case chunks(HDF5Chunks)
  }

  public var count: Int { shape.reduce(1, *) }
  /// Length of the first axis (1 for a scalar).
  public var rows: Int { shape.first ?? 1 }
  /// Elements of one row.
  public var rowSize: Int { shape.dropFirst().reduce(1, *) }

  /// An array may be this much larger than what is stored of it. Deflate can do 1 : 1032, and constant
  /// columns of real files come near; above half a gigabyte that is a bomb.
  private static let freeBytes = 1 << 29
  private static let maximumExpansion = 100

  init(_ header: HDF5Header, in file: HDF5File, _ place: HDF5Place) throws(HDF5Error) {
    guard let shape = header.shape, let type = header.type, let layout = header.layout else {
      throw place.error("is not a dataset")
    }
    (name, self.file, self.place) = (place.object, file, place)
    (self.shape, self.type) = (shape, type)
    var bytes = type.size
    for extent in shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow, product < 1 << 44 else { throw place.error("shape \(shape) is absurd") }
      bytes = product
    }
    switch layout {
    case .compact(let data):
      guard data.remaining == bytes else {
        throw place.error("shape \(shape) needs \(bytes) bytes, \(data.remaining) are stored")
      }
      content = .bytes(Array(data.bytes))
      (storage, storedBytes) = (.compact, bytes)
    case .contiguous(let address, let size):
      guard size == bytes else {
        throw place.error("shape \(shape) needs \(bytes) bytes, \(size) are stored")
      }
      let start = bytes == 0 ? 0 : Int(clamping: address)
      guard bytes <= file.length, start <= file.length - bytes else {
        throw place.error(
          "its \(bytes) bytes at \(address) do not fit the file of \(file.length)")
      }
      content = .contiguous(start)
      (storage, storedBytes) = (.contiguous, bytes)
    case .chunked(let tree, let chunk, let elementSize):
      guard elementSize == type.size, chunk.count == shape.count else {
        throw place.error("chunks \(chunk) of \(elementSize) bytes do not fit shape \(shape)")
      }
      let chunks = try HDF5Chunks(
        file.source, tree: tree, shape: shape, chunk: chunk, elementSize: elementSize,
        filters: header.filters, place)
      storedBytes = chunks.storedBytes
      guard bytes <= Self.freeBytes || bytes / Self.maximumExpansion <= storedBytes else {
        throw place.error(
          "shape \(shape) needs \(bytes) bytes, made from \(storedBytes): refused as a bomb")
      }
      content = .chunks(chunks)
      storage = .chunked(shape: chunk, deflate: chunks.deflateLevel)
    }
  }
}
