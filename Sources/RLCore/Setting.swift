/// One value of a configuration, declared once: default, range, meaning, symbol and source.
///
/// ```swift
/// @Setting(0...1, "Discount per step.", symbol: "γ", source: "SAC, table 1")
/// public var discount = 0.99
/// ```
/// From the declaration come the YAML key (the property's name), `--set`, range checks, help and the
/// tables of the documentation; see ``SettingGroup``.
@propertyWrapper
public struct Setting<Value: SettingValue>: Sendable {
  public var wrappedValue: Value
  /// `nil` in a decoded value: the group's own default instance knows it.
  let declaration: SettingDeclaration?

  private init(
    _ value: Value, _ range: SettingRange?, _ meaning: String, _ symbol: String?, _ source: String
  ) {
    wrappedValue = value
    declaration = SettingDeclaration(
      kind: Value.settingKind, range: range, meaning: meaning, symbol: symbol, source: source)
  }

  /// A value without bounds: text, a choice, a flag.
  public init(
    wrappedValue: Value, _ meaning: String, symbol: String? = nil, source: String = "ours"
  ) {
    self.init(wrappedValue, nil, meaning, symbol, source)
  }

  /// A number within bounds, both of them allowed.
  public init(
    wrappedValue: Value, _ range: ClosedRange<Value.Number>, _ meaning: String,
    symbol: String? = nil, source: String = "ours"
  ) where Value: NumericSettingValue {
    self.init(
      wrappedValue,
      SettingRange(
        lower: Value.double(range.lowerBound), upper: Value.double(range.upperBound),
        isOpenBelow: false),
      meaning, symbol, source)
  }

  /// A number that must lie above the lower bound.
  public init(
    wrappedValue: Value, above lower: Value.Number, through upper: Value.Number, _ meaning: String,
    symbol: String? = nil, source: String = "ours"
  ) where Value: NumericSettingValue {
    self.init(
      wrappedValue,
      SettingRange(lower: Value.double(lower), upper: Value.double(upper), isOpenBelow: true),
      meaning, symbol, source)
  }
}

/// What a setting is, for range checks, help and documentation.
public struct SettingDeclaration: Sendable, Equatable {
  public let kind: SettingKind
  public let range: SettingRange?
  /// One sentence.
  public let meaning: String
  /// The symbol of the paper, `γ`.
  public let symbol: String?
  /// Where the default comes from; `ours` where no source says.
  public let source: String
}

public struct SettingRange: Sendable, Equatable {
  public let lower: Double
  public let upper: Double
  /// The lower bound itself is not allowed.
  public let isOpenBelow: Bool

  public func contains(_ value: Double) -> Bool {
    value <= upper && (isOpenBelow ? value > lower : value >= lower)
  }
}

/// Kinds of values that a configuration holds.
public indirect enum SettingKind: Sendable, Equatable {
  case integer, number, flag, text
  case choice([String])
  /// May be left open (`null`).
  case optional(SettingKind)
}

public protocol SettingValue: Codable, Sendable, Equatable {
  static var settingKind: SettingKind { get }
  /// The number to which a range applies, if there is one.
  var settingNumber: Double? { get }
}

extension SettingValue {
  public var settingNumber: Double? { nil }
}

/// A value with bounds: `Int`, `Double`, or an optional of these.
public protocol NumericSettingValue: SettingValue {
  associatedtype Number: Comparable
  static func double(_ number: Number) -> Double
}

extension Int: NumericSettingValue {
  public static var settingKind: SettingKind { .integer }
  public var settingNumber: Double? { Double(self) }
  public static func double(_ number: Int) -> Double { Double(number) }
}

extension Double: NumericSettingValue {
  public static var settingKind: SettingKind { .number }
  public var settingNumber: Double? { self }
  public static func double(_ number: Double) -> Double { number }
}

extension Bool: SettingValue {
  public static var settingKind: SettingKind { .flag }
}

extension String: SettingValue {
  public static var settingKind: SettingKind { .text }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  public static var settingKind: SettingKind { .optional(Wrapped.settingKind) }
  public var settingNumber: Double? { self?.settingNumber }
}

extension Optional: NumericSettingValue where Wrapped: NumericSettingValue {
  public static func double(_ number: Wrapped.Number) -> Double { Wrapped.double(number) }
}

/// A setting with named alternatives: `enum Backup: String, SettingChoice { case … }`.
public protocol SettingChoice: SettingValue, CaseIterable, RawRepresentable
where RawValue == String {}

extension SettingChoice {
  public static var settingKind: SettingKind { .choice(allCases.map(\.rawValue)) }
}

extension Setting: Equatable {
  public static func == (first: Setting, second: Setting) -> Bool {
    first.wrappedValue == second.wrappedValue
  }
}

extension Setting: Codable {
  public init(from decoder: any Decoder) throws {
    wrappedValue = try decoder.singleValueContainer().decode(Value.self)
    declaration = nil
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}

/// Settings that belong together: a structure whose stored properties are all ``Setting``s or groups.
public protocol SettingGroup: Codable, Sendable, Equatable {
  /// The defaults.
  init()
}

/// One setting of a group: its name, its default as text, and what was declared about it.
public struct NamedSetting: Sendable, Equatable {
  public let name: String
  public let value: String
  public let number: Double?
  public let declaration: SettingDeclaration
}

extension SettingGroup {
  /// What the group declares, in the order of declaration, with the defaults' values.
  public static var declared: [NamedSetting] {
    Mirror(reflecting: Self()).children.compactMap { child in
      guard let name = child.label, let setting = child.value as? any AnySetting,
        let declaration = setting.declaration
      else { return nil }
      return NamedSetting(
        name: String(name.dropFirst(name.hasPrefix("_") ? 1 : 0)), value: setting.text,
        number: setting.number, declaration: declaration)
    }
  }
}

private protocol AnySetting {
  var declaration: SettingDeclaration? { get }
  var text: String { get }
  var number: Double? { get }
}

extension Setting: AnySetting {
  fileprivate var text: String {
    if let choice = wrappedValue as? any RawRepresentable { return "\(choice.rawValue)" }
    return "\(wrappedValue)"
  }
  fileprivate var number: Double? { wrappedValue.settingNumber }
}
