public import RLCore

/// The algorithms that a configuration may choose among, and what each can be told.
public struct AlgorithmCatalog: Sendable {
  /// What stands for no algorithm: a stage that is left out.
  public static let none = "none"

  /// Settings by the algorithm's name, for each of the two stages.
  public let offline: [String: any SettingGroup.Type]
  /// Of those that learn from interaction.
  public let online: [String: any SettingGroup.Type]
  /// Every section and key that a configuration with these algorithms has. Made once:
  /// declarations are slow to read.
  package let schema: SettingSchema

  /// - Parameter settings: settings by name, of algorithms that learn offline and online alike.
  public init(_ settings: [String: any SettingGroup.Type]) {
    self.init(offline: settings, online: settings)
  }

  /// - Parameters:
  ///   - offline: settings by name, of algorithms that learn from a dataset.
  ///   - online: those of algorithms that learn from interaction.
  public init(
    offline: [String: any SettingGroup.Type], online: [String: any SettingGroup.Type]
  ) {
    (self.offline, self.online) = (offline, online)
    schema = ExperimentConfiguration.schema(offline: offline, online: online)
  }

  static func sorted(
    _ settings: [String: any SettingGroup.Type]
  ) -> [(name: String, group: any SettingGroup.Type)] {
    settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  static func choices(_ settings: [String: any SettingGroup.Type]) -> [String] {
    settings.keys.sorted() + [none]
  }
}
