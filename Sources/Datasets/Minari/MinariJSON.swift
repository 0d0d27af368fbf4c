internal import Foundation

/// Any JSON as Python writes it, infinities included.
enum MinariJSON: Decodable {
  case flag(Bool)
  case integer(Int)
  case real(Double)
  case text(String)
  case list([MinariJSON])
  case object([String: MinariJSON])
  case null

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .flag(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .real(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([MinariJSON].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: MinariJSON].self))
    }
  }

  /// The members of a JSON object; `nil` for anything else.
  static func members(_ data: Data) -> [String: MinariJSON]? {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    guard case .object(let members) = try? decoder.decode(MinariJSON.self, from: data) else {
      return nil
    }
    return members
  }

  /// The members of an object that stands in a string.
  var nested: [String: MinariJSON]? { text.flatMap { MinariJSON.members(Data($0.utf8)) } }

  var text: String? {
    if case .text(let value) = self { return value }
    return nil
  }

  var integer: Int? {
    if case .integer(let value) = self { return value }
    return nil
  }

  var list: [MinariJSON]? {
    if case .list(let value) = self { return value }
    return nil
  }

  var object: [String: MinariJSON]? {
    if case .object(let value) = self { return value }
    return nil
  }

  /// A number, flag or text in words; `nil` for what has parts.
  var scalar: String? {
    switch self {
    case .flag(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
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
