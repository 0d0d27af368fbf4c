internal import Foundation
internal import RLCore

/// What a Minari dataset's `metadata.json` says, as far as it is needed here.
public struct MinariMetadata: Sendable {
  /// Such as `mujoco/hopper/medium-v0`.
  public var datasetID: String
  /// Episodes, as `total_episodes` says.
  public var totalEpisodes: Int
  /// Transitions of all episodes together, as `total_steps` says.
  public var totalSteps: Int
  /// Gymnasium's name of the environment, such as `Hopper-v4`.
  public var environmentID: String?
  /// The robot, with `-v5` behind it for that version; `nil` where nothing says so.
  public var robot: String?
  /// What is otherwise than with that robot as Gymnasium makes it, in plain words.
  public var differences: [String] = []
  /// Widths by the spaces; `nil` where the file leaves a space to the environment.
  public var observationSize: Int?
  /// Width of the actions by their space; `nil` where the file leaves it to the environment.
  public var actionSize: Int?
  /// Texts that a D4RL file can carry too: `algorithm_name`, `author`, `description`, ….
  public var texts: [String: String] = [:]
  /// The scalars of the D4RL file that this dataset was made from.
  public var d4rl: [String: String] = [:]
  /// Whether each episode's last observation is a repetition, made from a file without
  /// `next_observations`.
  public var repeatsFinalObservations = false

  static let fileName = "metadata.json"
  static let carried = [
    "algorithm_name", "author", "author_email", "code_permalink", "description", "minari_version",
  ]

  init(datasetID: String, totalEpisodes: Int, totalSteps: Int) {
    (self.datasetID, self.totalEpisodes) = (datasetID, totalEpisodes)
    self.totalSteps = totalSteps
  }

  /// - Parameter path: of the file itself.
  init(contentsOf path: String) throws(DatasetError) {
    func wrong(_ field: String, _ expected: String, _ actual: String) -> DatasetError {
      .mismatch(file: path, field: field, expected: expected, actual: actual)
    }
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw .system(
        file: path, operation: "cannot be read", message: "a Minari dataset needs this file")
    }
    guard let object = JSONValue.members(data) else {
      throw wrong("metadata", "one JSON object", "something else")
    }
    func number(_ field: String) throws(DatasetError) -> Int {
      guard let value = object[field] else { throw .missing(file: path, field: field) }
      guard let number = value.integer, number >= 0 else {
        throw wrong(field, "a whole number", value.words)
      }
      return number
    }
    let format = object["data_format"]?.text ?? "hdf5"
    guard format == "hdf5" else { throw wrong("data_format", "hdf5", format) }
    guard let datasetID = object["dataset_id"]?.text else {
      throw .missing(file: path, field: "dataset_id")
    }
    self.init(
      datasetID: datasetID, totalEpisodes: try number("total_episodes"),
      totalSteps: try number("total_steps"))
    observationSize = try MinariMetadata.width(object, "observation_space", path)
    actionSize = try MinariMetadata.width(object, "action_space", path)
    let specification = object["env_spec"]?.nested ?? object["env_spec"]?.object
    environmentID = specification?["id"]?.text
    if let specification {
      (robot, differences) = MinariEnvironment.robot(specification)
    } else {
      robot = MinariEnvironment.robot(ofDataset: datasetID)
    }
    for name in MinariMetadata.carried {
      if let text = object[name]?.text {
        texts[name] = text
      } else if let list = object[name]?.list?.compactMap(\.text), !list.isEmpty {
        texts[name] = list.sorted().joined(separator: ", ")
      }
    }
    for (name, value) in object["d4rl_metadata"]?.object ?? [:] { d4rl[name] = value.scalar }
    if let before = d4rl[MinariEnvironment.differencesName] { differences.append(before) }
    repeatsFinalObservations = object["final_observations"]?.text == "repeated"
  }

  /// Elements of a space of one dimension.
  private static func width(
    _ object: [String: JSONValue], _ field: String, _ path: String
  ) throws(DatasetError) -> Int? {
    guard let value = object[field] else { return nil }
    let space = value.nested
    let kind = space?["type"]?.text ?? "something else"
    let shape = space?["shape"]?.list?.map(\.integer)
    guard kind == "Box", let shape, shape.count == 1, let width = shape[0], width > 0 else {
      throw .mismatch(
        file: path, field: field, expected: "a Box of one dimension",
        actual: kind == "Box" ? "a Box of \(shape?.count ?? 0) dimensions" : kind)
    }
    return width
  }

  // MARK: Writing

  /// The whole file, as Minari expects it.
  func json(robot: String?, dataBytes: Int) throws(DatasetError) -> Data {
    var object: [String: Any] = texts
    object["dataset_id"] = datasetID
    object["total_episodes"] = totalEpisodes
    object["total_steps"] = totalSteps
    object["data_format"] = "hdf5"
    // Megabytes, as Minari counts.
    object["dataset_size"] = (Double(dataBytes) / 1e5).rounded() / 10
    object["author"] = texts["author"].map { [$0] }
    object["author_email"] = texts["author_email"].map { [$0] }
    object["observation_space"] = MinariMetadata.box(observationSize ?? 0, bound: "Infinity")
    object["action_space"] = MinariMetadata.box(
      actionSize ?? 0, bound: robot == nil ? "Infinity" : "1.0")
    if let robot, let specification = MinariEnvironment.specification(of: robot) {
      object["env_spec"] = specification
    }
    if !d4rl.isEmpty { object["d4rl_metadata"] = d4rl }
    if repeatsFinalObservations { object["final_observations"] = "repeated" }
    do {
      return try JSONSerialization.data(
        withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    } catch {
      throw .system(
        file: MinariMetadata.fileName, operation: "cannot be made", message: "\(error)")
    }
  }

  private static func box(_ size: Int, bound: String) -> String {
    func list(_ text: String) -> String {
      "[" + [String](repeating: text, count: size).joined(separator: ", ") + "]"
    }
    return "{\"type\": \"Box\", \"dtype\": \"float32\", \"shape\": [\(size)], "
      + "\"low\": \(list("-" + bound)), \"high\": \(list(bound))}"
  }

  /// Whether Minari accepts an identifier: folders, a name and a version.
  public static func isValid(id: String) -> Bool {
    let parts = id.split(separator: "/", omittingEmptySubsequences: false)
    let allowed = { (part: Substring) in
      !part.isEmpty
        && part.utf8.allSatisfy {
          ($0 >= 48 && $0 <= 57) || ($0 >= 65 && $0 <= 90) || ($0 >= 97 && $0 <= 122) || $0 == 45
            || $0 == 95
        }
    }
    guard parts.allSatisfy(allowed), let last = parts.last,
      let version = last.range(of: "-v", options: .backwards)
    else { return false }
    let digits = last[version.upperBound...]
    return version.lowerBound > last.startIndex && !digits.isEmpty
      && digits.allSatisfy { $0.isASCII && $0.isNumber }
  }
}
