/// Why a model could not be had from MuJoCo.
public enum PhysicsError: Error, Equatable, CustomStringConvertible {
  /// The file is missing or is not valid MJCF; `message` is MuJoCo's own.
  case cannotLoad(source: String, message: String)
  /// MuJoCo had no memory for a simulation of this model.
  case cannotCreateState(source: String)
  /// Part of the model that this package cannot simulate.
  case unsupported(source: String, reason: String)
  /// Nothing here can draw, or not what was asked for.
  case cannotDraw(reason: String)

  public var description: String {
    switch self {
    case .cannotLoad(let source, let message): "\(source): MuJoCo cannot load it: \(message)"
    case .cannotCreateState(let source): "\(source): no memory for a simulation"
    case .unsupported(let source, let reason): "\(source): \(reason)"
    case .cannotDraw(let reason): "cannot draw pictures: \(reason)"
    }
  }
}
