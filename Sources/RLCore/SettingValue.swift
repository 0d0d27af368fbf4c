/// A value as configurations hold it, whatever its type in the program.
public enum SettingScalar: Sendable, Equatable {
  case integer(Int)
  case number(Double)
  case flag(Bool)
  /// Text, or the name of an alternative.
  case text(String)
  /// Left open (`null`).
  case open

  /// The number to which a range applies, if there is one.
  public var number: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .number(let number): number
    case .flag, .text, .open: nil
    }
  }
}

extension SettingScalar: CustomStringConvertible {
  /// Numbers exactly: what is printed is read back as it was.
  public var description: String {
    switch self {
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .flag(let flag): "\(flag)"
    case .text(let text): text
    case .open: "null"
    }
  }
}

/// A type that settings can have.
public protocol SettingValue: Codable, Sendable, Equatable {
  /// The kind of all values of this type.
  static var settingKind: SettingKind { get }
  /// The value as ranges judge it and configurations print it.
  var settingScalar: SettingScalar { get }
}

/// A value with bounds: `Int`, `Double`, or an optional of these.
public protocol NumericSettingValue: SettingValue {
  /// The type in which bounds are declared: `Int` or `Double`.
  associatedtype Number: Comparable
  /// A bound as ranges hold it; whole numbers beyond 2⁵³ are rounded.
  static func double(_ number: Number) -> Double
}

extension Int: NumericSettingValue {
  public static var settingKind: SettingKind { .integer }
  public var settingScalar: SettingScalar { .integer(self) }
  public static func double(_ number: Int) -> Double { Double(number) }
}

extension Double: NumericSettingValue {
  public static var settingKind: SettingKind { .number }
  public var settingScalar: SettingScalar { .number(self) }
  public static func double(_ number: Double) -> Double { number }
}

extension Bool: SettingValue {
  public static var settingKind: SettingKind { .flag }
  public var settingScalar: SettingScalar { .flag(self) }
}

extension String: SettingValue {
  public static var settingKind: SettingKind { .text }
  public var settingScalar: SettingScalar { .text(self) }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  public static var settingKind: SettingKind { .optional(Wrapped.settingKind) }
  public var settingScalar: SettingScalar { self?.settingScalar ?? .open }
}

extension Optional: NumericSettingValue where Wrapped: NumericSettingValue {
  public static func double(_ number: Wrapped.Number) -> Double { Wrapped.double(number) }
}

/// A setting with named alternatives: `enum Backup: String, SettingChoice { case … }`.
public protocol SettingChoice: SettingValue, CaseIterable, RawRepresentable
where RawValue == String {}

extension SettingChoice {
  public static var settingKind: SettingKind { .choice(allCases.map(\.rawValue)) }
  public var settingScalar: SettingScalar { .text(rawValue) }
}
