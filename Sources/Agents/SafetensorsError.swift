public import RLCore

/// A safetensors file cannot be read or written.
public enum SafetensorsError: Error, Equatable, CustomStringConvertible {
  /// The operating system refused.
  case system(FileError)
  /// The file as a whole is not safetensors; `reason` names expected and actual.
  case malformed(file: String, reason: String)
  /// One tensor breaks the rules of the format or of what BRED reads.
  case tensor(file: String, name: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .system(let error): error.description
    case .malformed(let file, let reason): "\(file): not a safetensors file: \(reason)"
    case .tensor(let file, let name, let expected, let actual):
      "\(file): tensor '\(name)': expected \(expected), found \(actual)"
    }
  }
}
