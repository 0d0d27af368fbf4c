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
    guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
      let message = String(cString: strerror(errno))
      length = 0
      throw place.error(message)
    }
    length = Int(status.st_size)
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw place.error("is a directory, not an HDF5 file")
    default: throw place.error("is not a regular file")
    }
    guard length > 0 else { throw place.error("is empty, not an HDF5 file") }
    try findSignature()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// HDF5's signature stands at the start or, behind a user block, at 512, 1024, 2048, ….
  private func findSignature() throws(HDF5Error) {
    var position = 0
    while position + 8 <= length {
      let start = try bytes(at: position, count: 8)
      if start == [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a] { return }
      position = max(512, position * 2)
    }
    let start = try bytes(at: 0, count: min(length, 512))
    throw place.error(
      "is not an HDF5 file" + (HDF5Impostor.name(start).map { " but \($0)" } ?? " (no signature)"))
  }

  private func bytes(at offset: Int, count: Int) throws(HDF5Error) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: HDF5Error?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(HDF5Error) { try read(at: offset, into: buffer, place) } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Fills `destination` with the bytes from `offset` on, which lie within `length`.
  func read(
    at offset: Int, into destination: UnsafeMutableRawBufferPointer, _ place: HDF5Place
  ) throws(HDF5Error) {
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
}

/// What people have under the name of a dataset when it is no HDF5 file.
enum HDF5Impostor {
  private static let signatures: [(start: [UInt8], name: String)] = [
    (Array("\u{1f}".utf8) + [0x8b], "packed by gzip; gunzip unpacks it"),
    (Array("PK\u{3}\u{4}".utf8), "a zip archive, as NumPy's .npz and PyTorch's files are"),
    ([0x93] + Array("NUMPY".utf8), "an array of NumPy (.npy)"),
    (Array("BZh".utf8), "packed by bzip2; bunzip2 unpacks it"),
    ([0xfd] + Array("7zXZ".utf8), "packed by xz; unxz unpacks it"),
    ([0x28, 0xb5, 0x2f, 0xfd], "packed by zstd; unzstd unpacks it"),
    ([0x0e, 0x03, 0x13, 0x01], "an HDF4 file, an older format"),
    (Array("PAR1".utf8), "a Parquet file"), (Array("(dp0".utf8), "a Python pickle"),
  ]

  /// - Parameter start: the first bytes of the file.
  /// - Returns: `nil` for what is not known.
  static func name(_ start: [UInt8]) -> String? {
    let text = String(decoding: start, as: UTF8.self)
    if text.hasPrefix("version https://git-lfs") {
      let size = text.split(separator: "\n").first { $0.hasPrefix("size ") }.map { $0.dropFirst(5) }
      return "a Git LFS pointer to \(size ?? "?") bytes; git lfs pull fetches them"
    }
    let first = text.drop { $0.isWhitespace || $0 == "\u{feff}" }.prefix(64).lowercased()
    if ["<!doctype", "<html", "<head", "<?xml"].contains(where: first.hasPrefix) {
      return "a web page (HTML), an answer of the server in place of the data"
    }
    // Protocols 2 to 5 begin with their number.
    if start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) { return "a Python pickle" }
    return signatures.first { start.starts(with: $0.start) }?.name
  }
}
