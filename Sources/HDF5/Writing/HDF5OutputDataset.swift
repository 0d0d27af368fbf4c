import CHDF5

/// An array of a file being written; rows are written in any order.
public final class HDF5OutputDataset {
  /// Path from the root without a leading slash.
  public let name: String
  /// Extents, fixed when the dataset was made; empty for a scalar.
  public let shape: [Int]
  private let file: HDF5OutputFile
  let id: hid_t

  private var place: HDF5Place { HDF5Place(file: file.path, object: name) }
  /// Length of the first axis (1 for a scalar).
  public var rows: Int { shape.first ?? 1 }
  /// Elements of one row.
  public var rowSize: Int { shape.dropFirst().reduce(1, *) }

  init(_ id: hid_t, name: String, shape: [Int], in file: HDF5OutputFile) {
    (self.id, self.name, self.shape, self.file) = (id, name, shape, file)
  }

  /// Writes what is still in memory. Where it comes to lie in the file depends on the order in which
  /// datasets are closed, so a writer of reproducible files closes them itself.
  public func close() throws(HDF5Error) {
    let (place, id) = (self.place, self.id)
    try HDF5Library.locked { (_) throws(HDF5Error) in
      if H5Iis_valid(id) > 0 { _ = try place.check(H5Dclose(id), "cannot be written") }
    }
    try file.checkDisk(place)
  }

  deinit {
    // Closing the file has closed this as well.
    HDF5Library.release { if H5Iis_valid(id) > 0 { H5Dclose(id) } }
  }

  /// Writes whole rows from `firstRow` on.
  public func write<Element: HDF5Element>(
    _ values: [Element], at firstRow: Int = 0
  ) throws(HDF5Error) {
    try HDF5Library.locked { (library) throws(HDF5Error) in
      let memory =
        switch Element.self {
        case is Float.Type: library.nativeFloat
        case is Double.Type: library.nativeDouble
        default: library.nativeInt64
        }
      try values.span.withUnsafeBytes { (bytes) throws(HDF5Error) in
        try write(bytes.baseAddress, count: values.count, at: firstRow, type: memory)
      }
    }
  }

  /// Writes booleans as h5py's enumeration.
  public func write(_ flags: [Bool], at firstRow: Int = 0) throws(HDF5Error) {
    let bytes = flags.map { Int8($0 ? 1 : 0) }
    let place = self.place
    try HDF5Library.locked { (library) throws(HDF5Error) in
      let type = try HDF5OutputFile.storedType(.boolean, place, library)
      let identifier = type.id
      try bytes.span.withUnsafeBytes { (bytes) throws(HDF5Error) in
        try write(bytes.baseAddress, count: flags.count, at: firstRow, type: identifier)
      }
    }
  }

  /// Behind the lock.
  private func write(
    _ source: UnsafeRawPointer?, count: Int, at firstRow: Int, type: hid_t
  ) throws(HDF5Error) {
    precondition(count % max(1, rowSize) == 0, "\(count) elements are no whole rows of \(rowSize)")
    let rows = firstRow..<firstRow + count / max(1, rowSize)
    precondition(rows.upperBound <= self.rows, "rows \(rows) of \(name), which has \(self.rows)")
    guard count > 0, let source else { return }
    if shape.isEmpty || rows == 0..<self.rows {
      try place.check(
        H5Dwrite(id, type, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT), source),
        "cannot be written")
    } else {
      let space = try HDF5Handle(H5Dget_space(id), .space, place, "cannot read its shape")
      let memory = try HDF5OutputDataset.select(rows, of: shape, in: space, place)
      try place.check(
        H5Dwrite(id, type, memory.id, space.id, hid_t(H5P_DEFAULT), source),
        "rows \(rows.lowerBound) to \(rows.upperBound) cannot be written")
    }
    try file.checkDisk(place)
  }

  /// Selects rows in a file space and returns the matching space in memory.
  private static func select(
    _ rows: Range<Int>, of shape: [Int], in space: borrowing HDF5Handle, _ place: HDF5Place
  ) throws(HDF5Error) -> HDF5Handle {
    var start = shape.map { _ in hsize_t(0) }
    var extent = shape.map { hsize_t($0) }
    start[0] = hsize_t(rows.lowerBound)
    extent[0] = hsize_t(rows.count)
    try place.check(
      H5Sselect_hyperslab(space.id, H5S_SELECT_SET, start, nil, extent, nil),
      "cannot select rows \(rows)")
    return try HDF5Handle(
      H5Screate_simple(Int32(shape.count), extent, nil), .space, place,
      "cannot describe rows \(rows)")
  }
}
