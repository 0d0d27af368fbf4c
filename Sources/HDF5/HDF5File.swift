import CHDF5

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An open HDF5 file.
///
/// Only the subset that D4RL and Minari use is read: arrays of at most two dimensions, contiguous or
/// chunked, compressed by deflate or not, of floats, integers, booleans and strings. Everything else
/// is refused by name when it is opened.
public final class HDF5File {
  public let path: String
  /// Length of the file in bytes when it was opened for reading, 0 for a file being written.
  public let length: Int
  let id: hid_t
  private var isOpen = true

  var place: HDF5Place { HDF5Place(file: path) }

  /// Opens an existing file for reading.
  public init(reading path: String) throws(HDF5Error) {
    let place = HDF5Place(file: path)
    self.path = path
    self.length = try HDF5File.readableLength(of: place)
    self.id = try HDF5Library.locked { () throws(HDF5Error) in
      let access = try HDF5Handle(
        H5Pcreate(bred_h5p_file_access()), .properties, place, "cannot make access properties")
      // Closing the file closes what is still open in it, so that no handle outlives the file.
      H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG)
      return try place.check(
        H5Fopen(path, bred_h5f_acc_rdonly(), access.id),
        "cannot be opened as HDF5; it may be truncated or damaged")
    }
  }

  /// Creates a file that must not exist yet.
  public init(creating path: String) throws(HDF5Error) {
    let place = HDF5Place(file: path)
    self.path = path
    self.length = 0
    self.id = try HDF5Library.locked { () throws(HDF5Error) in
      let access = try HDF5Handle(
        H5Pcreate(bred_h5p_file_access()), .properties, place, "cannot make access properties")
      H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG)
      return try place.check(
        H5Fcreate(path, bred_h5f_acc_excl(), hid_t(H5P_DEFAULT), access.id), "cannot be created")
    }
  }

  deinit {
    if isOpen { HDF5Library.release { H5Fclose(id) } }
  }

  /// Closes the file; a file that was written is complete on return (but not yet synced to disk).
  public func close() throws(HDF5Error) {
    guard isOpen else { return }
    isOpen = false
    try HDF5Library.locked { () throws(HDF5Error) in
      _ = try place.check(H5Fclose(id), "cannot be closed")
    }
  }

  /// Opens a dataset by its path, such as `infos/qpos`.
  public func dataset(_ name: String) throws(HDF5Error) -> HDF5Dataset {
    try HDF5Dataset(opening: name, in: self)
  }

  /// Length of a regular file that starts (at one of the places HDF5 allows) with HDF5's signature.
  private static func readableLength(of place: HDF5Place) throws(HDF5Error) -> Int {
    let descriptor = open(place.file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw place.error(String(cString: strerror(errno))) }
    defer { _ = Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw place.error(String(cString: strerror(errno)))
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw place.error("is a directory, not an HDF5 file")
    default: throw place.error("is not a regular file")
    }
    let length = Int(status.st_size)
    if length == 0 { throw place.error("is empty, not an HDF5 file") }
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    var offset = 0
    while offset + signature.count <= length {
      var bytes = [UInt8](repeating: 0, count: signature.count)
      if pread(descriptor, &bytes, bytes.count, offset) == bytes.count, bytes == signature {
        return length
      }
      offset = offset == 0 ? 512 : offset * 2
    }
    throw place.error("is not an HDF5 file (no HDF5 signature)")
  }
}
