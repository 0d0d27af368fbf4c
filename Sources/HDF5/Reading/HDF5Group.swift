/// Names and header addresses of a group's members.
struct HDF5Group {
  let members: [(name: String, header: UInt64)]

  /// Reads a group of the old kind: a B-tree whose leaves hold symbols, and a heap of their names.
  init(
    _ source: HDF5Source, tree: UInt64, heap: UInt64, _ place: HDF5Place
  ) throws(HDF5Error) {
    var head = try source.bytes(at: heap, count: 32, place)
    try head.expect("HEAP", "a group's heap")
    try head.expect(byte: 0, "the heap version")
    try head.skip(3)
    let size = try head.extent()
    try head.skip(8)
    guard size <= 1 << 28 else { throw place.error("a heap of \(size) bytes") }
    let names = try source.bytes(at: try head.address(), count: size, place)

    var members: [(name: String, header: UInt64)] = []
    for leaf in try HDF5Tree.children(of: tree, kind: 0, keySize: 8, in: source, place) {
      var node = try source.bytes(at: leaf.child, count: 8, place)
      try node.expect("SNOD", "a group's symbols")
      try node.expect(byte: 1, "the symbol node version")
      try node.skip(1)
      let count = try node.short()
      var entries = try source.bytes(at: leaf.child &+ 8, count: count * 40, place)
      for _ in 0..<count {
        let offset = try entries.extent()
        let header = try entries.address()
        let cache = try entries.word()
        try entries.skip(20)
        var text = names
        try text.skip(offset)
        let name = try text.text()
        guard !name.isEmpty, !name.contains("/"), name.utf8.count < 4096 else {
          throw place.error("a member with the name '\(name.prefix(64))'")
        }
        guard cache != 2, header != undefinedAddress else {
          throw place.inside(name).error("is a soft link, which is refused")
        }
        members.append((name, header))
      }
    }
    for (left, right) in zip(members, members.dropFirst())
    where !left.name.utf8.lexicographicallyPrecedes(right.name.utf8) {
      throw place.error("its members are not in order")
    }
    self.members = members
  }
}

/// B-trees of version 1, which index groups and chunks.
enum HDF5Tree {
  struct Entry {
    let key: HDF5Cursor
    let child: UInt64
  }

  /// Every entry of the leaves below `root`, in order; each with the key at its left.
  ///
  /// - Parameters:
  ///   - kind: 0 for groups, 1 for chunks.
  ///   - keySize: bytes of one key.
  static func children(
    of root: UInt64, kind: Int, keySize: Int, in source: HDF5Source, _ place: HDF5Place
  ) throws(HDF5Error) -> [Entry] {
    var entries: [Entry] = []
    var visited: Set<UInt64> = []
    // From the back, so that what is popped first comes first in the file's order.
    var pending: [(address: UInt64, level: Int?)] = [(root, nil)]
    while let next = pending.popLast() {
      guard visited.insert(next.address).inserted else {
        throw place.error("its index runs in circles")
      }
      var head = try source.bytes(at: next.address, count: 24, place)
      try head.expect("TREE", "an index")
      try head.expect(byte: kind, "the kind of the index")
      let level = try head.byte()
      guard next.level == nil ? level < 32 : level == next.level else {
        throw place.error("a node of its index has level \(level)")
      }
      let count = try head.short()
      var body = try source.bytes(
        at: next.address &+ 24, count: count * (keySize + 8) + keySize, place)
      var inner: [(address: UInt64, level: Int?)] = []
      for _ in 0..<count {
        let key = try body.take(keySize)
        let child = try body.address()
        if level == 0 {
          entries.append(Entry(key: key, child: child))
        } else {
          inner.append((child, level - 1))
        }
      }
      pending += inner.reversed()
    }
    return entries
  }
}
