import CHDF5

/// One object of a file, found by walking its groups.
public struct HDF5Object: Sendable, Equatable {
  public enum Kind: Sendable, Equatable { case group, dataset }
  /// Path from the root without a leading slash.
  public let path: String
  public let kind: Kind
}

extension HDF5File {
  /// Limits on what a walk through a file may meet; D4RL has 4 levels and some 30 objects, a Minari
  /// file of a million steps some 50,000.
  private static var maximumDepth: Int { 16 }
  private static var maximumObjects: Int { 2_000_000 }

  /// Every group and dataset below `group`, parents before children, names in ascending order.
  ///
  /// - Throws: ``HDF5Error`` for soft links that lead nowhere or in circles, links into other files,
  ///   named types, and nests deeper than anything a dataset needs.
  public func objects(below group: String = "/") throws(HDF5Error) -> [HDF5Object] {
    var found: [HDF5Object] = []
    let start = group == "/" ? "" : group
    var pending: [(path: String, depth: Int)] = [(start, 0)]
    while let next = pending.popLast() {
      if next.depth > Self.maximumDepth {
        throw HDF5Error(
          file: path, object: next.path, reason: "groups are nested deeper than \(Self.maximumDepth)")
      }
      let children = try members(of: next.path)
      for name in children {
        let full = next.path.isEmpty ? name : "\(next.path)/\(name)"
        let kind = try kind(of: full)
        found.append(HDF5Object(path: full, kind: kind))
        if found.count > Self.maximumObjects {
          throw HDF5Error(file: path, reason: "more than \(Self.maximumObjects) objects")
        }
        if kind == .group { pending.append((full, next.depth + 1)) }
      }
    }
    return found.sorted { $0.path < $1.path }
  }

  /// Names of the direct members of a group, ascending.
  public func members(of group: String) throws(HDF5Error) -> [String] {
    let place = HDF5Place(file: path, object: group)
    return try HDF5Library.locked { () throws(HDF5Error) in
      let handle = try HDF5Handle(
        H5Oopen(id, group.isEmpty ? "/" : group, hid_t(H5P_DEFAULT)), .object, place,
        "cannot open the group")
      var info = H5G_info_t()
      try place.check(H5Gget_info(handle.id, &info), "cannot read the group")
      guard info.nlinks <= UInt64(Self.maximumObjects) else {
        throw place.error("the group claims \(info.nlinks) members")
      }
      var names: [String] = []
      for index in 0..<info.nlinks {
        let length = try place.check(
          H5Lget_name_by_idx(
            handle.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, nil, 0, hid_t(H5P_DEFAULT)),
          "cannot read the name of member \(index)")
        guard length > 0, length < 4096 else {
          throw place.error("the name of member \(index) has \(length) bytes")
        }
        var buffer = [CChar](repeating: 0, count: length + 1)
        try place.check(
          H5Lget_name_by_idx(
            handle.id, ".", H5_INDEX_NAME, H5_ITER_INC, index, &buffer, length + 1,
            hid_t(H5P_DEFAULT)), "cannot read the name of member \(index)")
        names.append(String(decoding: buffer.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
      }
      return names
    }
  }

  /// Whether an object of this path exists; false also where a part of the path is missing.
  public func contains(_ object: String) throws(HDF5Error) -> Bool {
    let place = HDF5Place(file: path, object: object)
    return try HDF5Library.locked { () throws(HDF5Error) in
      var partial = ""
      for part in object.split(separator: "/") {
        partial += partial.isEmpty ? String(part) : "/\(part)"
        let exists = try place.check(
          H5Lexists(id, partial, hid_t(H5P_DEFAULT)), "cannot look for it")
        if exists == 0 { return false }
      }
      return true
    }
  }

  /// Group or dataset; every other kind of object and every link out of the file is refused.
  public func kind(of object: String) throws(HDF5Error) -> HDF5Object.Kind {
    let place = HDF5Place(file: path, object: object)
    return try HDF5Library.locked { () throws(HDF5Error) in
      try HDF5File.refuseForeignLinks(on: object, id, place)
      let handle = try HDF5Handle(
        H5Oopen(id, object, hid_t(H5P_DEFAULT)), .object, place, "cannot open the object")
      switch H5Iget_type(handle.id) {
      case H5I_GROUP: return .group
      case H5I_DATASET: return .dataset
      default: throw place.error("is neither a group nor a dataset")
      }
    }
  }

  /// Only hard links are followed: soft links can lead in circles, external ones out of the file.
  static func refuseForeignLinks(
    on object: String, _ id: hid_t, _ place: HDF5Place
  ) throws(HDF5Error) {
    var partial = ""
    for part in object.split(separator: "/") {
      partial += partial.isEmpty ? String(part) : "/\(part)"
      var info = H5L_info_t()
      try place.check(
        H5Lget_info(id, partial, &info, hid_t(H5P_DEFAULT)), "there is no such object")
      switch info.type {
      case H5L_TYPE_HARD: continue
      case H5L_TYPE_EXTERNAL: throw place.error("is a link into another file, which is refused")
      default: throw place.error("is a soft link, which is refused")
      }
    }
  }
}
