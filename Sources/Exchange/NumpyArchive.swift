internal import CZlib
import RLCore

/// Arrays as `numpy.load` reads them: a ZIP archive of `.npy` members, stored without compression.
///
/// ZIP is APPNOTE.TXT 6.3, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (end); `.npy` is NumPy's
/// format 1.0. Equal arrays give equal bytes.
struct NumpyArchive {
  enum Entry {
    case numbers(Tensor)
    /// A 0-dimensional array of one string.
    case text(String)
  }

  /// In the order they are written in.
  private var members: [(name: String, bytes: [UInt8])] = []

  /// - Parameter entries: by name; written in the order of names.
  init(_ entries: [String: Entry]) {
    for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
      members.append(("\(name).npy", NumpyArchive.array(entry)))
    }
  }

  // MARK: NPY

  private static func array(_ entry: Entry) -> [UInt8] {
    switch entry {
    case .numbers(let tensor):
      let type: String
      let data: [UInt8]
      switch tensor.elements {
      case .float32(let values): (type, data) = ("<f4", raw(values))
      case .float64(let values): (type, data) = ("<f8", raw(values))
      case .int64(let values): (type, data) = ("<i8", raw(values))
      case .uint8(let values): (type, data) = ("|u1", values)
      }
      return header(type: type, shape: tensor.shape) + data
    case .text(let text):
      // UCS-4, as long as the text; NumPy has no strings of length 0.
      let scalars = text.unicodeScalars.map(\.value)
      return header(type: "<U\(max(1, scalars.count))", shape: [])
        + raw(scalars.isEmpty ? [0] : scalars)
    }
  }

  private static func header(type: String, shape: [Int]) -> [UInt8] {
    let extents =
      shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
    // With what stands before it the header fills a multiple of 64 bytes, and ends with a line break.
    let prefix = 10
    text += String(repeating: " ", count: (64 - (prefix + text.utf8.count + 1) % 64) % 64) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + raw([UInt16(text.utf8.count)])
      + Array(text.utf8)
  }

  private static func raw<Number: BitwiseCopyable>(_ values: [Number]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }

  // MARK: ZIP

  func bytes() -> [UInt8] {
    var (files, directory): ([UInt8], [UInt8]) = ([], [])
    for (name, content) in members {
      let offset = UInt32(files.count)
      let common = NumpyArchive.description(name: name, content: content)
      files += NumpyArchive.raw([UInt32(0x0403_4b50)]) + common
      files += Array(name.utf8) + content
      // Version that made it; comment, disk and attributes are empty.
      directory += NumpyArchive.raw([UInt32(0x0201_4b50)]) + NumpyArchive.raw([UInt16(20)]) + common
      directory += [UInt8](repeating: 0, count: 10) + NumpyArchive.raw([offset])
      directory += Array(name.utf8)
    }
    let count = UInt16(members.count)
    let end =
      NumpyArchive.raw([UInt32(0x0605_4b50)]) + NumpyArchive.raw([UInt16(0), 0, count, count])
      + NumpyArchive.raw([UInt32(directory.count), UInt32(files.count)]) + [0, 0]
    return files + directory + end
  }

  /// What both headers of a member say: versions, flags, method, time, checksum, sizes, lengths of names.
  private static func description(name: String, content: [UInt8]) -> [UInt8] {
    let checksum = UInt32(crc32(0, content, UInt32(content.count)))
    // Version 2.0, names in UTF-8, stored, 1980-01-01 00:00.
    return raw([UInt16(20), 0x0800, 0, 0, 0x0021])
      + raw([checksum, UInt32(content.count), UInt32(content.count)])
      + raw([UInt16(name.utf8.count), 0])
  }
}
