internal import DenseMath

/// One object of a file, found by walking its groups.
public struct HDF5Object: Sendable, Equatable {
  public enum Kind: Sendable, Equatable { case group, dataset }
  /// Path from the root without a leading slash.
  public let path: String
  public let kind: Kind
}

/// An HDF5 file open for reading.
///
/// Read by this package itself, not by libhdf5, which is not made for damaged or hostile files. The
/// subset is what D4RL's and Minari's files consist of: superblock 0 to 3, groups of both kinds,
/// attributes, arrays of at most two dimensions, compact, contiguous or chunked, deflated or not, of little-endian floats, integers, h5py's
/// booleans and strings. Every address and size is checked against the file before it is used, and
/// everything else is refused by name. Chunks are inflated on all processors.
public final class HDF5File: Sendable {
  public let path: String
  /// Length of the file in bytes.
  public var length: Int { source.length }
  let source: HDF5Source
  let threads: Int
  private let headers: [String: HDF5Node]
  private let sortedObjects: [HDF5Object]
  private let root: UInt64

  /// An object and what its header says.
  struct HDF5Node: Sendable {
    let kind: HDF5Object.Kind
    let address: UInt64
  }

  /// D4RL has 4 levels and some 30 objects, a Minari file of a million steps some 10,000.
  private static let maximumDepth = 16
  private static let maximumObjects = 1_000_000

  /// - Parameter threads: how many inflate chunks, `nil` for all processors; the numbers read do not depend on it.
  public convenience init(reading path: String, threads: Int? = nil) throws(HDF5Error) {
    try self.init(reading: path, threads: threads, checksums: true)
  }

  /// - Parameter checksums: whether those of the newer structures must be right.
  package init(reading path: String, threads: Int? = nil, checksums: Bool) throws(HDF5Error) {
    self.path = path
    self.threads = threads ?? WorkerPool.processorCount
    source = try HDF5Source(path, checksums: checksums)
    root = try HDF5File.rootAddress(source)
    var headers: [String: HDF5Node] = [:]
    var objects: [HDF5Object] = []
    try HDF5File.walk(source, root, "", ancestors: [], &headers, &objects)
    self.headers = headers
    sortedObjects = objects.sorted { $0.path < $1.path }
  }

  /// Opens a dataset by its path, such as `infos/qpos`.
  public func dataset(_ name: String) throws(HDF5Error) -> HDF5Dataset {
    let place = HDF5Place(file: path, object: name)
    guard let node = headers[name] else { throw place.error("there is no such object") }
    guard node.kind == .dataset else { throw place.error("is a group, not a dataset") }
    return try HDF5Dataset(try source.header(at: node.address, place), in: self, place)
  }

  /// Address of the header of any object; the root's path is empty.
  func address(of object: String) throws(HDF5Error) -> UInt64 {
    if object.isEmpty { return root }
    guard let node = headers[object] else {
      throw HDF5Place(file: path, object: object).error("there is no such object")
    }
    return node.address
  }

  /// Whether an object of this path exists.
  public func contains(_ object: String) -> Bool { headers[object] != nil }

  /// Every group and dataset below `group` (the root's is empty), ascending.
  public func objects(below group: String = "") -> [HDF5Object] {
    group.isEmpty ? sortedObjects : sortedObjects.filter { $0.path.hasPrefix(group + "/") }
  }

  // MARK: Structure

  /// Checks the superblock and returns the address of the root group's header.
  private static func rootAddress(_ source: HDF5Source) throws(HDF5Error) -> UInt64 {
    let place = source.place
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    guard source.length >= 96 else { throw place.error("is not an HDF5 file (too short)") }
    var block = try source.bytes(at: 0, count: 96, place)
    guard try block.take(8).bytes.elementsEqual(signature) else {
      throw place.error("is not an HDF5 file (no HDF5 signature)")
    }
    let version = try block.byte()
    guard version <= 3 else {
      throw place.error(
        "superblock version \(version) is not supported; h5repack makes a copy that is")
    }
    if version >= 2 { return try newerRootAddress(source) }
    try block.skip(4)
    try block.expect(byte: 8, "the size of offsets")
    try block.expect(byte: 8, "the size of lengths")
    try block.skip(9)
    if version == 1 { try block.skip(4) }
    guard try block.address() == 0 else { throw place.error("a base address is not supported") }
    try block.skip(8)
    let end = try block.address()
    guard end <= UInt64(source.length) else {
      throw place.error("is truncated: \(source.length) of \(end) bytes")
    }
    // Address of driver information, then the name offset in the root's symbol.
    try block.skip(16)
    return try block.address()
  }

  /// The same for superblocks 2 and 3.
  private static func newerRootAddress(_ source: HDF5Source) throws(HDF5Error) -> UInt64 {
    let place = source.place
    var block = try source.checked(at: 0, count: 48, "its superblock", place)
    try block.skip(9)
    try block.expect(byte: 8, "the size of offsets")
    try block.expect(byte: 8, "the size of lengths")
    try block.skip(1)
    guard try block.address() == 0 else { throw place.error("a base address is not supported") }
    try block.skip(8)
    let end = try block.address()
    guard end <= UInt64(source.length) else {
      throw place.error("is truncated: \(source.length) of \(end) bytes")
    }
    return try block.address()
  }

  private static func walk(
    _ source: HDF5Source, _ address: UInt64, _ path: String, ancestors: [UInt64],
    _ headers: inout [String: HDF5Node], _ objects: inout [HDF5Object]
  ) throws(HDF5Error) {
    let place = HDF5Place(file: source.place.file, object: path)
    guard !ancestors.contains(address) else { throw place.error("is a group inside itself") }
    guard ancestors.count < maximumDepth else {
      throw place.error("groups are nested deeper than \(maximumDepth)")
    }
    let header = try source.header(at: address, structureOnly: true, place)
    guard let members = try header.members(in: source, place) else {
      if path.isEmpty { throw place.error("its root is not a group") }
      guard header.hasLayout else {
        throw place.error("is neither a group nor a dataset")
      }
      headers[path] = HDF5Node(kind: .dataset, address: address)
      objects.append(HDF5Object(path: path, kind: .dataset))
      return
    }
    if !path.isEmpty {
      headers[path] = HDF5Node(kind: .group, address: address)
      objects.append(HDF5Object(path: path, kind: .group))
    }
    for member in members {
      // Each takes at least 40 bytes somewhere. More there can only be where groups are linked
      // from several places, and a few such groups make more objects than could ever be walked.
      let limit = min(maximumObjects, source.length / 40)
      guard objects.count < limit else { throw place.error("more than \(limit) objects") }
      try walk(
        source, member.header, place.inside(member.name).object, ancestors: ancestors + [address],
        &headers, &objects)
    }
  }
}
