import CHDF5
internal import CHDF5Probe

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one door to libhdf5, which may be built without thread safety: every call passes this lock.
enum HDF5Library {
  /// Recursive, because closing a handle may happen while another call holds the lock.
  nonisolated(unsafe) private static let mutex: UnsafeMutablePointer<pthread_mutex_t> = {
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    #if canImport(Glibc)
      pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    #else
      pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE)
    #endif
    pthread_mutex_init(mutex, &attributes)
    return mutex
  }()

  static func locked<Result>(
    _ body: (borrowing HDF5Entry) throws(HDF5Error) -> Result
  ) throws(HDF5Error) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    // A thread-safe build keeps the handler per thread, so it is silenced on every entry.
    bred_h5_silence()
    return try body(HDF5Entry())
  }

  /// For `deinit`: releases something, come what may.
  static func release(_ body: () -> Void) {
    pthread_mutex_lock(mutex)
    bred_h5_silence()
    body()
    pthread_mutex_unlock(mutex)
  }
}

/// The right to call libhdf5, which only ``HDF5Library/locked(_:)`` gives.
///
/// What its headers call constants are calls as well, which take the library's own lock. A process that is
/// copied while another thread holds that one can never enter the library, so constants are had from here alone.
struct HDF5Entry: ~Copyable {
  fileprivate init() {}

  var fileAccess: hid_t { bred_h5p_file_access() }
  var datasetCreation: hid_t { bred_h5p_dataset_create() }
  var linkCreation: hid_t { bred_h5p_link_create() }
  /// Creates a file that does not exist yet.
  var exclusively: UInt32 { bred_h5f_acc_excl() }

  var nativeFloat: hid_t { bred_h5t_native_float() }
  var nativeDouble: hid_t { bred_h5t_native_double() }
  var nativeInt64: hid_t { bred_h5t_native_int64() }
  var float32: hid_t { bred_h5t_ieee_f32le() }
  var float64: hid_t { bred_h5t_ieee_f64le() }
  var int8: hid_t { bred_h5t_std_i8le() }
  var int32: hid_t { bred_h5t_std_i32le() }
  var int64: hid_t { bred_h5t_std_i64le() }
  var string: hid_t { bred_h5t_c_s1() }
}

/// Version of the library in use, such as `1.10.8`.
public func hdf5LibraryVersion() -> String {
  var major: UInt32 = 0
  var minor: UInt32 = 0
  var release: UInt32 = 0
  HDF5Library.release { _ = H5get_libversion(&major, &minor, &release) }
  return "\(major).\(minor).\(release)"
}

extension HDF5Place {
  /// The one status check: negative results of any call become an error with the library's stack.
  @discardableResult
  func check<Status: FixedWidthInteger & SignedInteger>(
    _ status: Status, _ reason: @autoclosure () -> String
  ) throws(HDF5Error) -> Status {
    if status < 0 {
      var cause = [CChar](repeating: 0, count: 512)
      bred_h5_take_cause(&cause, cause.count)
      throw HDF5Error(
        file: file, object: object, reason: reason(), cause: String(cString: cause))
    }
    return status
  }
}

/// A library identifier with one owner, given back when it goes out of scope.
struct HDF5Handle: ~Copyable {
  enum Kind { case type, space, properties, object, attribute }

  let id: hid_t
  private let kind: Kind

  init(
    _ id: hid_t, _ kind: Kind, _ place: HDF5Place, _ reason: @autoclosure () -> String
  ) throws(HDF5Error) {
    self.kind = kind
    self.id = try place.check(id, reason())
  }

  deinit {
    let (id, kind) = (id, kind)
    HDF5Library.release {
      switch kind {
      case .type: H5Tclose(id)
      case .space: H5Sclose(id)
      case .properties: H5Pclose(id)
      case .object: H5Oclose(id)
      case .attribute: H5Aclose(id)
      }
    }
  }
}
