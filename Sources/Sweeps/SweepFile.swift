public import Configuration
import Foundation
import RLCore
import Yams

/// A sweep as its YAML file says it: tasks × methods × seeds × a grid of any keys.
///
/// ```yaml
/// tasks: [hopper-medium-v2, walker2d-medium-v2]
/// methods: [bred, cql-ft]
/// seeds: [0, 1, 2, 3]                # or 0..3
/// datasets:                          # where a task's own file is not in the cache
///   hopper-medium-v2: data/hopper.hdf5
/// agents:                            # where agents are there already: an ensemble directory
///   hopper-medium-v2: agents/hopper
/// set:                               # of all runs; what one has no use for is dropped
///   offline: {gradientSteps: 50000}
/// runs:                              # optional: blocks that replace or add to what stands above
///   - methods: [bred]
///     label: N
///     grid: {offline.members: [1, 2, 5]}
/// scales:                            # what a scale of this name means here: tasks, seeds, set, grid, runs
///   small: {grid: {offline.members: [1, 2]}}
/// figure: {…}                        # for programs that draw; anything
/// ```
/// A scale is a file of the same kind that lies over a sweep: of the sweep's tasks it keeps those that it
/// names, its seeds replace the sweep's, its values lie over the sweep's for all runs. Where the sweep says
/// itself what a scale of this name means, its `tasks` and `runs` stand instead.
public struct SweepFile: Sendable {
  /// Runs that differ in task, method, seed and the values of a grid.
  struct Block: Sendable {
    var label: String?
    var tasks: [String] = []
    var methods: [String] = []
    var seeds: [Int] = []
    /// Values for all runs of the block, lowest first.
    var values: [ConfigurationLayer] = []
    var grid: [(key: String, values: [String])] = []
  }

  /// The file of the sweep.
  public let path: String
  /// `name` of the file, else its own name without the ending.
  public let name: String
  /// Dataset files by task.
  let datasets: [String: String]
  /// Ensemble directories by task: what runs begin with whose method trains such agents offline.
  let agents: [String: String]
  let blocks: [Block]
  /// What programs that draw are told.
  let figure: JSONValue?

  private static let blockKeys = ["label", "tasks", "methods", "seeds", "set", "grid"]
  private static let keys =
    ["name", "datasets", "agents", "runs", "scales", "figure"] + blockKeys

  /// - Parameter scale: the file that lies over it.
  /// - Throws: `ConfigurationError` with file, key, and what is allowed.
  public init(file path: String, scale: String? = nil) throws(ConfigurationError) {
    let over: ConfigurationLayer? =
      if let scale { try ConfigurationLayer(file: scale) } else { nil }
    try self.init(
      path: path, yaml: ConfigurationLayer(file: path).yaml,
      scale: over.map { ($0.name, $0.yaml) })
  }

  init(
    path: String, yaml: String, scale: (path: String, yaml: String)? = nil
  ) throws(ConfigurationError) {
    let reader = SweepReader(file: path)
    let root = try reader.root(yaml)
    try reader.check(root, allowed: SweepFile.keys, at: "")
    let over: SweepScale? =
      if let scale { try SweepScale(path: scale.path, yaml: scale.yaml) } else { nil }
    self.path = path
    let fileName = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    name = if let node = root["name"] { try reader.text(node, "name") } else { fileName }
    datasets = try reader.paths(root["datasets"], "datasets")
      .merging(over?.datasets ?? [:]) { $1 }
    agents = try reader.paths(root["agents"], "agents").merging(over?.agents ?? [:]) { $1 }
    figure = root["figure"].map(SweepReader.json)
    var common = try SweepFile.block(root, over: Block(), at: "", reader)
    if let set = over?.set { common.values.append(set) }
    var blocks = [common]
    if let runs = root["runs"] {
      blocks = try SweepFile.blocks(runs, over: common, at: "runs", reader)
    }
    let scales = try reader.pairs(root["scales"], "scales")
    let grids = blocks.flatMap { $0.grid.map(\.key) }
    for (name, node) in scales {
      try reader.check(node, allowed: SweepFile.scaleKeys, at: "scales.\(name).")
      for (key, _) in try reader.pairs(node["grid"], "scales.\(name).grid")
      where !grids.contains(key) {
        throw .unknownKey(
          file: path, key: "scales.\(name).grid.\(key)",
          suggestion: nearest(to: key, among: grids), allowed: grids)
      }
    }
    if let over {
      let own = scales.first { $0.0 == over.name }?.1
      let place = "scales.\(over.name)."
      if own?["runs"] != nil { blocks = [common] }
      for index in blocks.indices {
        if own?["tasks"] == nil { try over.keepTasks(of: &blocks[index]) }
        if let seeds = over.seeds { blocks[index].seeds = seeds }
        guard let own else { continue }
        blocks[index] = try SweepFile.block(
          own, over: blocks[index], at: place, reader, addsToGrid: false)
      }
      if let runs = own?["runs"] {
        blocks = try SweepFile.blocks(runs, over: blocks[0], at: place + "runs", reader)
      }
    }
    self.blocks = blocks
  }

  private static let scaleKeys = ["tasks", "seeds", "set", "grid", "runs"]

  private static func blocks(
    _ node: Node, over common: Block, at place: String, _ reader: SweepReader
  ) throws(ConfigurationError) -> [Block] {
    guard let list = node.sequence, !list.isEmpty else {
      throw reader.wrongType(place, node, "a list of blocks with \(SweepFile.blockKeys)")
    }
    var blocks: [Block] = []
    for (index, node) in list.enumerated() {
      let place = "\(place)[\(index)]."
      try reader.check(node, allowed: SweepFile.blockKeys, at: place)
      blocks.append(try SweepFile.block(node, over: common, at: place, reader))
    }
    return blocks
  }

  private static func block(
    _ node: Node, over common: Block, at place: String, _ reader: SweepReader,
    addsToGrid: Bool = true
  ) throws(ConfigurationError) -> Block {
    var block = common
    if let text = node["label"] { block.label = try reader.text(text, place + "label") }
    if let list = node["tasks"] { block.tasks = try reader.texts(list, place + "tasks") }
    if let list = node["methods"] { block.methods = try reader.texts(list, place + "methods") }
    if let list = node["seeds"] { block.seeds = try reader.seeds(list, place + "seeds") }
    for (key, values) in try reader.pairs(node["grid"], place + "grid") {
      let values = try reader.texts(values, place + "grid.\(key)")
      if let index = block.grid.firstIndex(where: { $0.key == key }) {
        block.grid[index].values = values
      } else if addsToGrid {
        block.grid.append((key, values))
      }
    }
    if let set = node["set"] { block.values.append(try reader.layer(set, place + "set")) }
    return block
  }
}

/// What lies over a sweep.
private struct SweepScale {
  let path: String
  var name: String { SweepNames.stem(path) }
  let tasks: [String]?
  let seeds: [Int]?
  let datasets: [String: String]
  let agents: [String: String]
  let set: ConfigurationLayer?

  init(path: String, yaml: String) throws(ConfigurationError) {
    let reader = SweepReader(file: path)
    let root = try reader.root(yaml)
    try reader.check(root, allowed: ["tasks", "seeds", "datasets", "agents", "set"], at: "")
    self.path = path
    tasks = if let list = root["tasks"] { try reader.texts(list, "tasks") } else { nil }
    seeds = if let list = root["seeds"] { try reader.seeds(list, "seeds") } else { nil }
    datasets = try reader.paths(root["datasets"], "datasets")
    agents = try reader.paths(root["agents"], "agents")
    set = if let node = root["set"] { try reader.layer(node, "set") } else { nil }
  }

  /// Of the block's tasks those that the scale names, of which there must be one.
  func keepTasks(of block: inout SweepFile.Block) throws(ConfigurationError) {
    guard let tasks, !block.tasks.isEmpty else { return }
    let kept = block.tasks.filter(tasks.contains)
    guard !kept.isEmpty else {
      throw .contradiction(
        file: path, keys: ["tasks"],
        reason: "the sweep has \(block.tasks.joined(separator: ", ")), none of which is among "
          + tasks.joined(separator: ", "))
    }
    block.tasks = kept
  }
}

/// Reads what a sweep's file may hold, with errors that name the place.
private struct SweepReader {
  let file: String

  func root(_ yaml: String) throws(ConfigurationError) -> Node {
    let node: Node?
    do { node = try Yams.compose(yaml: yaml) } catch {
      throw .malformed(file: file, reason: "\(error)")
    }
    guard let node, node.mapping != nil else {
      throw .malformed(file: file, reason: "expected 'tasks:', 'methods:' and so on")
    }
    return node
  }

  func check(_ node: Node, allowed: [String], at place: String) throws(ConfigurationError) {
    guard let mapping = node.mapping else {
      throw wrongType(place, node, "the keys \(allowed.joined(separator: ", "))")
    }
    for key in mapping.keys {
      let name = key.string ?? ""
      guard allowed.contains(name) else {
        throw .unknownKey(
          file: file, key: place + name, suggestion: nearest(to: name, among: allowed),
          allowed: allowed)
      }
    }
  }

  func pairs(_ node: Node?, _ key: String) throws(ConfigurationError) -> [(String, Node)] {
    guard let node else { return [] }
    guard let mapping = node.mapping else { throw wrongType(key, node, "'key: value' lines") }
    return mapping.map { ($0.key.string ?? "", $0.value) }
  }

  func paths(_ node: Node?, _ key: String) throws(ConfigurationError) -> [String: String] {
    var result: [String: String] = [:]
    for (task, path) in try pairs(node, key) {
      result[task] = HomePath.expanded(try text(path, "\(key).\(task)"))
    }
    return result
  }

  func text(_ node: Node, _ key: String) throws(ConfigurationError) -> String {
    guard let text = node.scalar?.string, !text.isEmpty else {
      throw wrongType(key, node, "a text")
    }
    return text
  }

  func texts(_ node: Node, _ key: String) throws(ConfigurationError) -> [String] {
    guard let list = node.sequence, !list.isEmpty else { throw wrongType(key, node, "a list") }
    var result: [String] = []
    for item in list {
      let text = try text(item, key)
      guard !result.contains(text) else {
        throw .outOfRange(file: file, key: key, value: text, allowed: "each value once")
      }
      result.append(text)
    }
    return result
  }

  /// A list, or `first..last`.
  func seeds(_ node: Node, _ key: String) throws(ConfigurationError) -> [Int] {
    if let text = node.scalar?.string {
      let ends = text.split(separator: "..").map { Int($0) }
      guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 0, first <= last,
        last - first < 1_000_000
      else { throw .wrongType(file: file, key: key, value: text, expected: "a list, or 0..3") }
      return Array(first...last)
    }
    var seeds: [Int] = []
    for text in try texts(node, key) {
      guard let seed = Int(text), seed >= 0 else {
        throw .wrongType(file: file, key: key, value: text, expected: "whole numbers from 0")
      }
      seeds.append(seed)
    }
    return seeds
  }

  func wrongType(_ key: String, _ node: Node, _ expected: String) -> ConfigurationError {
    let shown =
      switch node {
      case .scalar(let scalar): scalar.string
      case .mapping: "a group of keys"
      case .sequence(let list): list.isEmpty ? "an empty list" : "a list"
      case .alias: "an alias"
      }
    return .wrongType(file: file, key: key, value: shown, expected: expected)
  }

  /// What `set` says of all runs.
  func layer(_ node: Node, _ key: String) throws(ConfigurationError) -> ConfigurationLayer {
    guard node.mapping != nil else { throw wrongType(key, node, "'key: value' lines") }
    do {
      return ConfigurationLayer(name: file, yaml: try Yams.serialize(node: node), kind: .sweep)
    } catch { throw .malformed(file: file, reason: "\(key): \(error)") }
  }

  /// Anything, for other programs.
  static func json(_ node: Node) -> JSONValue {
    switch node {
    case .mapping(let mapping):
      .object(
        Dictionary(mapping.map { ($0.key.string ?? "", json($0.value)) }, uniquingKeysWith: { $1 }))
    case .sequence(let list): .list(list.map(json))
    case .scalar(let scalar): Double(scalar.string).map { .number($0) } ?? .text(scalar.string)
    case .alias: .null
    }
  }
}
