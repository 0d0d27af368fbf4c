/// One value of a configuration, declared once: default, range, meaning, symbol and source.
///
/// ```swift
/// @Setting(0...1, "Discount per step.", symbol: "γ", source: "SAC, table 1")
/// public var discount = 0.99
/// ```
/// From the declaration come the YAML key (the property's name), `--set`, range checks, help and the
/// tables of the documentation; see ``SettingGroup``. Numbers are `Int` or `Double`.
@propertyWrapper
public struct Setting<Value: SettingValue>: Sendable {
  /// The value in use. Whether it is allowed is for ``SettingDeclaration/accepts(_:)`` to say: to
  /// assign it checks nothing.
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

/// What a setting is, for range checks, help and documentation.
public struct SettingDeclaration: Sendable, Equatable {
  /// The kind of value; decides how text is read.
  public let kind: SettingKind
  /// Bounds of a number; `nil` where there are none.
  public let range: SettingRange?
  /// One sentence.
  public let meaning: String
  /// The symbol of the paper, `γ`.
  public let symbol: String?
  /// Where the default comes from; `ours` where no source says.
  public let source: String

  /// The same setting with another list of alternatives, where only a running program knows them.
  package func choosing(among names: [String]) -> SettingDeclaration {
    SettingDeclaration(
      kind: .choice(names), range: nil, meaning: meaning, symbol: symbol, source: source)
  }
}

/// Bounds of a number: [lower, upper] or (lower, upper].
public struct SettingRange: Sendable, Equatable {
  /// Least value, or the bound above which values must lie.
  public let lower: Double
  /// Greatest value, itself allowed; `Int.max` stands for no bound.
  public let upper: Double
  /// The lower bound itself is not allowed.
  public let isOpenBelow: Bool

  /// Whether a value lies within the bounds; NaN never does.
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

extension SettingDeclaration {
  /// What is allowed, in words.
  public var allowed: String { Self.words(kind, range) }

  private static func words(_ kind: SettingKind, _ range: SettingRange?) -> String {
    switch kind {
    case .integer:
      guard let range else { return "a whole number" }
      let (lower, upper) = (short(range.lower), short(range.upper))
      // `Int.max` stands for no bound.
      if range.upper >= 0x1p63 {
        return "a whole number \(range.isOpenBelow ? ">" : "≥") \(lower)"
      }
      return range.isOpenBelow
        ? "a whole number in (\(lower), \(upper)]" : "a whole number in \(lower)…\(upper)"
    case .number:
      guard let range else { return "a number" }
      return "a number in \(range.isOpenBelow ? "(" : "[")\(short(range.lower)), "
        + "\(short(range.upper))]"
    case .flag: return "true or false"
    case .text: return "text"
    case .choice(let names): return "one of " + names.joined(separator: ", ")
    case .optional(let kind): return words(kind, range) + ", or null"
    }
  }

  private static func short(_ bound: Double) -> String {
    bound == bound.rounded() && abs(bound) < 1e15 ? "\(Int(bound))" : "\(bound)"
  }

  /// Whether the value has this kind and lies in the range.
  public func accepts(_ value: SettingScalar) -> Bool { Self.fits(value, kind, range) }

  private static func fits(
    _ value: SettingScalar, _ kind: SettingKind, _ range: SettingRange?
  ) -> Bool {
    switch (kind, value) {
    case (.optional, .open): true
    case (.optional(let kind), _): fits(value, kind, range)
    case (.integer, .integer(let number)): range?.contains(Double(number)) ?? true
    case (.number, .number(let number)): number.isFinite && range?.contains(number) ?? true
    case (.flag, .flag), (.text, .text): true
    case (.choice(let names), .text(let name)): names.contains(name)
    default: false
    }
  }
}
