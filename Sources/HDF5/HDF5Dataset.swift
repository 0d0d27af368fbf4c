import CHDF5

/// How the elements of a dataset lie in the file.
public enum HDF5Storage: Sendable, Equatable {
  case compact
  case contiguous
  /// Blocks of this shape; deflate at this level, `nil` when not compressed.
  case chunked(shape: [Int], deflate: Int?)
}

/// An open dataset of rank 0, 1 or 2.
public final class HDF5Dataset {
  public let name: String
  /// Extents; empty for a scalar.
  public let shape: [Int]
  public let type: HDF5Type
  public let storage: HDF5Storage
  /// Bytes its elements take in the file.
  public let storedBytes: Int

  let file: HDF5File
  let id: hid_t

  var place: HDF5Place { HDF5Place(file: file.path, object: name) }
  public var count: Int { shape.reduce(1, *) }
  /// Length of the first axis (1 for a scalar).
  public var rows: Int { shape.first ?? 1 }
  /// Elements of one row.
  public var rowSize: Int { shape.dropFirst().reduce(1, *) }

  /// Opens `name` and checks, before anything is allocated, that it lies in the supported subset and
  /// that its size is one the file can hold.
  init(opening name: String, in file: HDF5File) throws(HDF5Error) {
    let place = HDF5Place(file: file.path, object: name)
    self.name = name
    self.file = file
    let opened = try HDF5Library.locked { () throws(HDF5Error) in
      try HDF5File.refuseForeignLinks(on: name, file.id, place)
      let access = try HDF5Handle(
        H5Pcreate(bred_h5p_dataset_access()), .properties, place, "cannot make access properties")
      // Room for one row of chunks, so that reading block by block inflates each chunk once.
      try place.check(
        H5Pset_chunk_cache(access.id, 1009, 32 << 20, 0.75), "cannot set the chunk cache")
      let id = try place.check(
        H5Dopen2(file.id, name, access.id), "cannot be opened as a dataset")
      do throws(HDF5Error) {
        return try HDF5Dataset.describe(id, fileLength: file.length, place)
      } catch {
        H5Dclose(id)
        throw error
      }
    }
    (id, shape, type, storage, storedBytes) = opened
  }

  /// Wraps a dataset that was just created.
  init(
    created id: hid_t, name: String, shape: [Int], type: HDF5Type, storage: HDF5Storage,
    in file: HDF5File
  ) {
    (self.id, self.name, self.shape, self.type, self.storage, self.file) =
      (id, name, shape, type, storage, file)
    storedBytes = 0
  }

  deinit {
    // H5Oclose through the handle count: the file may have been closed (and this id with it) before.
    HDF5Library.release { if H5Iis_valid(id) > 0 { H5Dclose(id) } }
  }

  // MARK: Checks

  private typealias Description = (
    id: hid_t, shape: [Int], type: HDF5Type, storage: HDF5Storage, storedBytes: Int
  )

  /// Inflating multiplies by at most 1032; a little more leaves room for block headers.
  private static var maximumExpansion: Int { 1100 }
  /// The largest chunk that is accepted. Real files have chunks below 1 MB.
  private static var maximumChunkBytes: Int { 1 << 28 }

  private static func describe(
    _ id: hid_t, fileLength: Int, _ place: HDF5Place
  ) throws(HDF5Error) -> Description {
    let typeHandle = try HDF5Handle(H5Dget_type(id), .type, place, "cannot read its type")
    let type = try HDF5Type(typeHandle.id, place)
    let shape = try HDF5Dataset.shape(of: id, place)
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product < 1 << 40 else { throw place.error("shape \(shape) is absurd") }
      count = product
    }

    let properties = try HDF5Handle(
      H5Dget_create_plist(id), .properties, place, "cannot read how it is stored")
    let storage = try HDF5Dataset.storage(
      of: properties.id, rank: shape.count, elementSize: type.size, place)

    let stored = Int(clamping: H5Dget_storage_size(id))
    guard stored <= fileLength else {
      throw place.error("claims \(stored) stored bytes in a file of \(fileLength)")
    }
    let bytes = count * type.size
    switch storage {
    case .chunked(_, .some):
      guard bytes / maximumExpansion <= stored else {
        throw place.error(
          "shape \(shape) needs \(bytes) bytes, which \(stored) compressed bytes cannot hold")
      }
    default:
      guard bytes <= stored else {
        throw place.error("shape \(shape) needs \(bytes) bytes, only \(stored) are stored")
      }
    }
    return (id, shape, type, storage, stored)
  }

  private static func shape(of id: hid_t, _ place: HDF5Place) throws(HDF5Error) -> [Int] {
    let space = try HDF5Handle(H5Dget_space(id), .space, place, "cannot read its shape")
    switch H5Sget_simple_extent_type(space.id) {
    case H5S_SCALAR: return []
    case H5S_SIMPLE: break
    default: throw place.error("has no elements (null dataspace)")
    }
    let rank = try place.check(H5Sget_simple_extent_ndims(space.id), "cannot read its rank")
    guard (1...2).contains(rank) else {
      throw place.error("has \(rank) dimensions, at most 2 are supported")
    }
    var extents = [hsize_t](repeating: 0, count: Int(rank))
    try place.check(
      H5Sget_simple_extent_dims(space.id, &extents, nil), "cannot read its shape")
    return extents.map { Int(clamping: $0) }
  }

  private static func storage(
    of properties: hid_t, rank: Int, elementSize: Int, _ place: HDF5Place
  ) throws(HDF5Error) -> HDF5Storage {
    let external = try place.check(
      H5Pget_external_count(properties), "cannot read how it is stored")
    guard external == 0 else { throw place.error("is stored in another file, which is refused") }
    let filters = try place.check(H5Pget_nfilters(properties), "cannot read its filters")
    switch H5Pget_layout(properties) {
    case H5D_COMPACT: return .compact
    case H5D_CONTIGUOUS: return .contiguous
    case H5D_CHUNKED: break
    default: throw place.error("is a virtual dataset, which is refused")
    }
    var extents = [hsize_t](repeating: 0, count: rank)
    let chunkRank = try place.check(
      H5Pget_chunk(properties, Int32(rank), &extents), "cannot read its chunk shape")
    guard chunkRank == Int32(rank), extents.allSatisfy({ $0 > 0 && $0 < 1 << 40 }) else {
      throw place.error("chunks of shape \(extents) do not fit an array of rank \(rank)")
    }
    let chunk = extents.map { Int($0) }
    let (product, overflow) = chunk.reduce((1, false)) { part, extent in
      let (product, overflow) = part.0.multipliedReportingOverflow(by: extent)
      return (product, overflow || part.1)
    }
    guard !overflow, product <= maximumChunkBytes / elementSize else {
      throw place.error("chunks of shape \(chunk) are larger than \(maximumChunkBytes) bytes")
    }
    var level: Int? = nil
    for index in 0..<max(0, filters) {
      var flags: UInt32 = 0
      var valueCount = 8
      var values = [UInt32](repeating: 0, count: 8)
      var configuration: UInt32 = 0
      let filter = try place.check(
        H5Pget_filter2(
          properties, UInt32(index), &flags, &valueCount, &values, 0, nil, &configuration),
        "cannot read its filters")
      switch filter {
      case H5Z_FILTER_DEFLATE where level == nil: level = valueCount > 0 ? Int(values[0]) : 0
      case H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32: continue
      default: throw place.error("uses filter \(filter); only deflate is supported")
      }
    }
    return .chunked(shape: chunk, deflate: level)
  }
}
