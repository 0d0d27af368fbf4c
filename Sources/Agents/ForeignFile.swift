/// Recognises what lies where a safetensors file should, by its first bytes.
enum ForeignFile {
  /// Bytes that ``kind(of:)`` wants to see.
  static let examined = 1024

  /// What the file is, as the end of "not a safetensors file: …"; `nil` where nothing is recognised.
  static func kind(of start: [UInt8]) -> String? {
    if start.isEmpty { return "it is empty" }
    // A damaged safetensors file is that.
    if start.count > 8, start[8] == UInt8(ascii: "{"), start[4..<8].allSatisfy({ $0 == 0 }) {
      return nil
    }
    func begins(_ bytes: [UInt8]) -> Bool { start.starts(with: bytes) }
    func begins(_ text: String) -> Bool { start.starts(with: text.utf8) }
    if begins("version https://git-lfs.github.com/spec/") {
      return "it is a Git LFS pointer, not the file that it stands for; `git lfs pull` fetches that"
    }
    if begins([0x50, 0x4b, 0x03, 0x04]) {
      return contains(start, ".npy") || contains(start, "NUMPY")
        ? "it is a NumPy archive (.npz)"
        : "it is a zip archive, as torch.save and Stable-Baselines3 write; take the tensors out of it "
          + "with safetensors.torch.save_file"
    }
    if begins([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) {
      return "it is an HDF5 file, such as a dataset"
    }
    if begins([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]) { return "it is a NumPy array (.npy)" }
    if begins([0x1f, 0x8b]) { return "it is compressed with gzip" }
    // A pickle's second byte is its protocol.
    if start.count > 1, start[0] == 0x80, (2...5).contains(start[1]) {
      return
        "it is a Python pickle, as older versions of torch.save write; take the tensors out of it "
        + "with safetensors.torch.save_file"
    }
    if start.count > 1, (0x81...0x8f).contains(start[0]), (0xa1...0xbf).contains(start[1]) {
      return "it is MessagePack, as Flax writes"
    }
    // White space and a byte order mark.
    let skipped: [UInt8] = [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]
    let text = String(decoding: start.drop { skipped.contains($0) }.prefix(64), as: UTF8.self)
      .lowercased()
    if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") {
      return "it is an HTML page, perhaps that of a failed download"
    }
    if text.hasPrefix("{") { return "it is JSON text" }
    return nil
  }

  private static func contains(_ bytes: [UInt8], _ text: String) -> Bool {
    let wanted = Array(text.utf8)
    guard bytes.count >= wanted.count else { return false }
    return (0...bytes.count - wanted.count).contains {
      bytes[$0..<$0 + wanted.count] == wanted[...]
    }
  }
}
