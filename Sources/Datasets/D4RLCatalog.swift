internal import Foundation
internal import RLCore

/// The Gym-MuJoCo files of D4RL: their names, where they come from and where they are kept.
public enum D4RLCatalog {
  /// One file that D4RL published.
  public struct Entry: Sendable, Equatable {
    /// `hopper`, `halfcheetah` or `walker2d`.
    public let robot: String
    /// Such as `medium-replay`.
    public let kind: String
    /// The generation of the file.
    public let version: D4RLVersion
    /// Bytes of the official file, where they are known.
    public let bytes: Int?

    /// D4RL's name, such as `hopper-medium-v2`.
    public var name: String { "\(robot)-\(kind)-\(version)" }

    /// The official name of the file; v0 calls medium-replay "mixed", and walker2d's `walker_mixed`.
    public var fileName: String {
      if version == .v0, kind == "medium-replay" {
        return "\(robot == "walker2d" ? "walker" : robot)_mixed.hdf5"
      }
      let stem = "\(robot)_\(kind.replacingOccurrences(of: "-", with: "_"))"
      return version == .v0 ? "\(stem).hdf5" : "\(stem)-\(version).hdf5"
    }

    /// Where the official file is.
    public var url: String {
      let folder = version == .v0 ? "gym_mujoco" : "gym_mujoco_\(version)"
      return "\(D4RLCatalog.server)/\(folder)/\(fileName)"
    }

    /// Where D4RL's own program keeps it.
    public var cachePath: String { "\(D4RLCatalog.folder)/\(fileName)" }

    /// What to do where there is no network.
    public var advice: String {
      "download \(url) by hand and put it at \(cachePath)"
    }
  }

  /// Address below which D4RL's files are, without a slash at the end.
  public static let server = "http://rail.eecs.berkeley.edu/datasets/offline_rl"

  /// All of them: by version, robot and kind.
  public static let entries: [Entry] = [D4RLVersion.v0, .v1, .v2].flatMap { version in
    ["halfcheetah", "hopper", "walker2d"].flatMap { robot in
      kinds.compactMap { kind in
        if version == .v0, kind == "full-replay" { return nil }
        return Entry(
          robot: robot, kind: kind, version: version, bytes: sizes["\(robot)-\(kind)-\(version)"])
      }
    }
  }

  private static let kinds = [
    "random", "medium", "expert", "medium-replay", "medium-expert", "full-replay",
  ]

  /// An entry by D4RL's name; `nil` for any other.
  public static func entry(named name: String) -> Entry? { entries.first { $0.name == name } }

  /// Where D4RL's files are kept: `D4RL_DATASET_DIR`, else `~/.d4rl/datasets`.
  public static var folder: String {
    folder("D4RL_DATASET_DIR", "~/.d4rl/datasets")
  }

  /// Where Minari's datasets are kept: `MINARI_DATASETS_PATH`, else `~/.minari/datasets`.
  public static var minariFolder: String {
    folder("MINARI_DATASETS_PATH", "~/.minari/datasets")
  }

  private static func folder(_ variable: String, _ usual: String) -> String {
    let given = ProcessInfo.processInfo.environment[variable] ?? ""
    let path = HomePath.expanded(given.isEmpty ? usual : given)
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// From the metadata of tensorflow/datasets.
  private static let sizes = [
    "halfcheetah-random-v0": 88_909_895, "halfcheetah-random-v2": 237_338_037,
    "halfcheetah-medium-v0": 86_943_361, "halfcheetah-medium-v2": 237_727_262,
    "halfcheetah-medium-replay-v0": 9_016_685, "halfcheetah-medium-replay-v2": 59_448_533,
    "halfcheetah-medium-expert-v0": 174_437_297, "halfcheetah-medium-expert-v2": 474_567_252,
    "halfcheetah-expert-v0": 87_495_442, "halfcheetah-expert-v2": 237_464_597,
    "hopper-random-v0": 54_351_370, "hopper-random-v2": 152_525_345,
    "hopper-medium-v0": 54_258_063, "hopper-medium-v2": 152_756_557,
    "hopper-medium-replay-v0": 10_983_879, "hopper-medium-replay-v2": 75_854_457,
    "hopper-medium-expert-v0": 65_017_623, "hopper-medium-expert-v2": 304_537_315,
    "hopper-expert-v0": 54_061_232, "hopper-expert-v2": 152_427_435,
    "walker2d-random-v0": 82_217_081, "walker2d-random-v2": 216_109_364,
    "walker2d-medium-v0": 84_756_933, "walker2d-medium-v2": 232_254_996,
    "walker2d-medium-replay-v0": 8_832_937, "walker2d-medium-replay-v2": 86_323_963,
    "walker2d-medium-expert-v0": 166_972_341, "walker2d-medium-expert-v2": 462_197_079,
    "walker2d-expert-v0": 82_216_946, "walker2d-expert-v2": 230_567_195,
  ]
}

/// Minari datasets of the cache.
public struct MinariCatalog: Sendable {
  /// One dataset of the cache.
  public struct Entry: Sendable, Equatable {
    /// Minari's name: `mujoco/hopper/medium-v0`.
    public let id: String
    /// The dataset's own folder.
    public let path: String
    /// Size of the files in its `data` together.
    public let bytes: Int
  }

  /// Every dataset below a folder, ascending; a dataset's identifier is its path.
  public static func entries(below folder: String = D4RLCatalog.minariFolder) -> [Entry] {
    var found: [Entry] = []
    search(folder, "", depth: 0, &found)
    return found.sorted { $0.id < $1.id }
  }

  private static func search(
    _ folder: String, _ id: String, depth: Int, _ found: inout [Entry]
  ) {
    let path = id.isEmpty ? folder : "\(folder)/\(id)"
    if !id.isEmpty, DatasetLocation.exists("\(path)/data/\(MinariMetadata.fileName)") {
      let files =
        (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/data")) ?? []
      let bytes = files.reduce(0) { $0 + (DatasetLocation.size("\(path)/data/\($1)") ?? 0) }
      found.append(Entry(id: id, path: path, bytes: bytes))
      return
    }
    guard depth < 8 else { return }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    where !name.hasPrefix(".") {
      search(folder, id.isEmpty ? name : "\(id)/\(name)", depth: depth + 1, &found)
    }
  }
}
