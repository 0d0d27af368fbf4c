#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The bytes of a file, read by position and never beyond its end.
final class HDF5Source: Sendable {
  private let descriptor: Int32
  /// Length when the file was opened. A file that shrinks later gives errors, nothing worse.
  let length: Int
  let place: HDF5Place
  /// Tests of what lies behind the checksums turn them off.
  let checksChecksums: Bool

  init(_ path: String, checksums: Bool = true) throws(HDF5Error) {
    let place = HDF5Place(file: path)
    // Without NONBLOCK, opening a pipe would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw place.error(String(cString: strerror(errno))) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let message = String(cString: strerror(errno))
      close(descriptor)
      throw place.error(message)
    }
    let refusal: String? =
      switch status.st_mode & S_IFMT {
      case S_IFREG: status.st_size == 0 ? "is empty, not an HDF5 file" : nil
      case S_IFDIR: "is a directory, not an HDF5 file"
      default: "is not a regular file"
      }
    if let refusal {
      close(descriptor)
      throw place.error(refusal)
    }
    checksChecksums = checksums
    self.descriptor = descriptor
    self.place = place
    length = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills `destination` with the bytes from `offset` on.
  func read(
    at offset: Int, into destination: UnsafeMutableRawBufferPointer, _ place: HDF5Place
  ) throws(HDF5Error) {
    guard offset >= 0, destination.count <= length, offset <= length - destination.count else {
      throw place.error(
        "needs bytes \(offset) to \(offset) + \(destination.count) of a file of \(length)")
    }
    var done = 0
    while done < destination.count {
      let count = pread(
        descriptor, destination.baseAddress! + done, min(destination.count - done, 1 << 30),
        off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 {
        throw place.error("the file became shorter while it was read")
      } else if errno != EINTR {
        throw place.error(String(cString: strerror(errno)))
      }
    }
  }

  /// - Parameter count: must have been judged reasonable by the caller.
  func bytes(
    at offset: UInt64, count: Int, _ place: HDF5Place
  ) throws(HDF5Error) -> HDF5Cursor {
    guard let offset = Int(exactly: offset), count >= 0, count <= length, offset <= length - count
    else { throw place.error("points to \(count) bytes at \(offset) in a file of \(length)") }
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: HDF5Error?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(HDF5Error) { try read(at: offset, into: buffer, place) } catch { failure = error }
    }
    if let failure { throw failure }
    return HDF5Cursor(bytes[...], place)
  }
}

/// Walks over little-endian bytes; reading past their end is an error.
struct HDF5Cursor {
  private(set) var bytes: ArraySlice<UInt8>
  let place: HDF5Place

  init(_ bytes: ArraySlice<UInt8>, _ place: HDF5Place) {
    self.bytes = bytes
    self.place = place
  }

  var remaining: Int { bytes.count }

  mutating func take(_ count: Int) throws(HDF5Error) -> HDF5Cursor {
    guard count >= 0, count <= bytes.count else {
      throw place.error("a structure of the file is cut short")
    }
    let result = bytes.prefix(count)
    bytes = bytes.dropFirst(count)
    return HDF5Cursor(result, place)
  }

  mutating func skip(_ count: Int) throws(HDF5Error) { _ = try take(count) }

  /// An unsigned integer of 1 ... 8 bytes.
  mutating func integer(_ size: Int) throws(HDF5Error) -> UInt64 {
    let part = try take(size)
    return part.bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func byte() throws(HDF5Error) -> Int { Int(try integer(1)) }
  mutating func short() throws(HDF5Error) -> Int { Int(try integer(2)) }
  mutating func word() throws(HDF5Error) -> Int { Int(try integer(4)) }
  /// A file offset.
  mutating func address() throws(HDF5Error) -> UInt64 { try integer(8) }

  /// A length or extent, which must fit a signed 48-bit integer: nothing real is larger.
  mutating func extent() throws(HDF5Error) -> Int {
    let value = try integer(8)
    guard value < 1 << 48 else { throw place.error("a length of \(value) is absurd") }
    return Int(value)
  }

  mutating func expect(_ signature: String, _ what: String) throws(HDF5Error) {
    let found = try take(signature.utf8.count)
    guard found.bytes.elementsEqual(signature.utf8) else {
      throw place.error("the signature of \(what) is missing")
    }
  }

  mutating func expect(byte value: Int, _ what: String) throws(HDF5Error) {
    let found = try byte()
    guard found == value else {
      throw place.error("\(what) is \(found), only \(value) is supported")
    }
  }

  /// Text up to the first zero byte, which must be there.
  func text() throws(HDF5Error) -> String {
    guard let end = bytes.firstIndex(of: 0) else { throw place.error("a name has no end") }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}

/// What HDF5 writes for "nowhere".
let undefinedAddress = UInt64.max
