public import Configuration

extension PipelineConfiguration {
  /// SHA-256 of ``yaml()``: two configurations with equal digests train alike.
  public var digest: String { SHA256.hexDigest(of: Array(yaml().utf8)) }
}
