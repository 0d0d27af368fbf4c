public import RLCore

#if _endian(big)
  #error("safetensors files are little-endian; big-endian machines need byte swaps here")
#endif

/// Files in the safetensors format: tensors and strings under names, no code.
///
/// Read: float32, float64, int64 and uint8 tensors, float16 and bfloat16 as float32, in files that
/// follow every rule of the format (header of at most 100 MB; data without holes or overlap, ending at
/// the end of the file; no name twice). Written: the first four, with bytes that depend on the contents
/// alone, and with a checksum of the contents among the metadata; a file that has one must agree with it.
public enum SafetensorsFile {
  static let maximumHeaderSize = 100_000_000
  /// CRC-32C of the file as it would be without this entry, its tensors in the order of writing.
  static let checksumKey = "content-crc32c"

  /// - Throws: ``SafetensorsError`` for anything that is not such a file.
  public static func read(_ path: String) throws(SafetensorsError) -> NamedTensors {
    let file = try InputFile(path)
    let header: SafetensorsHeader
    let dataStart: Int
    do throws(SafetensorsError) {
      (header, dataStart) = try readHeader(file)
    } catch {
      let start: [UInt8] = try file.read(min(file.size, ForeignFile.examined), at: 0)
      guard let kind = ForeignFile.kind(of: start) else { throw error }
      throw .malformed(file: path, reason: "it is \(kind)")
    }
    var result = NamedTensors(tensors: [:], metadata: header.metadata)
    var end = 0
    // Sorted like this, empty tensors come before the tensor that begins where they stand.
    for entry in header.entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      let count = try elementCount(entry, file: path)
      guard entry.begin == end else {
        throw .tensor(
          file: path, name: entry.name,
          expected: "data from byte \(end) on, without hole or overlap",
          actual: "data from byte \(entry.begin) on")
      }
      end = entry.end
      guard end <= file.size - dataStart else {
        throw .tensor(
          file: path, name: entry.name, expected: "data up to byte \(end)",
          actual: "\(file.size - dataStart) bytes of data in the file")
      }
      let offset = dataStart + entry.begin
      let elements: Tensor.Elements =
        switch ElementType(rawValue: entry.type)! {
        case .float32: .float32(try file.read(count, at: offset))
        case .float16:
          .float32(try file.read(count, at: offset).map { Float(halfPrecision: $0) })
        case .bfloat16: .float32(try file.read(count, at: offset).map { Float(brain: $0) })
        case .float64: .float64(try file.read(count, at: offset))
        case .int64: .int64(try file.read(count, at: offset))
        case .uint8: .uint8(try file.read(count, at: offset))
        }
      result[entry.name] = Tensor(elements, shape: entry.shape)
    }
    guard end == file.size - dataStart else {
      throw .malformed(
        file: path,
        reason: "its tensors need \(end) bytes of data, it has \(file.size - dataStart)")
    }
    try checkSum(&result, file: path)
    return result
  }

  /// Takes the checksum, if there is one, out of the metadata.
  private static func checkSum(
    _ contents: inout NamedTensors, file: String
  ) throws(SafetensorsError) {
    guard let stored = contents.metadata.removeValue(forKey: checksumKey) else { return }
    let names = names(of: contents)
    let actual = checksum(of: contents, header: headerBytes(contents, names: names), names: names)
    guard stored == actual else {
      throw .malformed(
        file: file,
        reason: "it is damaged, or a program has changed it: the checksum of its contents is "
          + "\(actual), '\(checksumKey)' in its metadata says \(stored)")
    }
  }

  private static func checksum(
    of contents: NamedTensors, header: [UInt8], names: [String]
  ) -> String {
    var sum = CRC32C()
    sum.update(header)
    for name in names {
      switch contents[name]!.elements {
      case .float32(let values): sum.update(values)
      case .float64(let values): sum.update(values)
      case .int64(let values): sum.update(values)
      case .uint8(let values): sum.update(values)
      }
    }
    return sum.text
  }

  private static func readHeader(
    _ file: borrowing InputFile
  ) throws(SafetensorsError) -> (SafetensorsHeader, dataStart: Int) {
    guard file.size >= 8 else {
      throw .malformed(file: file.path, reason: "it has \(file.size) bytes, at least 8 are needed")
    }
    let length: [UInt64] = try file.read(1, at: 0)
    guard length[0] <= UInt64(maximumHeaderSize) else {
      throw .malformed(
        file: file.path,
        reason: "its header claims \(length[0]) bytes, at most \(maximumHeaderSize) are allowed")
    }
    let headerSize = Int(length[0])
    guard headerSize <= file.size - 8 else {
      throw .malformed(
        file: file.path,
        reason: "its header claims \(headerSize) bytes, \(file.size - 8) are left in the file")
    }
    let bytes: [UInt8] = try file.read(headerSize, at: 8)
    do throws(SafetensorsHeaderError) {
      return (try SafetensorsHeaderScanner.scan(bytes), 8 + headerSize)
    } catch {
      throw .malformed(file: file.path, reason: error.reason)
    }
  }

  /// Checks type, shape and extent of one entry against each other.
  private static func elementCount(
    _ entry: SafetensorsHeader.Entry, file: String
  ) throws(SafetensorsError) -> Int {
    guard let type = ElementType(rawValue: entry.type) else {
      throw .tensor(
        file: file, name: entry.name,
        expected: "one of " + ElementType.allCases.map(\.rawValue).joined(separator: ", "),
        actual: entry.type)
    }
    var count = 1
    var bytes = 0
    var fits = true
    for extent in entry.shape {
      let product = count.multipliedReportingOverflow(by: extent)
      count = product.partialValue
      fits = fits && !product.overflow
    }
    if fits {
      let product = count.multipliedReportingOverflow(by: type.size)
      bytes = product.partialValue
      fits = !product.overflow
    }
    guard fits, entry.end >= entry.begin, entry.end - entry.begin == bytes else {
      throw .tensor(
        file: file, name: entry.name,
        expected: fits ? "\(bytes) bytes for shape \(entry.shape)" : "a shape that fits memory",
        actual: fits ? "data_offsets \(entry.begin) to \(entry.end)" : "\(entry.shape)")
    }
    return count
  }

  // MARK: Writing

  /// Writes `contents` to `path`, which appears complete or not at all.
  ///
  /// Tensors stand in order of falling element size, then of name, so that each is aligned.
  public static func write(
    _ contents: NamedTensors, to path: String
  ) throws(SafetensorsError) {
    precondition(contents["__metadata__"] == nil, "no tensor can be called __metadata__")
    let names = names(of: contents)
    var summed = contents
    summed.metadata[checksumKey] = nil
    summed.metadata[checksumKey] = checksum(
      of: summed, header: headerBytes(summed, names: names), names: names)
    let header = headerBytes(summed, names: names)
    guard header.count <= maximumHeaderSize else {
      throw .malformed(
        file: path,
        reason:
          "its header would need \(header.count) bytes, at most \(maximumHeaderSize) are allowed")
    }
    do throws(FileError) {
      try AtomicFile.write(to: path) { (output) throws(FileError) in
        try output.write([UInt64(header.count).littleEndian])
        try output.write(header)
        for name in names {
          switch contents[name]!.elements {
          case .float32(let values): try output.write(values)
          case .float64(let values): try output.write(values)
          case .int64(let values): try output.write(values)
          case .uint8(let values): try output.write(values)
          }
        }
      }
    } catch {
      throw .system(error)
    }
  }

  /// In the order of writing.
  private static func names(of contents: NamedTensors) -> [String] {
    contents.tensors.map { (name: $0.key, size: ElementType($0.value.elements).size) }
      .sorted {
        $0.size != $1.size
          ? $0.size > $1.size : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
      }
      .map(\.name)
  }

  private static func headerBytes(_ contents: NamedTensors, names: [String]) -> [UInt8] {
    var members: [String] = []
    if !contents.metadata.isEmpty {
      let pairs = contents.metadata
        .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\(quoted($0.key)):\(quoted($0.value))" }
      members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for name in names {
      let tensor = contents[name]!
      let type = ElementType(tensor.elements)
      let end = offset + tensor.elements.count * type.size
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(quoted(name)):{\"dtype\":\"\(type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var bytes = Array("{\(members.joined(separator: ","))}".utf8)
    // Padding puts the data on a multiple of eight.
    while bytes.count % 8 != 0 { bytes.append(0x20) }
    return bytes
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Element types that BRED reads, under the names of the format; the narrow ones are not written.
private enum ElementType: String, CaseIterable {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float64 = "F64"
  case int64 = "I64"
  case uint8 = "U8"

  init(_ elements: Tensor.Elements) {
    switch elements {
    case .float32: self = .float32
    case .float64: self = .float64
    case .int64: self = .int64
    case .uint8: self = .uint8
    }
  }

  var size: Int {
    switch self {
    case .float32: 4
    case .float16, .bfloat16: 2
    case .float64, .int64: 8
    case .uint8: 1
    }
  }
}

extension AtomicFile.Output {
  borrowing func write<Element: BitwiseCopyable>(
    _ values: [Element]
  ) throws(FileError) {
    var failure: FileError?
    values.withUnsafeBytes { bytes in
      do throws(FileError) { try self.write(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
