internal import HDF5

/// Checks of a file's arrays against one another.
struct D4RLLayout {
  let file: String
  let rows: Int
  let columns: [String: D4RLColumn]

  /// A matrix of numbers with one row for each step; returns its width.
  @discardableResult
  func matrix(_ name: String, columns width: Int? = nil) throws(DatasetError) -> Int {
    let column = columns[name]!
    try requireNumbers(column)
    guard column.shape.count == 2, column.shape[0] == rows, column.shape[1] > 0,
      width == nil || column.shape[1] == width
    else {
      throw mismatch(column, "shape [\(rows), \(width.map(String.init) ?? "columns")]")
    }
    return column.shape[1]
  }

  /// A vector with one element for each step; D4RL v1 stores some as `(n, 1)`.
  func column(_ name: String, flags: Bool) throws(DatasetError) {
    let column = columns[name]!
    if !(flags && column.type == .boolean) { try requireNumbers(column) }
    guard column.shape == [rows] || column.shape == [rows, 1] else {
      throw mismatch(column, "shape [\(rows)]")
    }
  }

  private func requireNumbers(_ column: D4RLColumn) throws(DatasetError) {
    switch column.type {
    case .float, .integer: return
    default:
      throw .mismatch(
        file: file, field: column.name, expected: "numbers", actual: column.type.description)
    }
  }

  private func mismatch(_ column: D4RLColumn, _ expected: String) -> DatasetError {
    .mismatch(
      file: file, field: column.name, expected: expected, actual: "shape \(column.shape)")
  }

  /// The generation: what the layout says for sure, else the file's name, else v2.
  var version: D4RLVersion {
    if columns["next_observations"] == nil { return .v0 }
    if let position = columns["infos/qpos"], position.type == .float(bytes: 4) { return .v1 }
    if columns["rewards"]!.shape.count == 2 || columns["terminals"]!.type != .boolean { return .v1 }
    let base = file.split(separator: "/").last ?? ""
    return base.contains("-v1.") ? .v1 : .v2
  }
}

/// What a walk through a file finds.
struct D4RLListing {
  var columns: [D4RLColumn] = []
  var metadata: [(name: String, value: String)] = []
  /// What cannot be read, none of it something that D4RL defines.
  var unreadable: [HDF5Error] = []

  private static let known: Set<String> = [
    "observations", "actions", "rewards", "terminals", "timeouts", "next_observations",
    "infos/qpos", "infos/qvel", "infos/action_log_probs", "episode_terminals",
  ]

  init(_ file: HDF5File) throws(HDF5Error) {
    for failure in file.leftOut {
      if D4RLListing.known.contains(failure.object) { throw failure }
      unreadable.append(failure)
    }
    for object in file.objects() where object.kind == .dataset {
      do throws(HDF5Error) {
        let array = try file.dataset(object.path)
        if object.path.hasPrefix("metadata/") {
          guard array.shape.isEmpty else { continue }
          let name = String(object.path.dropFirst("metadata/".count))
          metadata.append((name, try D4RLListing.text(array)))
        } else if !array.shape.isEmpty {
          columns.append(
            D4RLColumn(
              name: object.path, shape: array.shape, type: array.type, storage: array.storage,
              storedBytes: array.storedBytes))
        }
      } catch {
        if D4RLListing.known.contains(object.path) { throw error }
        unreadable.append(error)
      }
    }
  }

  private static func text(_ array: HDF5Dataset) throws(HDF5Error) -> String {
    switch array.type {
    case .string: try array.readString()
    case .integer: String(try array.read(Int64.self)[0])
    case .float: String(try array.read(Double.self)[0])
    case .boolean: String(try array.readFlags()[0])
    }
  }
}
