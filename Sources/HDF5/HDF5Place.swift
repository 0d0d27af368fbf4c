/// Where an operation happens: what an error names.
struct HDF5Place: Sendable {
  let file: String
  var object: String = ""

  func error(_ reason: String) -> HDF5Error {
    HDF5Error(file: file, object: object, reason: reason)
  }

  func inside(_ name: String) -> HDF5Place {
    HDF5Place(file: file, object: object.isEmpty ? name : "\(object)/\(name)")
  }
}
