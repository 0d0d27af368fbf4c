public import Configuration
import RLCore

extension ExperimentConfiguration {
  /// SHA-256 of `yaml()`: two configurations with equal digests train alike.
  public var digest: String { SHA256.hexDigest(of: Array(yaml().utf8)) }
}
