import RLCore

extension SettingGroup {
  /// A group of these values, all of the kinds that it declares.
  init(scalars: [String: SettingScalar]) {
    do { self = try Self(from: SettingGroupDecoder(values: scalars)) } catch {
      preconditionFailure("\(Self.self) does not decode what it declares: \(error)")
    }
  }
}

/// Hands a group its values by name.
private struct SettingGroupDecoder: Decoder {
  let values: [String: SettingScalar]
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Container(values: values))
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw SettingShapeError() }
  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    throw SettingShapeError()
  }

  private struct Container<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let values: [String: SettingScalar]
    let codingPath: [any CodingKey] = []
    var allKeys: [Key] { values.keys.compactMap(Key.init(stringValue:)) }

    private func decoder(_ key: Key) throws -> SettingScalarDecoder {
      // The coding key of a wrapped property is the property's name.
      guard let value = values[key.stringValue] else { throw SettingShapeError() }
      return SettingScalarDecoder(value: value)
    }

    func contains(_ key: Key) -> Bool { values[key.stringValue] != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try decoder(key).decodeNil() }
    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
      try decoder(key).decode(type)
    }
    func nestedContainer<Nested: CodingKey>(
      keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { throw SettingShapeError() }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      throw SettingShapeError()
    }
    func superDecoder() throws -> any Decoder { throw SettingShapeError() }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
  }
}

/// Hands a setting its value.
private struct SettingScalarDecoder: Decoder, SingleValueDecodingContainer {
  let value: SettingScalar
  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    throw SettingShapeError()
  }
  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw SettingShapeError() }
  func singleValueContainer() -> any SingleValueDecodingContainer { self }

  func decodeNil() -> Bool { value == .open }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let found: T? =
      switch value {
      case .integer(let number): number as? T
      case .number(let number): number as? T
      case .flag(let flag): flag as? T
      case .text(let text): text as? T
      case .open: nil
      }
    if let found { return found }
    let scalars: [any Decodable.Type] = [Int.self, Double.self, Bool.self, String.self]
    guard !scalars.contains(where: { $0 == type }) else { throw SettingShapeError() }
    return try T(from: self)
  }
}

/// A group is not a flat structure of settings, or holds another type than it declares.
private struct SettingShapeError: Error {}
