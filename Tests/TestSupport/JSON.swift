import Foundation

/// A JSON fixture, read with little ceremony: `json["cql"]["loss"].double`.
///
/// Asking for something that is not there ends the test with the path that was asked for.
public struct JSON {
  private let value: Any
  private let path: String

  private init(value: Any, path: String) {
    self.value = value
    self.path = path
  }

  /// Reads a file under `Tests/Fixtures`.
  public init(fixture name: String) {
    let data = try! Data(contentsOf: Resources.fixture(name))
    value = try! JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
    path = name
  }

  public subscript(key: String) -> JSON {
    guard let object = value as? [String: Any], let member = object[key] else {
      fatalError("\(path) has no '\(key)'")
    }
    return JSON(value: member, path: "\(path)/\(key)")
  }

  public subscript(index: Int) -> JSON {
    guard let array = value as? [Any], array.indices.contains(index) else {
      fatalError("\(path) has no element \(index)")
    }
    return JSON(value: array[index], path: "\(path)/\(index)")
  }

  public var keys: [String] {
    guard let object = value as? [String: Any] else { fatalError("\(path) is not an object") }
    return object.keys.sorted()
  }

  public var count: Int {
    guard let array = value as? [Any] else { fatalError("\(path) is not an array") }
    return array.count
  }

  public func has(_ key: String) -> Bool { (value as? [String: Any])?[key] != nil }

  public var double: Double {
    guard let number = value as? NSNumber else { fatalError("\(path) is not a number") }
    return number.doubleValue
  }

  public var int: Int { Int(double) }

  public var string: String {
    guard let text = value as? String else { fatalError("\(path) is not a string") }
    return text
  }

  /// All numbers of an array of any depth, in order.
  public var doubles: [Double] {
    func flatten(_ value: Any) -> [Double] {
      if let array = value as? [Any] { return array.flatMap(flatten) }
      guard let number = value as? NSNumber else { fatalError("\(path) holds no numbers") }
      return [number.doubleValue]
    }
    return flatten(value)
  }

  /// The same in single precision.
  public var floats: [Float] { doubles.map(Float.init) }

  /// Extents of nested arrays of equal lengths.
  public var shape: [Int] {
    var result: [Int] = []
    var inner = value
    while let array = inner as? [Any] {
      result.append(array.count)
      guard let first = array.first else { break }
      inner = first
    }
    return result
  }
}
