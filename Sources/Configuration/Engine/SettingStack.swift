import Foundation
import RLCore
import Yams

/// Layers over the defaults, with every value's origin.
struct SettingStack {
  struct Given {
    let value: SettingScalar
    let kind: ConfigurationLayer.Kind
    /// File or option.
    let origin: String
    /// The key as it was written.
    let spelling: String
  }

  let schema: SettingSchema
  private(set) var given: [String: Given] = [:]

  init(_ schema: SettingSchema) { self.schema = schema }

  func value(_ key: String) -> SettingScalar {
    guard let entry = schema.entry(key) else { preconditionFailure("no setting '\(key)'") }
    return given[key]?.value ?? entry.fallback
  }

  /// `defaults` for a value that no layer gave.
  func origin(_ key: String) -> String { given[key]?.origin ?? "defaults" }

  mutating func drop(_ key: String) { given[key] = nil }

  /// The group at `path` with the values of all layers.
  func group<Group: SettingGroup>(_ type: Group.Type, at path: String) -> Group {
    let prefix = path.isEmpty ? "" : path + "."
    return Group(
      scalars: Dictionary(
        uniqueKeysWithValues: Group.declared.map { ($0.name, value(prefix + $0.name)) }))
  }

  // MARK: Layers

  /// Lays values over what is there.
  mutating func lay(_ layer: ConfigurationLayer) throws(ConfigurationError) {
    var added: [String: Given] = [:]
    switch layer.content {
    case .yaml(let text):
      guard let node = try Self.root(of: text, file: layer.origin) else { return }
      try add(node, at: "", layer.kind, layer.origin, to: &added)
    case .overrides(let texts):
      for text in texts {
        let (key, node) = try Self.override(text)
        try add(node, at: key, layer.kind, "--set \(text)", to: &added)
      }
    case .options(let options):
      for option in options {
        try add(
          Node(option.value, .implicit, .doubleQuoted), at: option.key, layer.kind, option.name,
          to: &added)
      }
    }
    given.merge(added) { _, new in new }
  }

  private static func root(of yaml: String, file: String) throws(ConfigurationError) -> Node? {
    let node: Node?
    do { node = try Yams.compose(yaml: yaml) } catch {
      throw .malformed(file: file, reason: "\(error)")
    }
    guard let node, node.scalar?.string != "" else { return nil }  // empty, or comments only
    guard node.mapping != nil else {
      throw .malformed(file: file, reason: "expected 'key: value' lines at the top level")
    }
    return node
  }

  /// One `--set key=value`.
  private static func override(_ text: String) throws(ConfigurationError) -> (String, Node) {
    guard let equals = text.firstIndex(of: "=") else {
      throw .malformedOverride(text: text, reason: "'=' is missing")
    }
    let key = text[..<equals].trimmingCharacters(in: .whitespaces)
    let value = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    guard !key.isEmpty, !key.split(separator: ".", omittingEmptySubsequences: false).contains("")
    else { throw .malformedOverride(text: text, reason: "'\(key)' is not a key") }
    do { return (key, try Yams.compose(yaml: value) ?? Node("", .implicit, .plain)) } catch {
      throw .malformedOverride(text: text, reason: "'\(value)' is not a YAML value")
    }
  }

  private func add(
    _ node: Node, at path: String, _ kind: ConfigurationLayer.Kind, _ origin: String,
    to added: inout [String: Given]
  ) throws(ConfigurationError) {
    let alias = schema.aliases[path]
    if let entry = schema.entry(alias?.key ?? path) {
      let value = try read(node, as: entry, alias, spelling: path, origin)
      if let before = added[entry.key], before.spelling != path {
        throw .contradiction(
          file: origin, keys: [before.spelling, path],
          reason: "they are two spellings of one setting; give '\(entry.key)' alone")
      }
      added[entry.key] = Given(value: value, kind: kind, origin: origin, spelling: path)
      return
    }
    guard path.isEmpty || schema.isFolder(path) else { throw schema.unknown(path, origin: origin) }
    guard let mapping = node.mapping else {
      // A section all of whose lines are comments.
      if let scalar = node.scalar, scalar.style != .doubleQuoted, scalar.string.isEmpty { return }
      throw .wrongType(
        file: origin, key: path, value: Self.shown(node),
        expected: "the keys " + schema.names(in: path).joined(separator: ", "))
    }
    for (name, child) in mapping {
      guard let name = name.string, !name.contains(".") else {
        throw schema.unknown(
          path.isEmpty ? name.string ?? "" : "\(path).\(name.string ?? "")", origin: origin)
      }
      try add(child, at: path.isEmpty ? name : "\(path).\(name)", kind, origin, to: &added)
    }
  }

  private func read(
    _ node: Node, as entry: SettingSchema.Entry, _ alias: SettingAlias?, spelling: String,
    _ origin: String
  ) throws(ConfigurationError) -> SettingScalar {
    let allowed = entry.declaration.allowed
    guard let scalar = node.scalar else {
      throw .wrongType(file: origin, key: spelling, value: Self.shown(node), expected: allowed)
    }
    do throws(SettingRefusal) {
      return try SettingText.read(
        alias?.values[scalar.string] ?? scalar.string,
        isPlain: scalar.style != .doubleQuoted && scalar.style != .singleQuoted,
        as: entry.declaration)
    } catch {
      switch error {
      case .wrongType:
        throw .wrongType(file: origin, key: spelling, value: scalar.string, expected: allowed)
      case .outOfRange:
        throw .outOfRange(file: origin, key: spelling, value: scalar.string, allowed: allowed)
      }
    }
  }

  private static func shown(_ node: Node) -> String {
    switch node {
    case .scalar(let scalar): scalar.string
    case .mapping: "a group of keys"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
}
