import Foundation
import Yams

extension PipelineConfiguration {
  /// Reads a configuration: defaults, then the file, then the overrides, then single options.
  ///
  /// - Parameters:
  ///   - file: YAML with the keys that differ from the defaults; `nil` for none.
  ///   - overrides: `key=value` texts, dotted keys, values in YAML.
  ///   - options: values from options of their own.
  /// - Throws: ``ConfigurationError`` with file, key, value and what is allowed.
  public static func load(
    file: String? = nil, overrides: [String] = [], options: [ConfigurationOption] = []
  ) throws(ConfigurationError) -> PipelineConfiguration {
    var document = try ConfigurationDocument()
    if let file { try document.merge(file: file) }
    for text in overrides { try document.merge(override: text) }
    for option in options { try document.merge(option) }
    return try decode(document)
  }

  /// The configuration that `yaml` describes; `name` stands for the file in messages.
  public static func parse(
    yaml: String, name: String = "configuration"
  ) throws(ConfigurationError) -> PipelineConfiguration {
    var document = try ConfigurationDocument()
    try document.merge(yaml: yaml, origin: name)
    return try decode(document)
  }

  private static func decode(
    _ document: ConfigurationDocument
  ) throws(ConfigurationError) -> PipelineConfiguration {
    let configuration: PipelineConfiguration
    do {
      configuration = try YAMLDecoder().decode(PipelineConfiguration.self, from: document.root)
    } catch {
      throw .malformed(file: "configuration", reason: "\(error)")
    }
    for rule in rules {
      if let value = rule.offence(configuration) {
        throw .outOfRange(
          file: document.origin(of: rule.key), key: rule.key, value: value, allowed: rule.allowed)
      }
    }
    try configuration.refuseContradictions(document)
    return configuration
  }

  /// Checks ranges of a configuration that was built in code.
  ///
  /// - Throws: ``ConfigurationError/outOfRange(file:key:value:allowed:)``.
  public func validate() throws(ConfigurationError) {
    for rule in Self.rules {
      if let value = rule.offence(self) {
        throw .outOfRange(
          file: "configuration", key: rule.key, value: value, allowed: rule.allowed)
      }
    }
  }

  /// A value that was given although another one makes it meaningless is a mistake, not a detail.
  private func refuseContradictions(
    _ document: ConfigurationDocument
  ) throws(ConfigurationError) {
    let defaults = PipelineConfiguration()
    // A resolved configuration states every key, so a value counts only if it is not the default.
    func refuse<Value: Equatable>(
      _ key: String, _ value: (PipelineConfiguration) -> Value, beside other: String,
      _ reason: String
    ) throws(ConfigurationError) {
      guard value(self) != value(defaults) else { return }
      throw .contradiction(file: document.origin(of: key), keys: [key, other], reason: reason)
    }
    if pretrain.weighting == .fixed {
      try refuse(
        "pretrain.lagrangeGap", { $0.pretrain.lagrangeGap }, beside: "pretrain.weighting",
        "a gap needs 'weighting: lagrange', here it is 'fixed'")
    }
    if finetune.startTemperature == .members {
      try refuse(
        "finetune.initialTemperature", { $0.finetune.initialTemperature },
        beside: "finetune.startTemperature",
        "a given start needs 'startTemperature: fixed', here it is 'members'")
    }
    if finetune.replay != .balanced {
      let reason =
        "the online share is scheduled only with 'replay: balanced', "
        + "here it is '\(finetune.replay.rawValue)'"
      try refuse(
        "finetune.initialOnlineFraction", { $0.finetune.initialOnlineFraction },
        beside: "finetune.replay", reason)
      try refuse(
        "finetune.finalTimestep", { $0.finetune.finalTimestep }, beside: "finetune.replay", reason)
      try refuse(
        "finetune.schedule", { $0.finetune.schedule }, beside: "finetune.replay", reason)
    }
  }

  /// The whole configuration as YAML, every value stated, keys in the order of declaration.
  public func yaml() -> String {
    // Encoding numbers, strings and raw-value enumerations cannot fail.
    let text = (try? YAMLEncoder().encode(self)) ?? ""
    guard let node = try? Yams.compose(yaml: text) else { return text }
    return (try? Yams.serialize(node: Self.withExactNumbers(node, of: self))) ?? text
  }

  /// The command that works with these values: what of `sections` differs from the defaults is set.
  package func command(_ name: String, sections: [String]) -> String {
    func scalars(_ configuration: PipelineConfiguration) -> [(key: String, value: String)] {
      let root = (try? Yams.compose(yaml: configuration.yaml()))?.mapping ?? [:]
      return sections.flatMap { section in
        (root[Node(section)]?.mapping ?? [:]).compactMap { key, value in
          guard let key = key.string, let value = value.string else { return nil }
          return ("\(section).\(key)", value)
        }
      }
    }
    let differing = zip(scalars(self), scalars(PipelineConfiguration())).filter {
      $0.0.value != $0.1.value
    }
    let settings = differing.map { " --set \($0.0.key)=\($0.0.value)" }
    return "bred \(name) --env \(environment) --seed \(seed)" + settings.joined()
  }

  /// The encoder rounds to fifteen digits, so that 1/3 would not be read back as it was.
  private static func withExactNumbers(_ node: Node, of value: Any) -> Node {
    if let number = value as? Double { return Node("\(number)", Tag(.float)) }
    var result = node
    for child in Mirror(reflecting: value).children {
      guard let key = child.label, let member = node[key] else { continue }
      result[key] = withExactNumbers(member, of: child.value)
    }
    return result
  }
}
