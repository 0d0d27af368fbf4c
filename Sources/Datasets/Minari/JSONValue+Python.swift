internal import Foundation
internal import RLCore

/// JSON as Python writes it, infinities included.
extension JSONValue {
  /// The members of a JSON object; `nil` for anything else.
  static func members(_ data: Data) -> [String: JSONValue]? {
    // Foundation's reader of JSON 5 traps at what is not UTF-8.
    guard String(validating: data, as: UTF8.self) != nil else { return nil }
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    guard case .object(let members) = try? decoder.decode(JSONValue.self, from: data) else {
      return nil
    }
    return members
  }

  /// The members of an object that stands in a string.
  var nested: [String: JSONValue]? { text.flatMap { JSONValue.members(Data($0.utf8)) } }

  var text: String? {
    if case .text(let value) = self { return value }
    return nil
  }

  var integer: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  var list: [JSONValue]? {
    if case .list(let value) = self { return value }
    return nil
  }

  var object: [String: JSONValue]? {
    if case .object(let value) = self { return value }
    return nil
  }

  /// A number, flag or text in words; `nil` for what has parts.
  var scalar: String? {
    switch self {
    case .flag(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): value
    case .list, .object, .null: nil
    }
  }

  /// For messages.
  var words: String {
    switch self {
    case .list: "a list"
    case .object: "an object"
    case .null: "null"
    case .text(let value): "'\(value.prefix(64))'"
    default: scalar ?? ""
    }
  }
}
