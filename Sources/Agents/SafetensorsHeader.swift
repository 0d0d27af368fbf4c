/// The JSON header of a safetensors file: what stands where.
struct SafetensorsHeader {
  struct Entry {
    var name: String
    var type: String
    var shape: [Int]
    /// First byte and byte after the last, counted from the end of the header.
    var begin: Int
    var end: Int
  }

  var entries: [Entry] = []
  var metadata: [String: String] = [:]
}

/// Why a header is not what the format allows.
struct SafetensorsHeaderError: Error {
  var reason: String
}

/// A scanner for the part of JSON which safetensors headers use.
///
/// Stricter than a general parser: no duplicate or unknown keys, extents and offsets are
/// non-negative integers that fit 63 bits, metadata are strings. Nothing nests deeper than the format
/// does, so hostile input cannot exhaust the stack.
struct SafetensorsHeaderScanner {
  private let bytes: [UInt8]
  private var position = 0

  static func scan(_ bytes: [UInt8]) throws(SafetensorsHeaderError) -> SafetensorsHeader {
    var scanner = SafetensorsHeaderScanner(bytes: bytes)
    return try scanner.header()
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private func failure(_ reason: String) -> SafetensorsHeaderError {
    SafetensorsHeaderError(reason: "\(reason) at byte \(position) of the header")
  }

  // MARK: Structure

  private mutating func header() throws(SafetensorsHeaderError) -> SafetensorsHeader {
    // The format wants the first byte to be the brace.
    guard bytes.first == UInt8(ascii: "{") else { throw failure("expected '{'") }
    var header = SafetensorsHeader()
    var names: Set<String> = []
    try object { (scanner, name) throws(SafetensorsHeaderError) in
      guard names.insert(name).inserted else {
        throw scanner.failure("the name '\(name)' appears twice, found the second")
      }
      if name == "__metadata__" {
        header.metadata = try scanner.strings()
      } else {
        header.entries.append(try scanner.entry(name))
      }
    }
    skipSpace()
    guard position == bytes.count else { throw failure("expected the end, found more") }
    return header
  }

  private mutating func strings() throws(SafetensorsHeaderError) -> [String: String] {
    var result: [String: String] = [:]
    try object { (scanner, key) throws(SafetensorsHeaderError) in
      guard result.updateValue(try scanner.string(), forKey: key) == nil else {
        throw scanner.failure("the metadata key '\(key)' appears twice, found the second")
      }
    }
    return result
  }

  private mutating func entry(
    _ name: String
  ) throws(SafetensorsHeaderError) -> SafetensorsHeader.Entry {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try object { (scanner, key) throws(SafetensorsHeaderError) in
      switch key {
      case "dtype" where type == nil: type = try scanner.string()
      case "shape" where shape == nil: shape = try scanner.integers()
      case "data_offsets" where offsets == nil: offsets = try scanner.integers()
      default: throw scanner.failure("tensor '\(name)' has an unknown or repeated key '\(key)'")
      }
    }
    guard let type, let shape, let offsets else {
      throw failure("tensor '\(name)' needs dtype, shape and data_offsets; one is missing")
    }
    guard offsets.count == 2 else {
      throw failure("tensor '\(name)' needs 2 data_offsets, found \(offsets.count)")
    }
    return .init(name: name, type: type, shape: shape, begin: offsets[0], end: offsets[1])
  }

  /// An object; `value` is called after each key and its colon.
  private mutating func object(
    _ value: (inout Self, String) throws(SafetensorsHeaderError) -> Void
  ) throws(SafetensorsHeaderError) {
    try expect("{")
    if accept("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try value(&self, key)
    } while accept(",")
    try expect("}")
  }

  private mutating func integers() throws(SafetensorsHeaderError) -> [Int] {
    try expect("[")
    if accept("]") { return [] }
    var result: [Int] = []
    repeat { result.append(try integer()) } while accept(",")
    try expect("]")
    return result
  }

  // MARK: Words

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsHeaderError) {
    guard accept(character) else { throw failure("expected '\(character)'") }
  }

  private mutating func integer() throws(SafetensorsHeaderError) -> Int {
    skipSpace()
    let start = position
    var value = 0
    while position < bytes.count, bytes[position] >= 0x30, bytes[position] <= 0x39 {
      let (product, overflow1) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflow2) = product.addingReportingOverflow(Int(bytes[position] - 0x30))
      guard !overflow1, !overflow2 else { throw failure("a number does not fit 63 bits") }
      value = sum
      position += 1
    }
    guard position > start else { throw failure("expected a non-negative integer") }
    guard bytes[start] != 0x30 || position == start + 1 else {
      throw failure("a number has a leading zero")
    }
    return value
  }

  private mutating func string() throws(SafetensorsHeaderError) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw failure("a string is not UTF-8")
        }
        return result
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw failure("a string holds a control character")
      default: text.append(byte)
      }
    }
    throw failure("expected the end of a string")
  }

  private mutating func escape(into text: inout [UInt8]) throws(SafetensorsHeaderError) {
    guard position < bytes.count else { throw failure("expected an escape") }
    let kind = bytes[position]
    position += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: Array(String(try unicodeEscape()).utf8))
    default: throw failure("unknown escape")
    }
  }

  private mutating func unicodeEscape() throws(SafetensorsHeaderError) -> Unicode.Scalar {
    let first = try hexadecimal()
    guard (0xD800..<0xE000).contains(first) else { return Unicode.Scalar(first)! }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw failure("half a surrogate pair") }
    position += 2
    let second = try hexadecimal()
    guard (0xDC00..<0xE000).contains(second) else { throw failure("half a surrogate pair") }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))!
  }

  private mutating func hexadecimal() throws(SafetensorsHeaderError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("expected four hexadecimal digits") }
    var value: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw failure("expected four hexadecimal digits")
      }
      value = value << 4 | UInt32(digit)
    }
    position += 4
    return value
  }
}
