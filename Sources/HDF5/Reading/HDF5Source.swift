internal import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The bytes of a file, read by position and never beyond its end.
final class HDF5Source: Sendable {
  let descriptor: Int32
  /// Length when the file was opened. A file that shrinks later gives errors, nothing worse.
  let length: Int
  let place: HDF5Place

  /// - Throws: for what is not a regular file with an HDF5 signature, saying what it is.
  init(_ path: String) throws(HDF5Error) {
    place = HDF5Place(file: path)
    // Without NONBLOCK, opening a pipe would wait for a writer.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    var status = stat()
    let isOpen = descriptor >= 0 && fstat(descriptor, &status) == 0
    length = Int(status.st_size)
    guard isOpen else { throw place.error(String(cString: strerror(errno))) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw place.error("is a directory, not an HDF5 file")
    default: throw place.error("is not a regular file")
    }
    // The signature stands at the start or, behind a user block, at 512, 1024, 2048, ….
    var position = 0
    while position + 8 <= length {
      let start = try bytes(at: position, 8, place)
      if start == [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a] { return }
      position = max(512, position * 2)
    }
    let start = try bytes(at: 0, min(length, ForeignFile.examined), place)
    throw place.error(
      "is not an HDF5 file but \(ForeignFile.kind(of: start) ?? "something else (no signature)")")
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Bytes that lie within `length`.
  func bytes(at offset: Int, _ count: Int, _ place: HDF5Place) throws(HDF5Error) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try span.withUnsafeMutableBytes { (buffer) throws(HDF5Error) in
      if let target = buffer.baseAddress { try read(at: offset, count, to: target, place) }
    }
    return bytes
  }

  /// The same into memory at hand.
  func read(
    at offset: Int, _ count: Int, to target: UnsafeMutableRawPointer, _ place: HDF5Place
  ) throws(HDF5Error) {
    var done = 0
    while done < count {
      let got = pread(descriptor, target + done, count - done, off_t(offset + done))
      if got == 0 { throw place.error("the file became shorter while it was read") }
      if got < 0, errno != EINTR { throw place.error(String(cString: strerror(errno))) }
      done += max(0, got)
    }
  }
}
