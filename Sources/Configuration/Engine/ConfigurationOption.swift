/// A command-line option that stands for a key of the configuration.
public struct ConfigurationOption: Sendable {
  /// As the user wrote it, `--seed`.
  public let name: String
  /// The dotted key for which it stands, `dataset.path`.
  public let key: String
  /// The text behind it, one value as the user wrote it.
  public let value: String

  public init(name: String, key: String, value: String) {
    self.name = name
    self.key = key
    self.value = value
  }
}
