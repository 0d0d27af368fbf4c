/// B-trees of version 2, which index the links and attributes of the newer kind.
enum HDF5Records {
  /// Every record of the tree, in order.
  ///
  /// - Parameter kind: 5 for links by name, 8 for attributes by name.
  static func all(
    of address: UInt64, kind: Int, in source: HDF5Source, _ place: HDF5Place
  ) throws(HDF5Error) -> [HDF5Cursor] {
    var head = try source.checked(at: address, count: 38, "an index", place)
    try head.expect("BTHD", "an index")
    try head.expect(byte: 0, "the version of an index")
    try head.expect(byte: kind, "the kind of an index")
    let nodeSize = try head.word()
    let recordSize = try head.short()
    let depth = try head.short()
    try head.skip(2)
    let root = try head.address()
    let rootCount = try head.short()
    let total = try head.extent()
    guard (64...1 << 20).contains(nodeSize), (5...64).contains(recordSize), depth <= 16,
      total <= source.length / recordSize
    else { throw place.error("an index of impossible dimensions") }
    guard total > 0 else { return [] }
    let levels = try Levels(nodeSize: nodeSize, recordSize: recordSize, depth: depth, place)
    var records: [HDF5Cursor] = []
    var visited: Set<UInt64> = []
    var pending = [Node(address: root, count: rootCount, depth: depth)]
    while let node = pending.popLast() {
      guard visited.insert(node.address).inserted else {
        throw place.error("its index runs in circles")
      }
      guard node.count > 0, node.count <= levels.maximum[node.depth],
        records.count + node.count <= total
      else { throw place.error("a node of its index has \(node.count) records") }
      let pointer = levels.pointerSize(node.depth)
      let size = 6 + node.count * recordSize + (node.depth == 0 ? 0 : (node.count + 1) * pointer)
      var body = try source.checked(at: node.address, count: size + 4, "a node of an index", place)
      try body.expect(node.depth == 0 ? "BTLF" : "BTIN", "a node of an index")
      try body.expect(byte: 0, "the version of an index")
      try body.expect(byte: kind, "the kind of an index")
      // Not in the order of the keys, which are hashes anyway.
      for _ in 0..<node.count { records.append(try body.take(recordSize)) }
      guard node.depth > 0 else { continue }
      for _ in 0...node.count {
        let child = try body.address()
        let count = Int(try body.integer(levels.countSize))
        try body.skip(levels.totalSize[node.depth - 1])
        pending.append(Node(address: child, count: count, depth: node.depth - 1))
      }
    }
    guard records.count == total else {
      throw place.error("its index has \(records.count) of \(total) records")
    }
    return records
  }

  private struct Node {
    let address: UInt64
    let count: Int
    let depth: Int
  }

  /// How many records fit a node of each depth, and how long the counts in pointers are.
  private struct Levels {
    var maximum: [Int] = []
    /// Bytes of the number of records of a child.
    let countSize: Int
    /// Bytes of the number of records below a child of each depth; none for leaves.
    var totalSize = [0]

    init(
      nodeSize: Int, recordSize: Int, depth: Int, _ place: HDF5Place
    ) throws(HDF5Error) {
      func bytes(_ value: Int) -> Int { (63 - value.leadingZeroBitCount) / 8 + 1 }
      maximum = [(nodeSize - 10) / recordSize]
      guard maximum[0] > 0 else { throw place.error("an index of impossible dimensions") }
      countSize = bytes(maximum[0])
      var total = maximum[0]
      for level in 0..<depth {
        let pointer = 8 + countSize + totalSize[level]
        let most = (nodeSize - 10 - pointer) / (recordSize + pointer)
        let (product, overflow) = (most + 1).multipliedReportingOverflow(by: total)
        guard most > 0, !overflow, product < 1 << 48 else {
          throw place.error("an index of impossible dimensions")
        }
        total = product + most
        maximum.append(most)
        totalSize.append(bytes(total))
      }
    }

    func pointerSize(_ depth: Int) -> Int {
      depth == 0 ? 0 : 8 + countSize + totalSize[depth - 1]
    }
  }
}
