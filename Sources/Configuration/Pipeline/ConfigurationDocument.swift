import Foundation
import RLCore
import Yams

/// Layers of YAML over the defaults, with every value's origin.
///
/// Keys, kinds and nesting are compared with the encoded defaults, so nothing that the configuration
/// types do not declare can slip through.
struct ConfigurationDocument {
  private(set) var root: Node
  /// File (or command-line option) that set a key, by dotted path.
  private(set) var origins: [String: String] = [:]

  init() throws(ConfigurationError) {
    do {
      let text = PipelineConfiguration().yaml()
      guard let node = try Yams.compose(yaml: text) else {
        throw ConfigurationError.malformed(file: "defaults", reason: "empty")
      }
      root = node
    } catch {
      throw .malformed(file: "defaults", reason: "\(error)")
    }
  }

  /// Lays the contents of `file` over what is there.
  mutating func merge(file: String) throws(ConfigurationError) {
    let text: String
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: file))
      guard data.count <= 1 << 20 else {
        throw ConfigurationError.malformed(file: file, reason: "larger than 1 MiB")
      }
      guard let decoded = String(data: data, encoding: .utf8) else {
        throw ConfigurationError.malformed(file: file, reason: "not UTF-8 text")
      }
      text = decoded
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw .unreadable(file: file, reason: readable(error))
    }
    try merge(yaml: text, origin: file)
  }

  mutating func merge(yaml: String, origin: String) throws(ConfigurationError) {
    let node: Node?
    do { node = try Yams.compose(yaml: yaml) } catch {
      throw .malformed(file: origin, reason: "\(error)")
    }
    guard let node, node.scalar?.string != "" else { return }  // empty, or comments only
    guard node.mapping != nil else {
      throw .malformed(file: origin, reason: "expected 'key: value' lines at the top level")
    }
    root = try merged(root, with: node, path: "", origin: origin)
  }

  /// One `--set key=value`.
  mutating func merge(override text: String) throws(ConfigurationError) {
    guard let equals = text.firstIndex(of: "=") else {
      throw .malformedOverride(text: text, reason: "'=' is missing")
    }
    let path = text[..<equals].trimmingCharacters(in: .whitespaces)
    let value = text[text.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !path.isEmpty, !parts.contains("") else {
      throw .malformedOverride(text: text, reason: "'\(path)' is not a key")
    }
    var node: Node
    do { node = try Yams.compose(yaml: value) ?? Node("") } catch {
      throw .malformedOverride(text: text, reason: "'\(value)' is not a YAML value")
    }
    for part in parts.reversed() { node = Node([(Node(part), node)]) }
    root = try merged(root, with: node, path: "", origin: "--set \(text)")
  }

  /// A value that an option of its own gives, such as `--seed`.
  mutating func merge(_ option: ConfigurationOption) throws(ConfigurationError) {
    var node = Node(option.value)
    for part in option.key.split(separator: ".").reversed() {
      node = Node([(Node(String(part)), node)])
    }
    root = try merged(root, with: node, path: "", origin: option.name)
  }

  func origin(of key: String) -> String { origins[key] ?? "defaults" }

  private mutating func merged(
    _ base: Node, with layer: Node, path: String, origin: String
  ) throws(ConfigurationError) -> Node {
    guard var mapping = base.mapping, let additions = layer.mapping else {
      return try scalar(layer, like: base, path: path, origin: origin)
    }
    for (keyNode, value) in additions {
      let key = keyNode.string ?? ""
      let fullKey = path.isEmpty ? key : "\(path).\(key)"
      guard let existing = mapping[Node(key)] else {
        let allowed = mapping.keys.compactMap(\.string).sorted()
        throw .unknownKey(
          file: origin, key: fullKey,
          suggestion: nearest(to: key, among: allowed).map { path.isEmpty ? $0 : "\(path).\($0)" },
          allowed: allowed)
      }
      mapping[Node(key)] = try merged(existing, with: value, path: fullKey, origin: origin)
    }
    return .mapping(mapping)
  }

  private mutating func scalar(
    _ value: Node, like base: Node, path: String, origin: String
  ) throws(ConfigurationError) -> Node {
    func wrong(_ expected: String) -> ConfigurationError {
      .wrongType(file: origin, key: path, value: shown(value), expected: expected)
    }
    if base.mapping != nil {
      throw wrong(
        "the keys " + (base.mapping?.keys.compactMap(\.string) ?? []).joined(separator: ", "))
    }
    let rule = PipelineConfiguration.rules.first { $0.key == path }
    guard value.scalar != nil else { throw wrong(rule?.allowed ?? "a single value") }
    // The kind is that of the default; a number may be written without a point.
    if base.int != nil {
      // Decimal, unlike YAML 1.1's `010`.
      guard let text = value.scalar?.string,
        let number = try? SettingText.scalar(text, isPlain: true, kind: .integer)
      else { throw wrong(rule?.allowed ?? "a whole number") }
      origins[path] = origin
      return Node("\(number)", Tag(.int))
    } else if base.float != nil {
      guard value.float != nil else { throw wrong(rule?.allowed ?? "a number") }
    } else if let allowed = rule?.allowed, allowed.hasPrefix("one of ") {
      let choices = allowed.dropFirst("one of ".count).components(separatedBy: ", ")
      guard choices.contains(value.string ?? "") else { throw wrong(allowed) }
    }
    origins[path] = origin
    return value
  }

  private func shown(_ node: Node) -> String {
    switch node {
    case .scalar(let scalar): scalar.string
    case .mapping: "a group of keys"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
}

/// A command-line option that stands for a key of the configuration.
public struct ConfigurationOption: Sendable {
  /// As the user wrote it, `--seed`.
  public let name: String
  public let key: String
  public let value: String

  public init(name: String, key: String, value: String) {
    self.name = name
    self.key = key
    self.value = value
  }
}
