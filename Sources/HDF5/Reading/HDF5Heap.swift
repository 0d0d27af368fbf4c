/// A fractal heap, where groups of many members keep their links and objects of many attributes keep
/// those.
///
/// Only managed objects are read: links and small attributes are nothing else.
struct HDF5Heap {
  private let source: HDF5Source
  private let place: HDF5Place
  let identifierSize: Int
  private let checksummedBlocks: Bool
  /// The doubling table: blocks in a row, bytes of the smallest block, bytes of the largest.
  private let width: Int
  private let startSize: Int
  private let directSize: Int
  private let offsetSize: Int
  private let lengthSize: Int
  private let root: UInt64
  /// Rows of the root's index; 0 where the root is the only block.
  private let rootRows: Int
  private let limit: UInt64

  /// Blocks already read, up to a limit.
  private var blocks: [UInt64: HDF5Cursor] = [:]
  private var indexes: [UInt64: HDF5Cursor] = [:]
  private var cachedBytes = 0
  private static let cacheLimit = 1 << 26

  init(_ source: HDF5Source, at address: UInt64, _ place: HDF5Place) throws(HDF5Error) {
    (self.source, self.place) = (source, place)
    var head = try source.checked(at: address, count: 146, "a heap", place)
    try head.expect("FRHP", "a heap")
    try head.expect(byte: 0, "the heap version")
    identifierSize = try head.short()
    guard try head.short() == 0 else { throw place.error("a filtered heap is not supported") }
    checksummedBlocks = try head.byte() & 2 != 0
    let maximumObject = try head.word()
    try head.skip(96)
    width = try head.short()
    startSize = try head.extent()
    directSize = try head.extent()
    let bits = try head.short()
    try head.skip(2)
    root = try head.address()
    rootRows = try head.short()
    func isPower(_ value: Int) -> Bool { value > 0 && value & (value - 1) == 0 }
    guard isPower(width), width <= 4096, isPower(startSize), isPower(directSize),
      startSize >= 32, startSize <= directSize, directSize <= 1 << 24, (16...48).contains(bits),
      maximumObject > 0, rootRows <= 64
    else { throw place.error("a heap of impossible dimensions") }
    offsetSize = (bits + 7) / 8
    lengthSize = min(
      (directSize.trailingZeroBitCount + 7) / 8, (63 - maximumObject.leadingZeroBitCount) / 8 + 1)
    limit = 1 << UInt64(bits)
    guard (1 + offsetSize + lengthSize...64).contains(identifierSize) else {
      throw place.error("a heap with identifiers of \(identifierSize) bytes")
    }
  }

  /// The bytes of one object.
  mutating func object(_ identifier: HDF5Cursor) throws(HDF5Error) -> HDF5Cursor {
    var identifier = identifier
    guard try identifier.byte() & 0xf0 == 0 else {
      throw place.error("a heap object of a kind that is not supported")
    }
    let offset = try identifier.integer(offsetSize)
    let length = Int(try identifier.integer(lengthSize))
    guard offset < limit else { throw place.error("a heap object outside its heap") }
    var relative = Int(offset)
    if rootRows == 0 { return try slice(root, startSize, relative, length) }
    var (address, rows) = (root, rootRows)
    // Each step leads to an index of fewer rows.
    for _ in 0..<64 {
      let first = width * startSize
      let row = relative < first ? 0 : 64 - (relative / first).leadingZeroBitCount
      guard row < rows else { throw place.error("a heap object outside its heap") }
      let size = row == 0 ? startSize : startSize << (row - 1)
      let within = relative - (row == 0 ? 0 : first << (row - 1))
      let child = try entry(row * width + within / size, of: address, rows: rows)
      guard child != undefinedAddress else { throw place.error("a heap object in no block") }
      relative = within % size
      if size <= directSize { return try slice(child, size, relative, length) }
      let childRows = size.trailingZeroBitCount - first.trailingZeroBitCount + 1
      guard childRows < rows, childRows > 0 else { break }
      (address, rows) = (child, childRows)
    }
    throw place.error("the index of a heap runs in circles")
  }

  /// Address of a block by its number in an index of blocks.
  private mutating func entry(
    _ number: Int, of address: UInt64, rows: Int
  ) throws(HDF5Error) -> UInt64 {
    if indexes[address] == nil {
      let size = 13 + offsetSize + rows * width * 8 + 4
      var block = try source.checked(at: address, count: size, "the index of a heap", place)
      try block.expect("FHIB", "the index of a heap")
      try block.expect(byte: 0, "the version of a heap's index")
      try block.skip(8 + offsetSize)
      remember(size)
      indexes[address] = block
    }
    var entries = indexes[address]!
    try entries.skip(number * 8)
    return try entries.address()
  }

  private mutating func slice(
    _ address: UInt64, _ size: Int, _ offset: Int, _ length: Int
  ) throws(HDF5Error) -> HDF5Cursor {
    if blocks[address] == nil {
      let block = try source.bytes(at: address, count: size, place)
      try verify(block)
      remember(size)
      blocks[address] = block
    }
    var block = blocks[address]!
    let header = 13 + offsetSize + (checksummedBlocks ? 4 : 0)
    guard offset >= header, block.remaining == size else {
      throw place.error("a heap object within the head of its block")
    }
    try block.skip(offset)
    return try block.take(length)
  }

  /// A block's checksum lies in its head and counts as zero.
  private func verify(_ block: HDF5Cursor) throws(HDF5Error) {
    var head = block
    try head.expect("FHDB", "a block of a heap")
    try head.expect(byte: 0, "the version of a heap's block")
    guard checksummedBlocks else { return }
    try head.skip(8 + offsetSize)
    let stored = UInt32(try head.word())
    var bytes = block.bytes
    let start = bytes.startIndex + 13 + offsetSize
    for index in start..<start + 4 { bytes[index] = 0 }
    guard !source.checksChecksums || stored == HDF5Checksum.lookup3(bytes) else {
      throw place.error("a block of a heap is damaged (its checksum is wrong)")
    }
  }

  private mutating func remember(_ size: Int) {
    cachedBytes += size
    guard cachedBytes > Self.cacheLimit else { return }
    cachedBytes = size
    blocks = [:]
    indexes = [:]
  }
}
