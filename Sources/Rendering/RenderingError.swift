/// A film cannot be made.
public enum RenderingError: Error, Equatable, CustomStringConvertible {
  /// A program of the system that is not there.
  case missingProgram(name: String, package: String)
  /// A name or an ending that stands for nothing that can be written.
  case unsuitableOutput(path: String, reason: String)
  case cannotWrite(path: String, reason: String)

  public var description: String {
    switch self {
    case .missingProgram(let name, let package):
      "\(name) is missing; install it: apt-get install \(package)"
    case .unsuitableOutput(let path, let reason): "\(path): \(reason)"
    case .cannotWrite(let path, let reason): "\(path): cannot write: \(reason)"
    }
  }
}
