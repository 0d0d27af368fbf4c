extension HDF5Source {
  /// Messages that may be passed over: empty space, fill values, times, comments, link order.
  private static let ignoredMessages: Set<Int> = [0x0, 0x4, 0x5, 0xd, 0xe, 0x12]

  /// Reads an object header of version 1 with its continuations.
  ///
  /// - Parameter structureOnly: looks no further than whether it is a group or a dataset, so that an
  ///   array of an unsupported kind does not keep the others from being read.
  func header(
    at address: UInt64, structureOnly: Bool = false, _ place: HDF5Place
  ) throws(HDF5Error) -> HDF5Header {
    var prefix = try bytes(at: address, count: 16, place)
    try prefix.expect(byte: 1, "the object header version")
    try prefix.skip(1)
    let count = try prefix.short()
    try prefix.skip(4)
    let size = try prefix.word()
    var header = HDF5Header()
    var found = 0
    var blocks: [(address: UInt64, size: Int)] = [(address &+ 16, size)]
    var visited: Set<UInt64> = []
    while let block = blocks.popLast() {
      guard visited.insert(block.address).inserted, visited.count <= 4096 else {
        throw place.error("its header continues in circles")
      }
      var cursor = try bytes(at: block.address, count: block.size, place)
      while cursor.remaining >= 8, found < count {
        let kind = try cursor.short()
        let length = try cursor.short()
        let flags = try cursor.byte()
        try cursor.skip(3)
        var data = try cursor.take(length)
        found += 1
        if HDF5Source.ignoredMessages.contains(kind) { continue }
        if kind == 0x8 { header.hasLayout = true }
        if structureOnly, kind != 0x10, kind != 0x11 { continue }
        guard flags & 2 == 0 else { throw place.error("a shared header message is not supported") }
        if kind == 0x10 {
          blocks.append((try data.address(), try data.extent()))
        } else {
          try header.add(kind, &data, place)
        }
      }
    }
    return header
  }
}

extension HDF5Header {
  fileprivate mutating func add(
    _ kind: Int, _ data: inout HDF5Cursor, _ place: HDF5Place
  ) throws(HDF5Error) {
    switch kind {
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
