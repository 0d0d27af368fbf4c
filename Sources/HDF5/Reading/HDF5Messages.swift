/// The parts of an object header that this package understands.
struct HDF5Header {
  /// Whether it says where elements are: what makes an object a dataset.
  var hasLayout = false
  var shape: [Int]?
  var type: HDF5Type?
  var layout: HDF5Layout?
  var filters: [HDF5Filter] = []
  /// B-tree and local heap of a group of the old kind.
  var symbolTable: (tree: UInt64, heap: UInt64)?
  /// What a group of the newer kind says about its members, and those that are in the header.
  var linkInfo: HDF5LinkInfo?
  var links: [HDF5Link] = []
  var attributes: [HDF5Attribute] = []
  /// Where the attributes are that are not in the header.
  var attributeInfo: HDF5LinkInfo?
}

/// Where the elements of a dataset are.
enum HDF5Layout {
  case compact(HDF5Cursor)
  case contiguous(address: UInt64, size: Int)
  /// Chunk extents without the element size.
  case chunked(tree: UInt64, shape: [Int], elementSize: Int)
}

enum HDF5Filter: Equatable {
  case deflate(level: Int)
  case shuffle(elementSize: Int)
}

/// A small value attached to an object.
struct HDF5Attribute {
  let name: String
  let type: HDF5Type
  let shape: [Int]
  let data: HDF5Cursor
}

extension HDF5Cursor {
  /// Extents of a dataspace message; empty for a scalar.
  mutating func dataspace() throws(HDF5Error) -> [Int] {
    let version = try byte()
    let rank = try byte()
    let flags = try byte()
    switch version {
    case 1: try skip(5)
    case 2:
      let kind = try byte()
      guard kind < 2 else { throw place.error("has no elements (null dataspace)") }
      guard kind == 1 || rank == 0 else { throw place.error("a scalar with \(rank) dimensions") }
    default: throw place.error("dataspace version \(version) is not supported")
    }
    guard rank <= 2 else { throw place.error("has \(rank) dimensions, at most 2 are supported") }
    guard flags & ~1 == 0 else { throw place.error("dataspace flags \(flags) are not supported") }
    var shape: [Int] = []
    for _ in 0..<rank { shape.append(try extent()) }
    return shape
  }

  /// A datatype message; `nesting` guards against types of types of types.
  mutating func datatype(nesting: Int = 0) throws(HDF5Error) -> HDF5Type {
    let head = try byte()
    let (kind, version) = (head & 15, head >> 4)
    guard (1...3).contains(version) else {
      throw place.error("datatype version \(version) is not supported")
    }
    let bits = Int(try integer(3))
    let size = try word()
    switch kind {
    case 0:
      let (offset, precision) = (try short(), try short())
      guard [1, 2, 4, 8].contains(size), offset == 0, precision == size * 8 else {
        throw place.error("integers of \(size) bytes with \(precision) bits are not supported")
      }
      guard bits & 1 == 0 || size == 1 else {
        throw place.error("big-endian numbers are not supported")
      }
      return .integer(bytes: size, signed: bits & 8 != 0)
    case 1:
      let layout = [
        try short(), try short(), try byte(), try byte(), try byte(), try byte(), try word(),
      ]
      let expected =
        [4: [0, 32, 23, 8, 0, 23, 127], 8: [0, 64, 52, 11, 0, 52, 1023]][size] ?? []
      guard bits & 0x41 == 0 else { throw place.error("big-endian numbers are not supported") }
      guard layout == expected, bits >> 8 & 255 == size * 8 - 1 else {
        throw place.error("floating-point numbers other than IEEE little-endian of 4 or 8 bytes")
      }
      return .float(bytes: size)
    case 3:
      guard (1...1 << 20).contains(size) else { throw place.error("strings of \(size) bytes") }
      return .fixedString(bytes: size)
    case 8:
      return try enumeration(members: bits & 0xffff, size: size, version, nesting)
    case 9:
      guard bits & 15 == 1, size == 16 else { throw place.error("variable-length arrays") }
      return .variableString
    default: throw place.error("elements of type class \(kind) are not supported")
    }
  }

  /// The one enumeration that is known: FALSE = 0, TRUE = 1 over one byte.
  private mutating func enumeration(
    members: Int, size: Int, _ version: Int, _ nesting: Int
  ) throws(HDF5Error) -> HDF5Type {
    guard members == 2, size == 1, nesting == 0 else {
      throw place.error("the only enumeration supported is FALSE, TRUE of one byte")
    }
    guard case .integer(bytes: 1, _) = try datatype(nesting: 1) else {
      throw place.error("an enumeration over something else than bytes")
    }
    var names: [String] = []
    for _ in 0..<2 {
      let name = try text()
      let length = name.utf8.count + 1
      try skip(version < 3 ? (length + 7) / 8 * 8 : length)
      names.append(name)
    }
    let values = [try byte(), try byte()]
    guard names == ["FALSE", "TRUE"] && values == [0, 1] else {
      throw place.error("an enumeration \(names) with values \(values), expected FALSE 0, TRUE 1")
    }
    return .boolean
  }

  mutating func layout() throws(HDF5Error) -> HDF5Layout {
    try expect(byte: 3, "the layout version")
    let kind = try byte()
    switch kind {
    case 0:
      let size = try short()
      return .compact(try take(size))
    case 1: return .contiguous(address: try address(), size: try extent())
    case 2:
      let rank = try byte() - 1
      guard (1...2).contains(rank) else { throw place.error("chunks of rank \(rank)") }
      let tree = try address()
      var shape: [Int] = []
      for _ in 0..<rank { shape.append(try word()) }
      return .chunked(tree: tree, shape: shape, elementSize: try word())
    default: throw place.error("storage of class \(kind) (virtual datasets) is refused")
    }
  }

  mutating func filters() throws(HDF5Error) -> [HDF5Filter] {
    let version = try byte()
    guard version == 1 || version == 2 else {
      throw place.error("filter message version \(version) is not supported")
    }
    let count = try byte()
    if version == 1 { try skip(6) }
    var filters: [HDF5Filter] = []
    for _ in 0..<count {
      let identifier = try short()
      let nameLength = version == 1 || identifier >= 256 ? try short() : 0
      _ = try short()
      let valueCount = try short()
      try skip(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength)
      guard valueCount <= 32 else { throw place.error("a filter with \(valueCount) parameters") }
      var values: [Int] = []
      for _ in 0..<valueCount { values.append(try word()) }
      if version == 1, valueCount % 2 == 1 { try skip(4) }
      switch identifier {
      case 1: filters.append(.deflate(level: values.first ?? 0))
      case 2: filters.append(.shuffle(elementSize: values.first ?? 1))
      default: throw place.error("uses filter \(identifier); only deflate is supported")
      }
    }
    let deflates = filters.filter { if case .deflate = $0 { true } else { false } }.count
    guard filters.count <= 2, deflates <= 1, filters.count - deflates <= 1,
      deflates == 0 || filters.last.map({ if case .deflate = $0 { true } else { false } }) == true
    else { throw place.error("its chain of filters is not one that is supported") }
    return filters
  }

  mutating func attribute() throws(HDF5Error) -> HDF5Attribute {
    let version = try byte()
    guard (1...3).contains(version) else {
      throw place.error("attribute version \(version) is not supported")
    }
    let flags = try byte()
    guard version == 1 || flags == 0 else { throw place.error("an attribute of a shared type") }
    let sizes = [try short(), try short(), try short()]
    if version == 3 { try skip(1) }
    func padded(_ size: Int) -> Int { version == 1 ? (size + 7) / 8 * 8 : size }
    let name = try take(padded(sizes[0])).text()
    var type = try take(padded(sizes[1]))
    var space = try take(padded(sizes[2]))
    let data = HDF5Cursor(bytes, place.inside("@\(name)"))
    return HDF5Attribute(
      name: name, type: try type.datatype(), shape: try space.dataspace(), data: data)
  }
}
