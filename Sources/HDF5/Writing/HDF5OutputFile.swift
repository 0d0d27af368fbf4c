import CHDF5
import CHDF5Driver

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A new HDF5 file being written through libhdf5.
///
/// Old format, no time stamps: every program reads it, and equal content gives equal bytes.
public final class HDF5OutputFile {
  /// What errors call the file.
  public let path: String
  let id: hid_t
  private var isOpen = true
  private var isLost = false
  /// Where the driver leaves the first error of the system.
  private let disk: UnsafeMutablePointer<bred_h5_output>

  /// Creates a file that must not exist yet.
  ///
  /// - Parameter name: what errors call it, where `path` is a temporary name.
  public init(creating path: String, for name: String? = nil) throws(HDF5Error) {
    let place = HDF5Place(file: name ?? path)
    self.path = place.file
    let disk = UnsafeMutablePointer<bred_h5_output>.allocate(capacity: 1)
    disk.initialize(to: bred_h5_output())
    do throws(HDF5Error) {
      self.id = try HDF5Library.locked { (library) throws(HDF5Error) in
        let access = try HDF5Handle(
          H5Pcreate(library.fileAccess), .properties, place, "cannot make access properties")
        // Closing the file closes what is still open in it, so that no handle outlives the file.
        H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG)
        try place.check(bred_h5_set_output_driver(access.id, disk), "cannot make a driver")
        let id = H5Fcreate(path, library.exclusively, hid_t(H5P_DEFAULT), access.id)
        if disk.pointee.error != 0 {
          if id >= 0 { H5Fclose(id) }
          throw place.error("cannot be created: \(String(cString: strerror(disk.pointee.error)))")
        }
        return try place.check(id, "cannot be created")
      }
    } catch {
      disk.deallocate()
      throw error
    }
    self.disk = disk
  }

  deinit {
    try? close()
    // A file that cannot be closed stays with the library, and writes once more when the process ends.
    if !isLost { disk.deallocate() }
  }

  /// Closes the file; it is complete on return, but not yet synced to disk.
  public func close() throws(HDF5Error) {
    guard isOpen else { return }
    isOpen = false
    let place = HDF5Place(file: path)
    try HDF5Library.locked { (_) throws(HDF5Error) in
      let status = H5Fclose(id)
      isLost = status < 0
      try place.check(status, "cannot be closed")
    }
    try checkDisk(place)
  }

  /// Throws what the system said when it first failed to write.
  func checkDisk(_ place: HDF5Place) throws(HDF5Error) {
    let error = disk.pointee.error
    if error != 0 { throw place.error("cannot be written: \(String(cString: strerror(error)))") }
  }

  /// Creates a dataset whose rows will be written later; missing groups on its path are made.
  ///
  /// - Parameters:
  ///   - shape: extents, at most two, all positive.
  ///   - type: a float, integer or boolean type.
  ///   - chunkRows: rows in one chunk; `nil` stores it contiguously and uncompressed.
  ///   - deflate: compression level 0 ... 9 of the chunks.
  public func createDataset(
    _ name: String, shape: [Int], type: HDF5Type, chunkRows: Int? = nil, deflate: Int = 4
  ) throws(HDF5Error) -> HDF5OutputDataset {
    let place = HDF5Place(file: path, object: name)
    precondition(shape.count <= 2, "rank \(shape.count) is above 2")
    return try HDF5Library.locked { (library) throws(HDF5Error) in
      let stored = try HDF5OutputFile.storedType(type, place, library)
      let extents = shape.map { hsize_t($0) }
      let space = try HDF5Handle(
        shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), extents, nil),
        .space, place, "cannot describe shape \(shape)")
      let creation = try HDF5Handle(
        H5Pcreate(library.datasetCreation), .properties, place, "cannot make properties")
      // Without time stamps equal content gives equal bytes.
      H5Pset_obj_track_times(creation.id, false)
      if let chunkRows, !shape.isEmpty {
        var chunk = extents
        chunk[0] = hsize_t(min(chunkRows, shape[0]))
        try place.check(
          H5Pset_chunk(creation.id, Int32(chunk.count), chunk), "cannot set chunks \(chunk)")
        try place.check(
          H5Pset_deflate(creation.id, UInt32(deflate)), "cannot set compression \(deflate)")
      }
      let links = try HDF5Handle(
        H5Pcreate(library.linkCreation), .properties, place, "cannot make link properties")
      H5Pset_create_intermediate_group(links.id, 1)
      let identifier = try place.check(
        H5Dcreate2(
          id, name, stored.id, space.id, links.id, creation.id, hid_t(H5P_DEFAULT)),
        "cannot be created")
      return HDF5OutputDataset(identifier, name: name, shape: shape, in: self)
    }
  }

  /// Writes a scalar string, fixed length as D4RL's (an empty string becomes one zero byte).
  public func write(_ text: String, to name: String) throws(HDF5Error) {
    var bytes = Array(text.utf8)
    if bytes.isEmpty { bytes = [0] }
    let place = HDF5Place(file: path, object: name)
    let type = HDF5Type.string(bytes: bytes.count)
    let dataset = try createDataset(name, shape: [], type: type)
    try HDF5Library.locked { (library) throws(HDF5Error) in
      let stored = try HDF5OutputFile.storedType(type, place, library)
      try place.check(
        H5Dwrite(
          dataset.id, stored.id, hid_t(H5S_ALL), hid_t(H5S_ALL), hid_t(H5P_DEFAULT), bytes),
        "cannot be written")
    }
  }

  /// Writes a scalar integer as int32, D4RL's type for iterations, or int64 where it is too large.
  public func write(_ value: Int, to name: String) throws(HDF5Error) {
    let bytes = Int32(exactly: value) == nil ? 8 : 4
    let dataset = try createDataset(
      name, shape: [], type: .integer(bytes: bytes, signed: true))
    try dataset.write([Int64(value)])
  }

  /// Makes a group, and those on its path that are missing.
  public func createGroup(_ name: String) throws(HDF5Error) {
    let place = HDF5Place(file: path, object: name)
    try HDF5Library.locked { (library) throws(HDF5Error) in
      let links = try HDF5Handle(
        H5Pcreate(library.linkCreation), .properties, place, "cannot make link properties")
      H5Pset_create_intermediate_group(links.id, 1)
      _ = try HDF5Handle(
        H5Gcreate2(id, name, links.id, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT)), .object, place,
        "cannot be created")
    }
  }

  /// Attaches a 64-bit integer to a group or dataset that exists.
  public func setAttribute(_ name: String, of object: String, to value: Int) throws(HDF5Error) {
    let place = HDF5Place(file: path, object: "\(object)/@\(name)")
    try HDF5Library.locked { (library) throws(HDF5Error) in
      let space = try HDF5Handle(
        H5Screate(H5S_SCALAR), .space, place, "cannot describe a scalar")
      let attribute = try HDF5Handle(
        H5Acreate_by_name(
          id, object, name, library.int64, space.id, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT),
          hid_t(H5P_DEFAULT)), .attribute, place, "cannot be created")
      var number = Int64(value)
      try place.check(
        H5Awrite(attribute.id, library.nativeInt64, &number), "cannot be written")
    }
  }

  /// A file type for `type`; the caller owns it.
  static func storedType(
    _ type: HDF5Type, _ place: HDF5Place, _ library: borrowing HDF5Entry
  ) throws(HDF5Error) -> HDF5Handle {
    func copy(_ base: hid_t) throws(HDF5Error) -> HDF5Handle {
      try HDF5Handle(H5Tcopy(base), .type, place, "cannot make its type")
    }
    switch type {
    case .float(bytes: 4): return try copy(library.float32)
    case .float(bytes: 8): return try copy(library.float64)
    case .integer(bytes: 1, signed: true): return try copy(library.int8)
    case .integer(bytes: 4, signed: true): return try copy(library.int32)
    case .integer(bytes: 8, signed: true): return try copy(library.int64)
    case .boolean:
      let handle = try HDF5Handle(
        H5Tenum_create(library.int8), .type, place, "cannot make its type")
      for (name, value) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
        var value = value
        try place.check(H5Tenum_insert(handle.id, name, &value), "cannot make its type")
      }
      return handle
    case .string(let bytes):
      let handle = try copy(library.string)
      try place.check(H5Tset_size(handle.id, bytes), "cannot make its type")
      // As h5py and numpy: the text may fill the field to its last byte.
      try place.check(H5Tset_strpad(handle.id, H5T_STR_NULLPAD), "cannot make its type")
      return handle
    default: throw place.error("elements of type \(type) cannot be written")
    }
  }
}
