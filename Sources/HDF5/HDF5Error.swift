/// Something about an HDF5 file went wrong.
public struct HDF5Error: Error, Equatable, CustomStringConvertible {
  /// Path of the file.
  public let file: String
  /// Path of the object inside the file, such as `/infos/qpos`; empty when the file itself is meant.
  public let object: String
  /// What is wrong, in words of our own.
  public let reason: String
  /// The library's own error stack, outermost call first; empty when the library was not at fault.
  public let stack: [String]

  package init(file: String, object: String = "", reason: String, stack: [String] = []) {
    self.file = file
    self.object = object
    self.reason = reason
    self.stack = stack
  }

  public var description: String {
    let place = object.isEmpty ? file : "\(file): \(object)"
    // The innermost entry is the cause; the others only tell the way there.
    guard let cause = stack.last else { return "\(place): \(reason)" }
    return "\(place): \(reason) (HDF5: \(cause))"
  }
}
