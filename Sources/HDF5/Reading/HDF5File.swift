internal import CHDF5Probe
internal import DenseMath

/// One object of a file, found by walking its groups.
public struct HDF5Object: Sendable, Equatable {
  /// What an object is; links and types are none of these.
  public enum Kind: Sendable, Equatable { case group, dataset }
  /// Path from the root without a leading slash.
  public let path: String
  /// Whether it is a group or a dataset.
  public let kind: Kind
}

/// A small value attached to a group or dataset.
public enum HDF5AttributeValue: Equatable, Sendable {
  case integer(Int64)
  case real(Double)
  case flag(Bool)
  case text(String)
}

/// An HDF5 file open for reading.
///
/// libhdf5 looks into it, in a child process, since it crashes on some damaged files: it names the
/// objects and says where their elements are. Every number is checked against the file before it is
/// used. Plain and deflated arrays are then read here, on all processors; others by libhdf5, in
/// another child. No other file is ever opened: external links, external storage and virtual
/// datasets are left out.
public final class HDF5File: Sendable {
  /// The path by which it was opened.
  public let path: String
  /// Length of the file in bytes.
  public var length: Int { source.length }
  /// Links, types and datasets that cannot be read, ascending by object: nobody need want them.
  public let leftOut: [HDF5Error]
  let source: HDF5Source
  let threads: Int
  let limits: HDF5Limits
  private let sortedObjects: [HDF5Object]
  private let nodes: [String: Node]

  private struct Node {
    /// `nil` for a group.
    var dataset: HDF5Child.Answer?
    var chunks: [bred_h5_record] = []
    var attributes: [String: HDF5AttributeValue] = [:]
  }

  /// A Minari file of a million steps has some 10,000.
  private static let maximumObjects = 1_000_000

  /// - Parameter threads: how many inflate chunks, `nil` for all processors; the numbers read do not depend on it.
  public convenience init(reading path: String, threads: Int? = nil) throws(HDF5Error) {
    try self.init(reading: path, threads: threads, limits: HDF5Limits())
  }

  package init(reading path: String, threads: Int? = nil, limits: HDF5Limits) throws(HDF5Error) {
    self.path = path
    self.threads = threads ?? WorkerPool.processorCount
    self.limits = limits
    source = try HDF5Source(path)
    let place = source.place
    let child = try HDF5Child(source, limits)
    var nodes: [String: Node] = [:]
    var failures: [HDF5Error] = []
    var last = ""
    while let answer = try child.next() {
      switch answer.record.kind {
      case BRED_H5_GROUP.rawValue, BRED_H5_DATASET.rawValue:
        last = answer.name
        let isGroup = answer.record.kind == BRED_H5_GROUP.rawValue
        let old = nodes.updateValue(Node(dataset: isGroup ? nil : answer), forKey: last)
        guard old == nil else { throw place.inside(last).error("there are two of this name") }
      case BRED_H5_CHUNK.rawValue: nodes[last]?.chunks.append(answer.record)
      case BRED_H5_ATTRIBUTE.rawValue:
        nodes[last]?.attributes[answer.name] = HDF5AttributeValue(answer)
      default:
        let failure = place.error(answer)
        guard !failure.object.isEmpty else { throw failure }
        failures.append(failure)
      }
      // Each takes at least 40 bytes somewhere. More there can only be where groups are linked from
      // several places, and a few such groups make more objects than could ever be walked.
      let limit = min(Self.maximumObjects, source.length / 40)
      guard nodes.count + failures.count <= limit + 1 else {
        throw place.error("more than \(limit) objects")
      }
    }
    self.nodes = nodes
    leftOut = failures.sorted { $0.object < $1.object }
    sortedObjects = nodes.filter { !$0.key.isEmpty }
      .map { HDF5Object(path: $0.key, kind: $0.value.dataset == nil ? .group : .dataset) }
      .sorted { $0.path < $1.path }
  }

  /// Opens a dataset by its path, such as `infos/qpos`.
  public func dataset(_ name: String) throws(HDF5Error) -> HDF5Dataset {
    let node = try node(name)
    guard let answer = node.dataset else {
      throw source.place.inside(name).error("is a group, not a dataset")
    }
    return try HDF5Dataset(answer, node.chunks, in: self)
  }

  /// Whether an object of this path exists that can be read.
  public func contains(_ object: String) -> Bool { nodes[object] != nil }

  /// Throws what keeps `object` or something below it from being read.
  public func requireReadable(_ object: String) throws(HDF5Error) {
    for failure in leftOut
    where failure.object == object || failure.object.hasPrefix(object + "/") { throw failure }
  }

  /// Every group and dataset below `group` (the root's is empty), ascending.
  public func objects(below group: String = "") -> [HDF5Object] {
    group.isEmpty ? sortedObjects : sortedObjects.filter { $0.path.hasPrefix(group + "/") }
  }

  /// The attributes of an object that are one number, flag or string; others are left out.
  ///
  /// - Parameter object: path of a group or dataset; the root's is empty.
  public func attributes(of object: String) throws(HDF5Error) -> [String: HDF5AttributeValue] {
    // Listed where its attributes alone cannot be read.
    if let failure = leftOut.first(where: { $0.object == object }) { throw failure }
    return try node(object).attributes
  }

  private func node(_ name: String) throws(HDF5Error) -> Node {
    if let node = nodes[name] { return node }
    for failure in leftOut
    where failure.object == name || name.hasPrefix(failure.object + "/") { throw failure }
    throw source.place.inside(name).error("there is no such object")
  }
}

extension HDF5AttributeValue {
  init(_ answer: HDF5Child.Answer) {
    self =
      switch answer.record.type {
      case BRED_H5_TEXT.rawValue: .text(answer.text)
      case BRED_H5_FLOAT.rawValue: .real(answer.record.real)
      case BRED_H5_BOOLEAN.rawValue: .flag(answer.record.integer != 0)
      default: .integer(answer.record.integer)
      }
  }
}

extension HDF5Place {
  /// What libhdf5 says about an object, with what can be done about it.
  func error(_ answer: HDF5Child.Answer) -> HDF5Error {
    let version = hdf5LibraryVersion()
    let lines = answer.text.split(separator: "\n", maxSplits: 1).map(String.init)
    var reason = lines.first ?? "cannot be read"
    let cause = lines.count > 1 ? lines[1] : ""
    if answer.record.missing_filter != 0 {
      reason =
        "is packed by filter \(answer.record.missing_filter) (\(answer.text)), which libhdf5 "
        + "\(version) lacks; where h5repack has it (as a plugin in HDF5_PLUGIN_PATH), this makes a "
        + "copy that can be read: h5repack -f GZIP=4 \(file) COPY.hdf5"
    } else if cause.contains("truncated file") {
      reason = "is truncated"
    } else if cause.contains("version") {
      reason +=
        ": it is damaged, or of a newer format than libhdf5 \(version) knows; h5repack of a newer HDF5 "
        + "makes a copy that can be read: h5repack --low=0 --high=2 \(file) COPY.hdf5"
    }
    return HDF5Error(file: file, object: answer.name, reason: reason, cause: cause)
  }
}
