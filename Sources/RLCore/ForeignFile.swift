/// Recognises, by its first bytes, what lies where weights or a dataset should.
package enum ForeignFile {
  /// Bytes that ``kind(of:)`` wants to see.
  package static let examined = 1024

  private static let signatures: [(start: [UInt8], name: String)] = [
    ([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a], "an HDF5 file, such as a dataset"),
    ([0x93] + Array("NUMPY".utf8), "a NumPy array (.npy)"),
    ([0x1f, 0x8b], "compressed with gzip; gunzip unpacks it"),
    (Array("BZh".utf8), "compressed with bzip2; bunzip2 unpacks it"),
    ([0xfd] + Array("7zXZ".utf8), "compressed with xz; unxz unpacks it"),
    ([0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd; unzstd unpacks it"),
    ([0x0e, 0x03, 0x13, 0x01], "an HDF4 file, an older format"),
    (Array("PAR1".utf8), "a Parquet file"),
    (Array("(dp0".utf8), pickle),
  ]

  private static let pickle = "a Python pickle, as older versions of torch.save write" + tensors
  private static let tensors =
    "; weights are taken out of it with safetensors.torch.save_file, arrays with h5py"

  /// What the file is, for a sentence such as "it is …"; `nil` where nothing is recognised.
  package static func kind(of start: [UInt8]) -> String? {
    if start.isEmpty { return "empty" }
    // A damaged safetensors file is that.
    if start.count > 8, start[8] == UInt8(ascii: "{"), start[4..<8].allSatisfy({ $0 == 0 }) {
      return nil
    }
    let text = String(decoding: start, as: UTF8.self)
    if text.hasPrefix("version https://git-lfs") {
      let size = text.split(separator: "\n").first { $0.hasPrefix("size ") }?.dropFirst(5) ?? "?"
      return "a Git LFS pointer to \(size) bytes, not the file itself; git lfs pull fetches that"
    }
    if start.starts(with: [0x50, 0x4b, 0x03, 0x04]) {
      return text.contains(".npy")
        ? "a NumPy archive (.npz)"
        : "a zip archive, as torch.save and Stable-Baselines3 write" + tensors
    }
    if let known = signatures.first(where: { start.starts(with: $0.start) }) { return known.name }
    // A pickle's second byte is its protocol.
    if start.count > 1, start[0] == 0x80, (2...5).contains(start[1]) { return pickle }
    if start.count > 1, (0x81...0x8f).contains(start[0]), (0xa1...0xbf).contains(start[1]) {
      return "MessagePack, as Flax writes"
    }
    let first = text.drop { $0.isWhitespace || $0 == "\u{feff}" }.prefix(64).lowercased()
    if ["<!doctype html", "<html", "<head", "<?xml"].contains(where: first.hasPrefix) {
      return "an HTML page, perhaps that of a failed download or of a login"
    }
    return first.hasPrefix("{") ? "JSON text" : nil
  }
}
