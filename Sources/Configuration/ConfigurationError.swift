/// A configuration that cannot be used, with everything needed to correct it.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
  case unreadable(file: String, reason: String)
  case malformed(file: String, reason: String)
  case unknownKey(file: String, key: String, suggestion: String?, allowed: [String])
  case wrongType(file: String, key: String, value: String, expected: String)
  case outOfRange(file: String, key: String, value: String, allowed: String)
  case contradiction(file: String, keys: [String], reason: String)
  case malformedOverride(text: String, reason: String)
  /// No task or method has this name.
  case unknownName(kind: String, name: String, suggestion: String?, known: [String])

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): cannot read the configuration: \(reason)"
    case .malformed(let file, let reason): "\(file): not a valid configuration: \(reason)"
    case .unknownKey(let file, let key, let suggestion, let allowed):
      "\(file): unknown key '\(key)'"
        + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
        + " Allowed here: \(allowed.joined(separator: ", "))"
    case .wrongType(let file, let key, let value, let expected):
      "\(file): '\(key)' is '\(value)', expected \(expected)"
    case .outOfRange(let file, let key, let value, let allowed):
      "\(file): '\(key)' is \(value), allowed: \(allowed)"
    case .contradiction(let file, let keys, let reason):
      "\(file): \(keys.map { "'\($0)'" }.joined(separator: " and ")) contradict each other: "
        + reason
    case .malformedOverride(let text, let reason):
      "--set \(text): \(reason); write --set key=value, as in "
        + "--set online.sac.policyLearningRate=3e-5"
    case .unknownName(let kind, let name, let suggestion, let known):
      "there is no \(kind) '\(name)'"
        + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
        + " Known: \(known.joined(separator: ", ")); or give the path of a YAML file"
    }
  }
}
