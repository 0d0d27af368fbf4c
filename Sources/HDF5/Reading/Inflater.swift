internal import CZlib

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Undoes deflate, for one thread: with libdeflate where the system has it, which takes some 0.6 of zlib's time, else with
/// zlib, which comes with libhdf5. The bytes are the same.
///
/// libdeflate is looked up at run time, so that nothing needs it. What it refuses goes to zlib too, which has the last word
/// and the message.
final class Inflater {
  /// The three functions of `libdeflate.h` that are used here.
  private struct Library {
    let make: @convention(c) () -> OpaquePointer?
    let free: @convention(c) (OpaquePointer?) -> Void
    let inflate:
      @convention(c) (
        OpaquePointer?, UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int,
        UnsafeMutablePointer<Int>?
      ) -> Int32

    init?() {
      guard let handle = dlopen("libdeflate.so.0", RTLD_NOW | RTLD_LOCAL),
        let make = dlsym(handle, "libdeflate_alloc_decompressor"),
        let free = dlsym(handle, "libdeflate_free_decompressor"),
        let inflate = dlsym(handle, "libdeflate_zlib_decompress")
      else { return nil }
      self.make = unsafeBitCast(make, to: (@convention(c) () -> OpaquePointer?).self)
      self.free = unsafeBitCast(free, to: (@convention(c) (OpaquePointer?) -> Void).self)
      self.inflate = unsafeBitCast(
        inflate,
        to: (@convention(c) (
          OpaquePointer?, UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int,
          UnsafeMutablePointer<Int>?
        ) -> Int32).self)
    }
  }

  private static let library = Library()

  /// What inflates here, for reports: `libdeflate`, or zlib's version.
  static var name: String {
    library == nil ? "zlib \(String(cString: zlibVersion()))" : "libdeflate"
  }

  private let decompressor: OpaquePointer?

  /// - Parameter fast: whether libdeflate may be used.
  init(fast: Bool = true) { decompressor = fast ? Inflater.library?.make() : nil }

  deinit { if let decompressor { Inflater.library?.free(decompressor) } }

  /// Exactly `count` bytes from a zlib stream of `size` bytes.
  ///
  /// - Returns: what is wrong, `nil` where all is well.
  func inflate(
    _ stored: UnsafeRawPointer, _ size: Int, to target: UnsafeMutableRawPointer, _ count: Int
  ) -> String? {
    if let decompressor, let library = Inflater.library {
      var length = 0
      if library.inflate(decompressor, stored, size, target, count, &length) == 0, length == count {
        return nil
      }
    }
    var length = uLongf(count)
    let status = uncompress(
      target.assumingMemoryBound(to: Bytef.self), &length,
      stored.assumingMemoryBound(to: Bytef.self), uLong(size))
    guard status == Z_OK else { return "zlib error \(status)" }
    return length == count ? nil : "\(length) of \(count) bytes"
  }
}

/// What undoes deflate in this process, `libdeflate` or zlib with its version.
public func inflaterName() -> String { Inflater.name }
