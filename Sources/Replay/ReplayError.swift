/// A minibatch cannot be drawn, or a scheme of drawing makes no sense.
public enum ReplayError: Error, Equatable, CustomStringConvertible {
  /// The scheme asks for rows of a buffer that has none.
  case empty(buffer: String)
  /// A share of online rows must lie in [0, 1].
  case fractionOutOfRange(name: String, value: Double)
  /// A schedule must end after a positive number of environment steps.
  case finalStepNotPositive(value: Int)

  public var description: String {
    switch self {
    case .empty(let buffer): "the \(buffer) replay buffer is empty, nothing can be drawn from it"
    case .fractionOutOfRange(let name, let value):
      "\(name) is \(value), allowed are values from 0 to 1"
    case .finalStepNotPositive(let value):
      "the final step of the mixing schedule is \(value), allowed are values above 0"
    }
  }
}
