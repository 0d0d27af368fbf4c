import CHDF5

/// Swift types into which numbers are read, whatever number type the file has.
public protocol HDF5Element: BitwiseCopyable, Sendable {
  static var zero: Self { get }
}
extension Float: HDF5Element {}
extension Double: HDF5Element {}
extension Int64: HDF5Element {}

extension HDF5Dataset {
  private func memoryType<Element: HDF5Element>(_: Element.Type) -> hid_t {
    switch Element.self {
    case is Float.Type: bred_h5t_native_float()
    case is Double.Type: bred_h5t_native_double()
    default: bred_h5t_native_int64()
    }
  }

  /// Reads rows straight into `destination`, converting numbers on the way block by block.
  ///
  /// - Parameters:
  ///   - rows: the rows wanted; `nil` for all.
  ///   - destination: exactly `rows · rowSize` elements.
  public func read<Element: HDF5Element>(
    rows: Range<Int>? = nil, into destination: UnsafeMutableBufferPointer<Element>
  ) throws(HDF5Error) {
    switch type {
    case .float, .integer: break
    default: throw place.error("holds \(type), expected numbers")
    }
    try transfer(rows: rows, count: destination.count, destination.baseAddress) {
      memoryType(Element.self)
    }
  }

  /// Reads rows into a new array, which is the only full-size copy there ever is.
  public func read<Element: HDF5Element>(
    _: Element.Type, rows: Range<Int>? = nil
  ) throws(HDF5Error) -> [Element] {
    let count = (rows?.count ?? self.rows) * rowSize
    var failure: HDF5Error?
    let values = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(HDF5Error) {
        try read(rows: rows, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<count]))
        initialized = count
      } catch {
        failure = error
        initialized = 0
      }
    }
    if let failure { throw failure }
    return values
  }

  /// Reads flags stored as booleans, integers or floats; anything else than 0 and 1 is an error.
  public func readFlags(rows: Range<Int>? = nil) throws(HDF5Error) -> [Bool] {
    let count = (rows?.count ?? self.rows) * rowSize
    let first = rows?.lowerBound ?? 0
    func flag<Value: Equatable & CustomStringConvertible>(
      _ value: Value, _ index: Int, _ zero: Value, _ one: Value
    ) throws(HDF5Error) -> Bool {
      if value == zero { return false }
      if value == one { return true }
      throw place.error("row \(first + index) is \(value), expected 0 or 1")
    }
    var flags: [Bool] = []
    flags.reserveCapacity(count)
    switch type {
    case .boolean:
      let bytes = try readBytes(rows: rows)
      for (index, byte) in bytes.enumerated() { flags.append(try flag(byte, index, 0, 1)) }
    case .float, .integer:
      // Flags stored as float64 would make a temporary eight times their size: go by blocks.
      let end = rows?.upperBound ?? self.rows
      var start = first
      while start < end {
        let stop = min(end, start + 65_536)
        let block = try read(Float.self, rows: start..<stop)
        for (index, value) in block.enumerated() {
          flags.append(try flag(value, start - first + index, 0, 1))
        }
        start = stop
      }
    default: throw place.error("holds \(type), expected flags")
    }
    return flags
  }

  /// The raw bytes of booleans.
  private func readBytes(rows: Range<Int>?) throws(HDF5Error) -> [Int8] {
    let count = (rows?.count ?? self.rows) * rowSize
    var bytes = [Int8](repeating: 0, count: count)
    var failure: HDF5Error?
    bytes.withUnsafeMutableBufferPointer { buffer in
      do throws(HDF5Error) {
        try HDF5Library.locked { () throws(HDF5Error) in
          // The file's own enumeration in memory: no conversion, and odd values stay visible.
          let stored = try HDF5Handle(H5Dget_type(id), .type, place, "cannot read its type")
          try transferLocked(rows: rows, count: count, buffer.baseAddress, type: stored.id)
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Reads a scalar string, or an array of one.
  public func readString() throws(HDF5Error) -> String {
    guard count == 1 else { throw place.error("has shape \(shape), expected one string") }
    return try HDF5Library.locked { () throws(HDF5Error) in
      switch type {
      case .fixedString(let size):
        let stored = try HDF5Handle(H5Dget_type(id), .type, place, "cannot read its type")
        var bytes = [UInt8](repeating: 0, count: size)
        try place.check(
          H5Dread(id, stored.id, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT), &bytes),
          "cannot be read")
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      case .variableString:
        let stored = try HDF5Handle(H5Dget_type(id), .type, place, "cannot read its type")
        let space = try HDF5Handle(H5Dget_space(id), .space, place, "cannot read its shape")
        var pointer: UnsafeMutablePointer<CChar>?
        try place.check(
          H5Dread(id, stored.id, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT), &pointer),
          "cannot be read")
        guard let text = pointer else { return "" }
        let string = String(cString: text)
        H5Dvlen_reclaim(stored.id, space.id, hid_t(H5P_DEFAULT), &pointer)
        return string
      default: throw place.error("holds \(type), expected a string")
      }
    }
  }

  // MARK: Transfer

  private func transfer(
    rows: Range<Int>?, count: Int, _ destination: UnsafeMutableRawPointer?, type: () -> hid_t
  ) throws(HDF5Error) {
    let type = type()
    try HDF5Library.locked { () throws(HDF5Error) in
      try transferLocked(rows: rows, count: count, destination, type: type)
    }
  }

  private func transferLocked(
    rows: Range<Int>?, count: Int, _ destination: UnsafeMutableRawPointer?, type: hid_t
  ) throws(HDF5Error) {
    let wanted = rows ?? 0..<self.rows
    precondition(
      wanted.lowerBound >= 0 && wanted.upperBound <= self.rows,
      "rows \(wanted) of \(name), which has \(self.rows)")
    precondition(
      count == wanted.count * rowSize, "\(count) elements for \(wanted.count) rows of \(rowSize)")
    guard count > 0, let destination else { return }
    if wanted == 0..<self.rows {
      try place.check(
        H5Dread(id, type, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT), destination),
        "cannot be read")
      return
    }
    let space = try HDF5Handle(H5Dget_space(id), .space, place, "cannot read its shape")
    let memory = try HDF5Dataset.select(wanted, of: shape, in: space, place)
    try place.check(
      H5Dread(id, type, memory.id, space.id, hid_t(H5P_DEFAULT), destination),
      "rows \(wanted.lowerBound) to \(wanted.upperBound) cannot be read")
  }

  /// Selects rows in a file space and returns the matching space in memory.
  static func select(
    _ rows: Range<Int>, of shape: [Int], in space: borrowing HDF5Handle, _ place: HDF5Place
  ) throws(HDF5Error) -> HDF5Handle {
    var start = shape.map { _ in hsize_t(0) }
    var extent = shape.map { hsize_t($0) }
    if !shape.isEmpty {
      start[0] = hsize_t(rows.lowerBound)
      extent[0] = hsize_t(rows.count)
    }
    try place.check(
      H5Sselect_hyperslab(space.id, H5S_SELECT_SET, start, nil, extent, nil),
      "cannot select rows \(rows)")
    return try HDF5Handle(
      H5Screate_simple(Int32(shape.count), extent, nil), .space, place,
      "cannot describe rows \(rows)")
  }
}
