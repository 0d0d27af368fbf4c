import Autodiff
import RLCore

/// The one policy that imitates the members, and its ties to them.
///
/// Its metadata hold the SHA-256 of every file that it came from, under `source/member-0/actor.safetensors`
/// and so on. Beside members with other bytes it is refused.
extension EnsembleDirectory {
  private static let sourcePrefix = "source/"

  /// A distilled policy as it was found.
  public struct Distilled: Sendable {
    /// The policy, with the digests of its sources in the metadata where it has them.
    public var file: NetworkFile
    /// Something that the user should hear: the file does not say where it came from.
    public var note: String?
  }

  /// SHA-256 of the files with the members' policies, by path inside the ensemble.
  ///
  /// - Throws: ``EnsembleDirectoryError/system(_:)``.
  public func policyDigests(
    in directory: String
  ) throws(EnsembleDirectoryError) -> [String: String] {
    var digests: [String: String] = [:]
    for (index, member) in members.enumerated() {
      for name in member.policyFiles {
        let path = "member-\(index)/\(name)"
        guard let digest = SHA256.hexDigest(ofFile: "\(directory)/\(path)") else {
          throw .system(FileError(path: "\(directory)/\(path)", operation: "read"))
        }
        digests[path] = digest
      }
    }
    return digests
  }

  /// The distilled policy beside these members, which were read from `directory`.
  ///
  /// - Returns: `nil` where there is none.
  /// - Throws: ``EnsembleDirectoryError/staleDistillation(file:reason:)`` where it came from other members.
  public func readDistilled(
    in directory: String
  ) throws(EnsembleDirectoryError) -> Distilled? {
    let path = "\(directory)/\(EnsembleDirectory.distilledName)"
    guard try EnsembleDirectory.exists(path) else { return nil }
    let file = try EnsembleDirectory.readNetwork(path, as: .policy)
    if let model = members[0].actors.first {
      let (expected, actual) = (model.network.shape, file.network.shape)
      guard model.role == .policy, actual.inputSize == expected.inputSize,
        actual.outputSize == expected.outputSize
      else {
        throw .shapeMismatch(
          file: path, quantity: "policy", expected: EnsembleDirectory.describe(expected),
          actual: EnsembleDirectory.describe(actual))
      }
    }
    guard file.normalizer == members[0].normalizer else {
      throw EnsembleDirectory.normalizers(path, members[0].normalizer, file.normalizer)
    }
    if let expected = environment, let actual = file.environment, expected != actual {
      throw .environments(file: path, expected: expected, actual: actual)
    }
    return Distilled(file: file, note: try checkSources(of: file, path: path, in: directory))
  }

  /// - Returns: a note where the file has no digests.
  private func checkSources(
    of file: NetworkFile, path: String, in directory: String
  ) throws(EnsembleDirectoryError) -> String? {
    var sources: [String: String] = [:]
    for (key, digest) in file.metadata where key.hasPrefix(EnsembleDirectory.sourcePrefix) {
      sources[String(key.dropFirst(EnsembleDirectory.sourcePrefix.count))] = digest
    }
    if sources.isEmpty {
      return "\(path) does not say which agents it was distilled from; it is taken for theirs"
    }
    let present = try policyDigests(in: directory)
    for name in Set(sources.keys).union(present.keys).sorted() {
      let reason: String
      switch (sources[name], present[name]) {
      case (nil, _): reason = "'\(name)' was not among them"
      case (_, nil): reason = "'\(name)' is not here"
      case (let before, let now) where before != now: reason = "'\(name)' has changed since"
      default: continue
      }
      throw .staleDistillation(file: path, reason: reason)
    }
    return nil
  }

  /// A policy with the digests of what it came from.
  ///
  /// - Parameter sources: see ``policyDigests(in:)``, taken before the distillation.
  public static func distilled(
    _ policy: NetworkFile, from sources: [String: String]
  ) -> NetworkFile {
    var result = policy
    for (name, digest) in sources { result.metadata[sourcePrefix + name] = digest }
    return result
  }
}
