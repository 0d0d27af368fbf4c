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
