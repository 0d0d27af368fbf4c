extension HDF5Source {
  /// Messages that may be passed over: empty space, fill values, sizes of groups, times, comments,
  /// B-tree settings, reference counts.
  private static let ignoredMessages: Set<Int> = [
    0x0, 0x4, 0x5, 0xa, 0xd, 0xe, 0x12, 0x13, 0x16,
  ]
  /// Those that tell a group from a dataset, and where a header goes on.
  private static let structuralMessages: Set<Int> = [0x2, 0x6, 0x10, 0x11]

  /// Reads an object header with its continuations.
  ///
  /// - Parameter structureOnly: looks no further than whether it is a group or a dataset, so that an
  ///   array of an unsupported kind does not keep the others from being read.
  func header(
    at address: UInt64, structureOnly: Bool = false, _ place: HDF5Place
  ) throws(HDF5Error) -> HDF5Header {
    let start = try bytes(at: address, count: 4, place)
    var header = HDF5Header()
    if start.bytes.elementsEqual("OHDR".utf8) {
      try readNewer(&header, at: address, structureOnly, place)
    } else {
      try readOlder(&header, at: address, structureOnly, place)
    }
    return header
  }

  /// Version 1, whose messages are aligned to 8 bytes.
  private func readOlder(
    _ header: inout HDF5Header, at address: UInt64, _ structureOnly: Bool, _ place: HDF5Place
  ) throws(HDF5Error) {
    var prefix = try bytes(at: address, count: 16, place)
    try prefix.expect(byte: 1, "the object header version")
    try prefix.skip(1)
    let count = try prefix.short()
    try prefix.skip(4)
    let size = try prefix.word()
    var found = 0
    var blocks = HDF5HeaderBlocks(first: address &+ 16, size)
    while let block = try blocks.next(place) {
      var cursor = try bytes(at: block.address, count: block.size, place)
      while cursor.remaining >= 8, found < count {
        let kind = try cursor.short()
        let length = try cursor.short()
        let flags = try cursor.byte()
        try cursor.skip(3)
        let data = try cursor.take(length)
        found += 1
        try read(kind, flags, data, into: &header, &blocks, structureOnly, place)
      }
    }
  }

  /// Version 2, whose blocks have signatures and checksums.
  private func readNewer(
    _ header: inout HDF5Header, at address: UInt64, _ structureOnly: Bool, _ place: HDF5Place
  ) throws(HDF5Error) {
    // Up to the size of the first block: 4 + 1 + 1, times 16, attribute limits 4, the size 8.
    var prefix = try bytes(at: address, count: min(34, tail(from: address)), place)
    let length = prefix.remaining
    try prefix.skip(4)
    try prefix.expect(byte: 2, "the object header version")
    let flags = try prefix.byte()
    if flags & 0x20 != 0 { try prefix.skip(16) }
    if flags & 0x10 != 0 { try prefix.skip(4) }
    let size = try prefix.integer(1 << (flags & 3))
    let head = length - prefix.remaining
    guard size < 1 << 28 else { throw place.error("a header of \(size) bytes") }
    let messageHead = flags & 4 == 0 ? 4 : 6
    var blocks = HDF5HeaderBlocks(first: address, head + Int(size) + 4)
    var isFirst = true
    while let block = try blocks.next(place) {
      var cursor = try checked(at: block.address, count: block.size, "its header", place)
      if isFirst {
        try cursor.skip(head)
      } else {
        try cursor.expect("OCHK", "the continuation of its header")
      }
      isFirst = false
      while cursor.remaining >= messageHead {
        let kind = try cursor.byte()
        let length = try cursor.short()
        let flags = try cursor.byte()
        try cursor.skip(messageHead - 4)
        let data = try cursor.take(length)
        try read(kind, flags, data, into: &header, &blocks, structureOnly, place)
      }
    }
  }

  /// Bytes of the file from an address on.
  private func tail(from address: UInt64) -> Int {
    max(0, length - (Int(exactly: address) ?? length))
  }

  private func read(
    _ kind: Int, _ flags: Int, _ data: HDF5Cursor, into header: inout HDF5Header,
    _ blocks: inout HDF5HeaderBlocks, _ structureOnly: Bool, _ place: HDF5Place
  ) throws(HDF5Error) {
    var data = data
    if HDF5Source.ignoredMessages.contains(kind) { return }
    if kind == 0x8 { header.hasLayout = true }
    if structureOnly, !HDF5Source.structuralMessages.contains(kind) { return }
    guard flags & 2 == 0 else { throw place.error("a shared header message is not supported") }
    if kind == 0x10 {
      blocks.add(try data.address(), try data.extent())
    } else {
      try header.add(kind, &data, place)
    }
  }
}

/// The blocks of a header still to be read.
struct HDF5HeaderBlocks {
  private var pending: [(address: UInt64, size: Int)]
  private var visited: Set<UInt64> = []

  init(first address: UInt64, _ size: Int) { pending = [(address, size)] }

  mutating func add(_ address: UInt64, _ size: Int) { pending.append((address, size)) }

  mutating func next(_ place: HDF5Place) throws(HDF5Error) -> (address: UInt64, size: Int)? {
    guard let block = pending.popLast() else { return nil }
    guard visited.insert(block.address).inserted, visited.count <= 4096 else {
      throw place.error("its header continues in circles")
    }
    return block
  }
}

extension HDF5Header {
  fileprivate mutating func add(
    _ kind: Int, _ data: inout HDF5Cursor, _ place: HDF5Place
  ) throws(HDF5Error) {
    switch kind {
    case 0x2: linkInfo = try data.linkInfo(orderSize: 8)
    case 0x6: links.append(try data.link())
    case 0x15: attributeInfo = try data.linkInfo(orderSize: 2)
    case 0x1: shape = try data.dataspace()
    case 0x3: type = try data.datatype()
    case 0x7: throw place.error("is stored in another file, which is refused")
    case 0x8: layout = try data.layout()
    case 0xb: filters = try data.filters()
    case 0xc:
      // Attributes are extras: one of a kind that is not understood does not spoil the object.
      if let attribute = try? data.attribute() { attributes.append(attribute) }
    case 0x11: symbolTable = (try data.address(), try data.address())
    default: throw place.error("header message \(kind) is not supported")
    }
  }
}
