import Foundation
package import RLCore

/// One line of a resolved configuration.
package struct SettingLine: Sendable, Equatable {
  package let key: String
  package let value: SettingScalar
}

/// Resolved values as YAML: sections nested, numbers exact, order kept.
enum SettingYAML {
  /// - Parameter comment: what follows a value behind `#`, by key.
  static func text(_ lines: [SettingLine], comment: (String) -> String? = { _ in nil }) -> String {
    var result: [(text: String, comment: String?)] = []
    var open: [Substring] = []
    for line in lines {
      let path = line.key.split(separator: ".")
      let folders = Array(path.dropLast())
      let shared = zip(open, folders).prefix { $0 == $1 }.count
      for depth in shared..<folders.count {
        result.append((indent(depth) + "\(folders[depth]):", nil))
      }
      open = folders
      result.append(
        (
          indent(folders.count) + "\(path.last ?? ""): \(scalar(line.value))",
          comment(line.key)
        ))
    }
    let width = result.filter { $0.comment != nil }.map(\.text.count).max() ?? 0
    return result.map { line in
      guard let comment = line.comment else { return line.text + "\n" }
      // A comment ends with its line, whatever a file is called.
      let oneLine = comment.map { $0.isNewline ? " " : $0 }
      return line.text + String(repeating: " ", count: width - line.text.count) + "  # "
        + String(oneLine) + "\n"
    }.joined()
  }

  private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

  private static let reserved: Set<String> = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n",
  ]

  private static func scalar(_ value: SettingScalar) -> String {
    guard case .text(let text) = value else { return "\(value)" }
    let isPlain = isWord(text) && !reserved.contains(text.lowercased())
    return isPlain ? text : quoted(text)
  }

  /// A letter or `/`, then letters, digits and `_/.+-`; a regular expression is compiled at each use.
  private static func isWord(_ text: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & 0xdf) }
    guard let first = text.utf8.first, isLetter(first) || first == UInt8(ascii: "/") else {
      return false
    }
    return text.utf8.allSatisfy { byte in
      isLetter(byte) || (0x30...0x39).contains(byte) || "_/.+-".utf8.contains(byte)
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case _
      where character.value < 0x20 || (0x7f...0x9f).contains(character.value)
        || [0x2028, 0x2029, 0xfeff].contains(character.value):
        result += "\\u" + String(format: "%04x", character.value)
      default: result.unicodeScalars.append(character)
      }
    }
    return result + "\""
  }
}
