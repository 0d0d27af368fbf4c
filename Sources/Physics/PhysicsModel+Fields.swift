import CMuJoCo

extension PhysicsModel {
  /// Every numeric field of the compiled model, by the name MuJoCo gives it (`opt.` and `stat.` in
  /// front of options and statistics), arrays flattened in storage order.
  ///
  /// Meant for comparing models; it copies everything, textures included.
  package var numericFields: [String: [Double]] {
    var fields: [String: [Double]] = [:]
    withUnsafeMutablePointer(to: &fields) { fields in
      bred_mujoco_visit_fields(pointer, fields) { context, name, values, count, type in
        let fields = context!.assumingMemoryBound(to: [String: [Double]].self)
        fields.pointee[String(cString: name!)] = PhysicsModel.numbers(values, Int(count), type)
      }
    }
    return fields
  }

  private static func numbers(
    _ values: UnsafeRawPointer?, _ count: Int, _ type: CChar
  ) -> [Double] {
    guard let values, count > 0 else { return [] }
    func read<T>(_: T.Type, _ convert: (T) -> Double) -> [Double] {
      UnsafeBufferPointer(start: values.assumingMemoryBound(to: T.self), count: count).map(convert)
    }
    return switch UInt8(bitPattern: type) {
    case UInt8(ascii: "d"): read(Double.self) { $0 }
    case UInt8(ascii: "f"): read(Float.self) { Double($0) }
    case UInt8(ascii: "i"): read(Int32.self) { Double($0) }
    default: read(UInt8.self) { Double($0) }
    }
  }
}
