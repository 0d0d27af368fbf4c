#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// From what a user gives as a dataset to the file that is meant.
public enum DatasetLocation {
  /// The path itself where it exists; the file of the cache for one of D4RL's names, such as
  /// `hopper-medium-v2`.
  ///
  /// - Throws: where such a file is not in the cache, with how to get it, and for Minari datasets,
  ///   with how to convert them.
  public static func resolve(_ argument: String) throws(DatasetError) -> String {
    if exists(argument) {
      guard MinariDataset.isMinari(argument) else { return argument }
      throw .system(
        file: argument, operation: "this is a Minari dataset",
        message: "convert it with: bred dataset convert \(argument) --output FILE.hdf5")
    }
    guard let entry = D4RLCatalog.entry(named: argument) else { return argument }
    guard exists(entry.cachePath) else {
      throw .system(
        file: argument, operation: "is not at \(entry.cachePath)",
        message: "get it with: bred dataset fetch \(argument); or \(entry.advice)")
    }
    return entry.cachePath
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Bytes of a regular file; `nil` where there is none.
  public static func size(_ path: String) -> Int? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }
}
