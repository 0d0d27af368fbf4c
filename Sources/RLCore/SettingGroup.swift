/// Settings that belong together: a structure whose stored properties are all ``Setting``s.
///
/// What its values rule out among each other, a group says itself:
/// ```swift
/// public var unused: [UnusedSetting] {
///   guard weighting == .fixed else { return [] }
///   return [UnusedSetting("lagrangeGap", because: "weighting", "a gap needs a Lagrange weighting")]
/// }
/// ```
public protocol SettingGroup: Codable, Sendable, Equatable {
  /// The defaults.
  init()
  /// Settings that have no meaning beside the other values. To give one is a mistake, and a resolved
  /// configuration leaves it out.
  var unused: [UnusedSetting] { get }
  /// Values that cannot stand together.
  var contradictions: [SettingContradiction] { get }
}

extension SettingGroup {
  public var unused: [UnusedSetting] { [] }
  public var contradictions: [SettingContradiction] { [] }
}

/// A setting that another one of its group makes meaningless.
public struct UnusedSetting: Sendable, Equatable {
  /// Name of the property, without its section.
  public let name: String
  /// The setting whose value is the cause.
  public let cause: String
  /// Why, as a clause for messages.
  public let reason: String

  public init(_ name: String, because cause: String, _ reason: String) {
    (self.name, self.cause, self.reason) = (name, cause, reason)
  }
}

/// Settings of a group whose values exclude each other.
public struct SettingContradiction: Sendable, Equatable {
  /// Names of the properties, without their section.
  public let names: [String]
  /// Why, as a clause for messages.
  public let reason: String

  public init(_ names: String..., reason: String) {
    (self.names, self.reason) = (names, reason)
  }
}

/// One setting of a group: its name, its default, and what was declared about it.
public struct NamedSetting: Sendable, Equatable {
  /// Name of the property: the last part of its YAML key.
  public let name: String
  /// The default.
  public let value: SettingScalar
  /// Kind, range, meaning, symbol and source.
  public let declaration: SettingDeclaration
}

extension SettingGroup {
  /// What the group declares, in the order of declaration, with the defaults.
  public static var declared: [NamedSetting] {
    children(of: Self()).map { name, setting in
      guard let declaration = setting.declaration else {
        preconditionFailure("\(Self.self).init() must keep the declaration of '\(name)'")
      }
      return NamedSetting(name: name, value: setting.scalar, declaration: declaration)
    }
  }

  /// The group's values in the order of declaration.
  public var scalars: [(name: String, value: SettingScalar)] {
    Self.children(of: self).map { ($0, $1.scalar) }
  }

  private static func children(of group: Self) -> [(String, any AnySetting)] {
    Mirror(reflecting: group).children.map { child in
      guard let label = child.label, label.hasPrefix("_"),
        let setting = child.value as? any AnySetting
      else {
        preconditionFailure(
          "'\(child.label ?? "?")' of \(Self.self) is not a setting; groups hold nothing else")
      }
      return (String(label.dropFirst()), setting)
    }
  }
}

private protocol AnySetting {
  var declaration: SettingDeclaration? { get }
  var scalar: SettingScalar { get }
}

extension Setting: AnySetting {
  fileprivate var scalar: SettingScalar { wrappedValue.settingScalar }
}
