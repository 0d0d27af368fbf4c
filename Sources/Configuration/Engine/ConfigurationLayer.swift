import RLCore

/// Values that lie over those of the layers below: a method, a task, a file, `--set`, or options.
public struct ConfigurationLayer: Sendable {
  /// From the lowest layer to the highest.
  public enum Kind: Int, Sendable, Comparable {
    /// How to learn. A value in it that it makes meaningless itself is an error.
    case method
    /// What to learn from. A task speaks for all methods: what the chosen one has no use for is dropped.
    case task
    /// `--config`.
    case file
    /// What a sweep says of all its runs: what one of them has no use for is dropped.
    case sweep
    /// `--set`.
    case overrides
    /// An option of its own, such as `--seed`.
    case options

    public static func < (first: Kind, second: Kind) -> Bool { first.rawValue < second.rawValue }
  }

  enum Content: Sendable {
    case yaml(String)
    case overrides([String])
    case options([ConfigurationOption])
  }

  /// The layer's place in the order.
  public let kind: Kind
  /// A method's or task's name, or the file: what messages call the layer.
  public let name: String
  let content: Content

  /// A layer whose text is at hand.
  public init(name: String, yaml: String, kind: Kind = .file) {
    self.init(kind, name, .yaml(yaml))
  }

  private init(_ kind: Kind, _ name: String, _ content: Content) {
    (self.kind, self.name, self.content) = (kind, name, content)
  }

  /// The text of a method, task or file; empty for options.
  public var yaml: String {
    if case .yaml(let text) = content { text } else { "" }
  }

  /// `key=value` texts; dotted keys, values in YAML. Of two for one key the later counts.
  public static func overrides(_ texts: [String]) -> ConfigurationLayer {
    ConfigurationLayer(.overrides, "--set", .overrides(texts))
  }

  /// Values of command-line options, already taken apart.
  public static func options(_ options: [ConfigurationOption]) -> ConfigurationLayer {
    ConfigurationLayer(.options, "options", .options(options))
  }

  /// The layer that a YAML file holds.
  ///
  /// - Throws: ``ConfigurationError`` where it cannot be read or is no text of at most 1 MiB.
  public init(file: String, kind: Kind = .file) throws(ConfigurationError) {
    let limit = 1 << 20
    let bytes: [UInt8]
    // An endless device must not be read to its end.
    do throws(FileError) { bytes = try FileSystem.contents(of: file, limit: limit) } catch {
      throw .unreadable(file: file, reason: error.message)
    }
    guard bytes.count <= limit else {
      throw .malformed(file: file, reason: "larger than 1 MiB")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .malformed(file: file, reason: "not UTF-8 text")
    }
    self.init(name: file, yaml: text, kind: kind)
  }

  /// The same values in another place of the order.
  func of(_ kind: Kind) -> ConfigurationLayer { ConfigurationLayer(kind, name, content) }

  /// What messages and `show` call the layer.
  var origin: String {
    switch kind {
    case .method: "method \(name)"
    case .task: "task \(name)"
    case .file, .sweep, .overrides, .options: name
    }
  }
}

/// The tasks, or the methods, that are known by name.
public struct ConfigurationLibrary: Sendable {
  /// What the entries are: ``ConfigurationLayer/Kind/task`` or ``ConfigurationLayer/Kind/method``.
  public let kind: ConfigurationLayer.Kind
  /// Ascending by name.
  public let layers: [ConfigurationLayer]

  /// - Parameter texts: YAML by name.
  public init(_ kind: ConfigurationLayer.Kind, _ texts: [String: String]) {
    self.kind = kind
    layers = texts.sorted { $0.key < $1.key }
      .map { ConfigurationLayer(name: $0.key, yaml: $0.value, kind: kind) }
  }

  /// Ascending.
  public var names: [String] { layers.map(\.name) }

  /// The layer of this name, or that in the file of this path.
  ///
  /// A text with a slash or the ending `.yaml` is a path.
  /// - Throws: ``ConfigurationError/unknownName(kind:name:suggestion:known:)``, or what reading throws.
  public func layer(_ name: String) throws(ConfigurationError) -> ConfigurationLayer {
    if let layer = layers.first(where: { $0.name == name }) { return layer }
    if name.contains("/") || name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
      return try ConfigurationLayer(file: name, kind: kind)
    }
    throw .unknownName(
      kind: "\(kind)", name: name, suggestion: nearest(to: name, among: names), known: names)
  }
}
