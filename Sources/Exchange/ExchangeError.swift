public import Agents
public import RLCore

/// A policy cannot be handed over, or taken over.
public enum ExchangeError: Error, Equatable, CustomStringConvertible {
  /// What acts is more than networks of one observation, or of a kind that the format has no place for.
  case kind(expected: String, actual: String)
  /// Names of tensors that belong to no actor of a program known here.
  case unknownLayout(file: String, found: [String], known: [String])
  /// Names that belong to a known actor, with some missing or too many.
  case names(file: String, layout: String, missing: [String], unexpected: [String])
  /// One tensor is not what that actor has under this name.
  case tensor(file: String, name: String, expected: String, actual: String)
  case weights(SafetensorsError)
  case file(FileError)

  public var description: String {
    switch self {
    case .kind(let expected, let actual): "this policy: expected \(expected), found \(actual)"
    case .unknownLayout(let file, let found, let known):
      "\(file): the tensors are those of no actor known here; found "
        + "\(found.joined(separator: ", ")); known are \(known.joined(separator: ", ")), "
        + "see docs/exchange.md"
    case .names(let file, let layout, let missing, let unexpected):
      "\(file): this looks like \(layout)"
        + (missing.isEmpty ? "" : "; missing: \(missing.joined(separator: ", "))")
        + (unexpected.isEmpty ? "" : "; not part of it: \(unexpected.joined(separator: ", "))")
    case .tensor(let file, let name, let expected, let actual):
      "\(file): tensor '\(name)': expected \(expected), found \(actual)"
    case .weights(let error): error.description
    case .file(let error): error.description
    }
  }
}
