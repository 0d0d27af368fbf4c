public import RLCore

/// An ensemble directory is incomplete or does not fit together.
public enum EnsembleDirectoryError: Error, Equatable, CustomStringConvertible {
  case system(FileError)
  case noMembers(directory: String)
  /// `member-i` exists although an earlier number is missing.
  case gap(directory: String, missing: String, found: String)
  case missingFile(path: String)
  case network(NetworkFileError)
  case unwritable(SafetensorsError)
  /// Networks that must have one shape differ.
  case shapeMismatch(file: String, quantity: String, expected: String, actual: String)
  /// `agent.json` cannot be understood.
  case manifest(file: String, reason: String)
  /// Files that belong together name different tasks.
  case environments(file: String, expected: String, actual: String)
  /// The distilled policy came from other members than those beside it.
  case staleDistillation(file: String, reason: String)
  /// There is no one policy to act with.
  case noPolicy(path: String, reason: String)
  /// The files lack a part that an agent wants, or have another one.
  case part(directory: String, part: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .system(let error): error.description
    case .noMembers(let directory):
      "\(directory): not an ensemble: expected a folder 'member-0', found none"
    case .gap(let directory, let missing, let found):
      "\(directory): expected '\(missing)' because '\(found)' is there, found none"
    case .missingFile(let path): "\(path): the file is missing"
    case .network(let error): error.description
    case .unwritable(let error): error.description
    case .shapeMismatch(let file, let quantity, let expected, let actual):
      "\(file): \(quantity): expected \(expected) as in member-0, found \(actual)"
    case .manifest(let file, let reason): "\(file): \(reason)"
    case .environments(let file, let expected, let actual):
      "\(file): metadata 'environment': expected \(expected) as in the files beside it, found \(actual)"
    case .staleDistillation(let file, let reason):
      "\(file): was distilled from other agents than those beside it: \(reason); "
        + "remove it or distil again"
    case .noPolicy(let path, let reason): "\(path): no policy to act with: \(reason)"
    case .part(let directory, let part, let expected, let actual):
      "\(directory): part '\(part)': expected \(expected), found \(actual)"
    }
  }
}
