/// A network cannot be taken from a file.
public enum NetworkFileError: Error, Equatable, CustomStringConvertible {
  case unreadable(SafetensorsError)
  /// A tensor is not of the expected type or shape.
  case tensor(file: String, name: String, expected: String, actual: String)
  /// Tensors are absent or superfluous.
  case names(file: String, role: String, wanted: [String], found: [String])
  /// The metadata say that the file holds something else.
  case wrongKind(file: String, expected: String, actual: String)
  /// One of the metadata cannot be understood.
  case metadata(file: String, key: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .unreadable(let error): return error.description
    case .tensor(let file, let name, let expected, let actual):
      return "\(file): tensor '\(name)': expected \(expected), found \(actual)"
    case .names(let file, let role, let wanted, let found):
      return NetworkFileError.describe(file, role, wanted: wanted, found: found)
    case .wrongKind(let file, let expected, let actual):
      return "\(file): metadata 'kind': expected \(expected), found \(actual)"
    case .metadata(let file, let key, let expected, let actual):
      return "\(file): metadata '\(key)': expected \(expected), found \(actual)"
    }
  }

  private static func describe(
    _ file: String, _ role: String, wanted: [String], found: [String]
  ) -> String {
    func list(_ names: [String]) -> String {
      let shown = names.prefix(24).joined(separator: ", ")
      return names.count > 24 ? "\(shown) and \(names.count - 24) more" : shown
    }
    let missing = wanted.filter { !found.contains($0) }
    let superfluous = found.filter { !wanted.contains($0) }
    var text = "\(file): not the tensors of a \(role) network"
    if !missing.isEmpty { text += ", missing \(list(missing))" }
    if !superfluous.isEmpty { text += ", superfluous \(list(superfluous))" }
    text += "; expected \(list(wanted)); found \(found.isEmpty ? "none" : list(found))"
    if let program = ForeignWeights.program(ofNames: found) {
      text += ". These names look like those of \(program); bred import takes over some actors."
    }
    return text
  }
}
