/// A small value attached to a group or dataset.
public enum HDF5AttributeValue: Equatable, Sendable {
  case integer(Int64)
  case real(Double)
  case flag(Bool)
  case text(String)
}

extension HDF5File {
  /// The attributes of an object that are one number, flag or string; others are left out.
  ///
  /// - Parameter object: path of a group or dataset; the root's is empty.
  public func attributes(of object: String) throws(HDF5Error) -> [String: HDF5AttributeValue] {
    let place = HDF5Place(file: path, object: object)
    let header = try source.header(at: try address(of: object), place)
    var result: [String: HDF5AttributeValue] = [:]
    for attribute in header.attributes { result[attribute.name] = value(attribute, place) }
    guard let info = header.attributeInfo, info.heap != undefinedAddress else { return result }
    var heap = try HDF5Heap(source, at: info.heap, place)
    for record in try HDF5Records.all(of: info.index, kind: 8, in: source, place) {
      var record = record
      let identifier = try record.take(heap.identifierSize)
      guard try record.byte() & 2 == 0 else { continue }
      var message = try heap.object(identifier)
      if let attribute = try? message.attribute() {
        result[attribute.name] = value(attribute, place)
      }
    }
    return result
  }

  /// `nil` for what is not a single value of a kind that is read.
  private func value(_ attribute: HDF5Attribute, _ place: HDF5Place) -> HDF5AttributeValue? {
    guard attribute.shape.allSatisfy({ $0 == 1 }) else { return nil }
    var data = attribute.data
    guard data.remaining >= attribute.type.size else { return nil }
    switch attribute.type {
    case .variableString:
      return (try? source.variableString(data, place.inside("@\(attribute.name)"))).map {
        .text($0)
      }
    case .fixedString(let size):
      guard let bytes = try? data.take(size).bytes else { return nil }
      return .text(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
    case .boolean:
      return (try? data.byte()).map { .flag($0 != 0) }
    case .float:
      var number = 0.0
      convert(data, attribute.type, to: &number)
      return .real(number)
    case .integer:
      var number: Int64 = 0
      convert(data, attribute.type, to: &number)
      return .integer(number)
    }
  }

  private func convert<Element: HDF5Element>(
    _ data: HDF5Cursor, _ type: HDF5Type, to number: inout Element
  ) {
    withUnsafeMutablePointer(to: &number) { target in
      data.bytes.withUnsafeBytes { HDF5Conversion.convert($0.baseAddress!, type, to: target, 1) }
    }
  }
}
