/// Something about an HDF5 file went wrong.
public struct HDF5Error: Error, Equatable, CustomStringConvertible {
  /// Path of the file.
  public let file: String
  /// Path of the object inside the file, such as `/infos/qpos`; empty when the file itself is meant.
  public let object: String
  /// What is wrong, in words of our own.
  public let reason: String
  /// What the library says, its innermost function; empty when it was not at fault.
  public let cause: String

  package init(file: String, object: String = "", reason: String, cause: String = "") {
    (self.file, self.object, self.reason, self.cause) = (file, object, reason, cause)
  }

  public var description: String {
    // Names of objects are whatever the file holds.
    let place = object.isEmpty ? file : "\(file): \(object.printable)"
    return "\(place): \(reason.printable)" + (cause.isEmpty ? "" : " (HDF5: \(cause.printable))")
  }
}

extension String {
  /// The text without control characters, which could move a terminal's cursor or end a line.
  package var printable: String {
    guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      return self
    }
    var result = ""
    for scalar in unicodeScalars {
      let isSpace = ["\n", "\r", "\t"].contains(scalar)
      result.unicodeScalars.append(
        isSpace ? " " : scalar.properties.generalCategory == .control ? "\u{fffd}" : scalar)
    }
    return result
  }
}
