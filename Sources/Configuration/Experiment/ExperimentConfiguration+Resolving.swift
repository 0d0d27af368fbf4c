import RLCore

/// Where a configuration's values come from, lowest first; what is absent says nothing.
public struct ConfigurationSources: Sendable {
  /// How to learn; the lowest layer above the defaults.
  public var method: ConfigurationLayer?
  /// What to learn from.
  public var task: ConfigurationLayer?
  /// A user's own file, `--config`.
  public var file: ConfigurationLayer?
  /// What a sweep says of all its runs, lowest first.
  public var sweep: [ConfigurationLayer]
  /// `--set` texts, `key=value`.
  public var overrides: [String]
  /// Options that stand for a key, such as `--seed`; the highest layer.
  public var options: [ConfigurationOption]

  public init(
    method: ConfigurationLayer? = nil, task: ConfigurationLayer? = nil,
    file: ConfigurationLayer? = nil, sweep: [ConfigurationLayer] = [], overrides: [String] = [],
    options: [ConfigurationOption] = []
  ) {
    self.method = method
    self.task = task
    self.file = file
    self.sweep = sweep
    self.overrides = overrides
    self.options = options
  }

  var layers: [ConfigurationLayer] {
    [method?.of(.method), task?.of(.task), file?.of(.file)].compactMap { $0 }
      + sweep.map { $0.of(.sweep) } + [.overrides(overrides), .options(options)]
  }
}

/// A configuration together with the origin of each of its values.
public struct ResolvedConfiguration: Sendable {
  /// All values, the dropped ones back at their defaults.
  public let configuration: ExperimentConfiguration
  private let origins: [String: String]
  /// Those of dropped values too.
  private let everyOrigin: [String: String]

  init(
    _ configuration: ExperimentConfiguration, origins: [String: String],
    everyOrigin: [String: String]
  ) {
    self.configuration = configuration
    self.origins = origins
    self.everyOrigin = everyOrigin
  }

  /// The layer that gave a value, `defaults` where none did.
  public func origin(of key: String) -> String { origins[key] ?? "defaults" }

  /// The keys whose values a layer gave, whether they are used or not.
  package func keys(givenBy origin: String) -> [String] {
    everyOrigin.filter { $0.value == origin }.map(\.key)
  }

  /// The resolved YAML with the source of each value as a comment behind it.
  public func annotatedYAML() -> String {
    SettingYAML.text(configuration.values) { origin(of: $0) }
  }
}

extension ExperimentConfiguration {
  /// Lays the sources over the defaults: defaults ← method ← task ← file ← `--set` ← options.
  ///
  /// A value that another one makes meaningless is dropped where it comes from a lower layer than its
  /// cause, or from a task, and refused otherwise. What a task says of online training is dropped where
  /// it begins from scratch.
  /// - Throws: ``ConfigurationError`` with file or option, key, value and what is allowed.
  public static func resolve(
    _ sources: ConfigurationSources, catalog: AlgorithmCatalog,
    stages: Set<ExperimentStage> = ExperimentConfiguration.pipeline
  ) throws(ConfigurationError) -> ResolvedConfiguration {
    var stack = SettingStack(catalog.schema)
    for layer in sources.layers { try stack.lay(layer) }
    let everyOrigin = stack.given.mapValues(\.origin)
    dropTuning(&stack, stages)
    let first = ExperimentConfiguration(stack, catalog, stages)
    let unusedKeys = first.unusedKeys
    for entry in stack.schema.entries {
      guard let given = stack.given[entry.key], let unused = unusedKeys[entry.key] else { continue }
      if let cause = refusedCause(of: unused, given, in: stack) {
        throw .contradiction(
          file: given.origin, keys: [given.spelling, cause], reason: unused.reason)
      }
      stack.drop(entry.key)
    }
    let configuration = ExperimentConfiguration(stack, catalog, stages)
    if let found = configuration.contradictions.first {
      let given = found.keys.compactMap { stack.given[$0] }.max { $0.kind < $1.kind }
      throw .contradiction(
        file: given?.origin ?? "defaults", keys: found.keys, reason: found.reason)
    }
    return ResolvedConfiguration(
      configuration, origins: stack.given.mapValues(\.origin), everyOrigin: everyOrigin)
  }

  /// What a task says of online training is for agents that learned offline, whose policy may be good
  /// already; training from scratch keeps to the method.
  private static func dropTuning(_ stack: inout SettingStack, _ stages: Set<ExperimentStage>) {
    guard stages.contains(.online), stack.value("offline.algorithm") == .text(AlgorithmCatalog.none)
    else { return }
    for (key, given) in stack.given where given.kind == .task && key.hasPrefix("online.") {
      stack.drop(key)
    }
  }

  /// The key beside which a given value is a mistake; `nil` where it can be dropped.
  private static func refusedCause(
    of unused: UnusedKey, _ given: SettingStack.Given, in stack: SettingStack
  ) -> String? {
    guard given.kind != .task, given.kind != .sweep else { return nil }
    switch unused.cause {
    case .otherStage: return nil
    case .command(let keys): return given.kind < .file ? nil : keys.first
    case .agents: return given.kind < .overrides ? nil : "--ensemble"
    case .key(let cause):
      guard let decided = stack.given[cause] else { return cause }
      return given.kind < decided.kind ? nil : cause
    }
  }

  /// Reads a configuration that ``yaml()`` wrote, or any other text; `name` stands for the file.
  public static func parse(
    yaml: String, name: String = "configuration", catalog: AlgorithmCatalog,
    stages: Set<ExperimentStage> = ExperimentConfiguration.pipeline
  ) throws(ConfigurationError) -> ExperimentConfiguration {
    let sources = ConfigurationSources(file: ConfigurationLayer(name: name, yaml: yaml))
    return try resolve(sources, catalog: catalog, stages: stages).configuration
  }

  /// Checks a configuration that was built in code, as those from files are.
  public func validate() throws(ConfigurationError) {
    let schema = catalog.schema
    for line in values {
      guard let declaration = schema.entry(line.key)?.declaration else { continue }
      guard declaration.accepts(line.value) else {
        throw .outOfRange(
          file: "configuration", key: line.key, value: "\(line.value)",
          allowed: declaration.allowed)
      }
    }
    if let found = contradictions.first {
      throw .contradiction(file: "configuration", keys: found.keys, reason: found.reason)
    }
  }
}
