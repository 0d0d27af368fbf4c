/// Links of the newer kind of group, which stand in its header or, where there are many, in a heap.
struct HDF5LinkInfo {
  /// Heap and index of the links, where they are not in the header.
  let heap: UInt64
  let index: UInt64
}

struct HDF5Link {
  let name: String
  let header: UInt64
}

extension HDF5Cursor {
  /// A link info or attribute info message, whose creation order has fields of `orderSize` bytes.
  mutating func linkInfo(orderSize: Int) throws(HDF5Error) -> HDF5LinkInfo {
    try expect(byte: 0, "the version of the information about members")
    let flags = try byte()
    if flags & 1 != 0 { try skip(orderSize) }
    return HDF5LinkInfo(heap: try address(), index: try address())
  }

  mutating func link() throws(HDF5Error) -> HDF5Link {
    try expect(byte: 1, "the version of a link")
    let flags = try byte()
    let kind = flags & 8 != 0 ? try byte() : 0
    if flags & 4 != 0 { try skip(8) }
    if flags & 16 != 0 { try skip(1) }
    let length = try integer(1 << (flags & 3))
    guard length < 4096 else { throw place.error("a member with a name of \(length) bytes") }
    let name = String(decoding: try take(Int(length)).bytes, as: UTF8.self)
    guard !name.isEmpty, !name.contains("/"), !name.utf8.contains(0) else {
      throw place.error("a member with the name '\(name.prefix(64))'")
    }
    guard kind == 0 else {
      throw place.inside(name).error(
        kind == 1
          ? "is a soft link, which is refused" : "is a link of kind \(kind), which is refused")
    }
    let header = try address()
    guard header != undefinedAddress else { throw place.inside(name).error("leads nowhere") }
    return HDF5Link(name: name, header: header)
  }
}

extension HDF5Header {
  /// The members of the group, ascending by name; `nil` where it is no group.
  func members(
    in source: HDF5Source, _ place: HDF5Place
  ) throws(HDF5Error) -> [(name: String, header: UInt64)]? {
    if let table = symbolTable {
      return try HDF5Group(source, tree: table.tree, heap: table.heap, place).members
    }
    guard let linkInfo else { return nil }
    var members = links.map { (name: $0.name, header: $0.header) }
    if linkInfo.heap != undefinedAddress {
      var heap = try HDF5Heap(source, at: linkInfo.heap, place)
      let records = try HDF5Records.all(of: linkInfo.index, kind: 5, in: source, place)
      for record in records {
        var record = record
        try record.skip(4)
        var message = try heap.object(try record.take(heap.identifierSize))
        let link = try message.link()
        members.append((link.name, link.header))
      }
    }
    members.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    for (left, right) in zip(members, members.dropFirst()) where left.name == right.name {
      throw place.error("two members have the name '\(left.name)'")
    }
    return members
  }
}
