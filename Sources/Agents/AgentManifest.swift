import Foundation
public import RLCore

/// `agent.json`: what an agent's files are, for those who read them.
struct AgentManifest: Codable {
  static let fileName = "agent.json"
  static let currentVersion = 1

  struct Part: Codable {
    var name: String
    var kind: String
    var networks: Int
    var hasTargets: Bool
    var isShared: Bool
  }

  /// Of this layout.
  var version = AgentManifest.currentVersion
  /// CRC-32C of the file's bytes with zeros in this place; a file written by hand has none.
  var checksum: String?
  var producer: String?
  var algorithm: String
  var environment: String?
  /// Kind of the networks that act, `mixture` where they are several.
  var policyKind: String?
  var policyPart: String?
  var parts: [Part]
  var numbers: [String: Double]
  var settings: JSONValue?
  var sizes: StoredAgent.Sizes?
  var normalizer: ObservationNormalizer?

  /// `nil` for agents of no algorithm.
  init?(_ agent: StoredAgent) {
    guard let algorithm = agent.algorithm else { return nil }
    self.algorithm = algorithm
    producer = agent.producer
    environment = agent.environment
    policyPart = agent.policyPart
    if let actors = agent.policyPart.flatMap({ agent.part($0) }) {
      policyKind = actors.networks.count > 1 ? "mixture" : actors.role.rawValue
    }
    parts = agent.parts.map {
      Part(
        name: $0.name, kind: $0.role.rawValue, networks: $0.networks.count,
        hasTargets: $0.targets != nil, isShared: $0.isShared)
    }
    numbers = agent.numbers
    settings = agent.settings
    sizes = agent.sizes
    normalizer = agent.normalizer
  }

  /// - Returns: `nil` where there is no such file.
  /// - Throws: ``EnsembleDirectoryError/manifest(file:reason:)``, or ``EnsembleDirectoryError/system(_:)``.
  static func read(in folder: String) throws(EnsembleDirectoryError) -> AgentManifest? {
    let path = "\(folder)/\(fileName)"
    guard try EnsembleDirectory.exists(path) else { return nil }
    let manifest: AgentManifest
    let data: Data
    do throws(FileError) { data = Data(try FileSystem.contents(of: path)) } catch {
      throw .system(error)
    }
    do {
      manifest = try JSONDecoder().decode(AgentManifest.self, from: data)
    } catch let error as DecodingError {
      throw .manifest(file: path, reason: JSONValue.reason(error))
    } catch {
      throw .manifest(file: path, reason: "it cannot be read: \(error.localizedDescription)")
    }
    try manifest.check(path)
    try manifest.checkSum(of: data, path)
    return manifest
  }

  private func checkSum(of data: Data, _ path: String) throws(EnsembleDirectoryError) {
    guard let checksum else { return }
    let actual = AgentManifest.withChecksum(data).checksum
    guard checksum == actual else {
      throw .manifest(
        file: path,
        reason: "it is damaged or was edited: its checksum is \(actual), 'checksum' says "
          + "\(checksum); without 'checksum' it is taken as it is")
    }
  }

  /// The bytes of a file with its checksum in the place of the one it has.
  private static func withChecksum(_ data: Data) -> (data: Data, checksum: String) {
    var data = data
    let digits = data.range(of: Data("\"checksum\" : \"".utf8)).map {
      $0.upperBound..<$0.upperBound + 8
    }
    let place = digits.flatMap { $0.upperBound <= data.endIndex ? $0 : nil }
    if let place { data.replaceSubrange(place, with: Data("00000000".utf8)) }
    var sum = CRC32C()
    sum.update(Array(data))
    if let place { data.replaceSubrange(place, with: Data(sum.text.utf8)) }
    return (data, sum.text)
  }

  private func check(_ path: String) throws(EnsembleDirectoryError) {
    guard version == AgentManifest.currentVersion else {
      throw .manifest(
        file: path,
        reason: "'version' is \(version), this program reads \(AgentManifest.currentVersion)")
    }
    var names: Set<String> = []
    for part in parts {
      guard StoredPart.isName(part.name), names.insert(part.name).inserted else {
        throw .manifest(
          file: path,
          reason: "'\(part.name)' is no name of a part, or that of two: expected a-z, 0-9, - and _")
      }
      guard NetworkRole(rawValue: part.kind) != nil else {
        throw .manifest(
          file: path,
          reason: "part '\(part.name)' is of kind '\(part.kind)', known are "
            + NetworkRole.allCases.map(\.rawValue).joined(separator: ", "))
      }
      guard (1...1024).contains(part.networks) else {
        throw .manifest(
          file: path,
          reason: "part '\(part.name)' has \(part.networks) networks, expected 1 to 1024")
      }
    }
    guard !parts.isEmpty, policyPart.map(names.contains) ?? true else {
      throw .manifest(
        file: path,
        reason: "'policyPart' is '\(policyPart ?? "none")', the parts are "
          + (parts.isEmpty ? "none" : parts.map(\.name).joined(separator: ", ")))
    }
  }

  func write(to folder: String) throws(EnsembleDirectoryError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var unsummed = self
    unsummed.checksum = "00000000"
    let data: Data
    do {
      data =
        AgentManifest.withChecksum(
          try encoder.encode(unsummed) + Data([UInt8(ascii: "\n")])
        ).data
    } catch {
      preconditionFailure("an agent's description cannot be encoded: \(error)")
    }
    do throws(FileError) {
      try AtomicFile.write(to: "\(folder)/\(AgentManifest.fileName)") {
        (output) throws(FileError) in
        try output.write(Array(data))
      }
    } catch {
      throw .system(error)
    }
  }
}

extension JSONValue {
  /// The settings of a group.
  public init(_ settings: any SettingGroup) {
    do {
      let data = try JSONEncoder().encode(settings)
      self = try JSONDecoder().decode(JSONValue.self, from: data)
    } catch {
      preconditionFailure("settings cannot be encoded: \(error)")
    }
  }

  /// These settings as a group.
  ///
  /// - Throws: `StateError` where a key is missing or has a value of another kind.
  public func decoded<Group: SettingGroup>(as group: Group.Type) throws(StateError) -> Group {
    do {
      return try JSONDecoder().decode(group, from: JSONEncoder().encode(self))
    } catch {
      let reason = (error as? DecodingError).map(JSONValue.reason) ?? "\(error)"
      throw .mismatch(name: "settings", expected: "those of \(group)", actual: reason)
    }
  }

  /// What is wrong, in words.
  static func reason(_ error: DecodingError) -> String {
    func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
      let keys = context.codingPath + (last.map { [$0] } ?? [])
      return keys.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context): return "'\(path(context, key))' is missing"
    case .typeMismatch(let type, let context):
      return "'\(path(context))' is not of the expected kind, \(type)"
    case .valueNotFound(_, let context): return "'\(path(context))' has no value"
    case .dataCorrupted(let context) where context.codingPath.isEmpty: return "it is not JSON"
    case .dataCorrupted(let context): return "'\(path(context))': \(context.debugDescription)"
    @unknown default: return "\(error)"
    }
  }
}
