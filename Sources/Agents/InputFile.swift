import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A regular file open for reading.
struct InputFile: ~Copyable {
  let path: String
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws(SafetensorsError) {
    // A pipe must not make us wait.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(FileError(path: path, operation: "open")) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let error = FileError(path: path, operation: "examine")
      close(descriptor)
      throw .system(error)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .malformed(file: path, reason: "it is a folder or a device, expected a file")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  borrowing func read<Element: BitwiseCopyable>(
    _ count: Int, at offset: Int
  ) throws(SafetensorsError) -> [Element] {
    var failure: SafetensorsError?
    let result = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      let needed = count * MemoryLayout<Element>.stride
      var done = 0
      while done < needed {
        let got = pread(
          descriptor, bytes.baseAddress! + done, min(needed - done, 1 << 30), off_t(offset + done))
        if got > 0 {
          done += got
        } else if got == 0 {
          failure = .malformed(file: path, reason: "it became shorter while it was read")
          break
        } else if errno != EINTR {
          failure = .system(FileError(path: path, operation: "read"))
          break
        }
      }
      initialized = failure == nil ? count : 0
    }
    if let failure { throw failure }
    return result
  }
}
