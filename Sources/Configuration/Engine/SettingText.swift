import Foundation
import RLCore

/// Why a text is not a setting's value.
enum SettingRefusal: Error { case wrongType, outOfRange }

/// Reading values from text. Numbers are decimal everywhere: `010` is ten.
enum SettingText {
  /// - Parameter isPlain: written without quotes, so that `null` and `~` may mean a value left open.
  static func read(
    _ text: String, isPlain: Bool, as declaration: SettingDeclaration
  ) throws(SettingRefusal) -> SettingScalar {
    let value = try scalar(text, isPlain: isPlain, kind: declaration.kind)
    guard declaration.accepts(value) else {
      if case .text = value { throw .wrongType }
      throw .outOfRange
    }
    return value
  }

  static func scalar(
    _ text: String, isPlain: Bool, kind: SettingKind
  ) throws(SettingRefusal) -> SettingScalar {
    switch kind {
    case .optional(let wrapped):
      if isPlain && ["", "~", "null"].contains(text) { return .open }
      return try scalar(text, isPlain: isPlain, kind: wrapped)
    case .text: return .text(text)
    case .choice: return .text(text)
    case .flag:
      guard let flag = Bool(text) else { throw .wrongType }
      return .flag(flag)
    case .integer:
      guard let digits = decimal(text), digits.wholeMatch(of: /[+-]?[0-9]+/) != nil else {
        throw .wrongType
      }
      // Only a number too large for the type is left to fail here.
      guard let number = Int(digits) else { throw .outOfRange }
      return .integer(number)
    case .number:
      if text.wholeMatch(of: /[+-]?\.?(inf|nan)/.ignoresCase()) != nil { throw .outOfRange }
      let pattern = /[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?/
      guard let digits = decimal(text), digits.wholeMatch(of: pattern) != nil,
        let number = Double(digits)
      else { throw .wrongType }
      return .number(number == 0 ? 0 : number)
    }
  }

  /// Without the underscores that may stand between digits, as in `1_000_000`.
  private static func decimal(_ text: String) -> String? {
    guard text.contains("_") else { return text }
    guard text.wholeMatch(of: /.*[0-9](_[0-9]+)+.*/) != nil,
      text.firstMatch(of: /(^|[^0-9])_|_([^0-9]|$)/) == nil
    else { return nil }
    return text.replacingOccurrences(of: "_", with: "")
  }
}
