public import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One offline agent: its policy, twin critics and, where kept, their targets.
public struct EnsembleMember: Sendable {
  public var actor: NetworkFile
  public var critics: [NetworkFile]
  /// Targets of the two critics; `nil` means that they equal the critics.
  public var targets: [NetworkFile]?

  /// - Parameters:
  ///   - critics: the twins.
  ///   - targets: their targets, if they are to be kept.
  public init(actor: NetworkFile, critics: [NetworkFile], targets: [NetworkFile]? = nil) {
    precondition(
      critics.count == 2 && targets?.count ?? 2 == 2,
      "a member has two critics, not \(critics.count)")
    self.actor = actor
    self.critics = critics
    self.targets = targets
  }
}

/// An ensemble directory is incomplete or does not fit together.
public enum EnsembleDirectoryError: Error, Equatable, CustomStringConvertible {
  case system(FileError)
  case noMembers(directory: String)
  /// `member-i` exists although an earlier number is missing.
  case gap(directory: String, missing: String, found: String)
  case missingFile(path: String)
  case network(NetworkFileError)
  case unwritable(SafetensorsError)
  /// Networks that must have one shape differ.
  case shapeMismatch(file: String, quantity: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .system(let error): error.description
    case .noMembers(let directory):
      "\(directory): not an ensemble: expected a folder 'member-0', found none"
    case .gap(let directory, let missing, let found):
      "\(directory): expected '\(missing)' because '\(found)' is there, found none"
    case .missingFile(let path): "\(path): the file is missing"
    case .network(let error): error.description
    case .unwritable(let error): error.description
    case .shapeMismatch(let file, let quantity, let expected, let actual):
      "\(file): \(quantity): expected \(expected) as in member-0, found \(actual)"
    }
  }
}

/// A folder of independent agents of one architecture, made here or elsewhere:
/// `member-i/{actor,critic1,critic2}.safetensors`, optionally `target1` and `target2`, and
/// `distilled.safetensors` beside the members.
public struct EnsembleDirectory: Sendable {
  public var members: [EnsembleMember]
  /// The one policy that imitates the members' mixture.
  public var distilled: NetworkFile?

  public init(members: [EnsembleMember], distilled: NetworkFile? = nil) {
    precondition(!members.isEmpty, "an ensemble needs members")
    self.members = members
    self.distilled = distilled
  }

  public static let distilledName = "distilled.safetensors"

  public var observationSize: Int { members[0].actor.network.shape.inputSize }
  public var actionSize: Int { members[0].actor.network.shape.outputSize / 2 }

  // MARK: Reading

  /// - Throws: ``EnsembleDirectoryError`` for missing files, gaps in the numbering, and members
  ///   that differ in architecture.
  public static func read(_ directory: String) throws(EnsembleDirectoryError) -> EnsembleDirectory {
    let count = try memberCount(directory)
    var members: [EnsembleMember] = []
    for index in 0..<count {
      members.append(try readMember("\(directory)/member-\(index)"))
      try check(members[index], against: members[0], folder: "\(directory)/member-\(index)")
    }
    var result = EnsembleDirectory(members: members)
    let distilled = "\(directory)/\(distilledName)"
    if exists(distilled) {
      let file = try readNetwork(distilled, as: .policy)
      let shape = file.network.shape
      let expected = members[0].actor.network.shape
      guard shape.inputSize == expected.inputSize, shape.outputSize == expected.outputSize else {
        throw .shapeMismatch(
          file: distilled, quantity: "policy", expected: describe(expected), actual: describe(shape)
        )
      }
      result.distilled = file
    }
    return result
  }

  private static func memberCount(
    _ directory: String
  ) throws(EnsembleDirectoryError) -> Int {
    guard let stream = opendir(directory) else {
      throw .system(FileError(path: directory, operation: "open"))
    }
    defer { closedir(stream) }
    var numbers: Set<Int> = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name.hasPrefix("member-"), let number = Int(name.dropFirst("member-".count)),
        number >= 0, name == "member-\(number)"
      else { continue }
      numbers.insert(number)
    }
    guard let last = numbers.max() else { throw .noMembers(directory: directory) }
    for index in 0..<numbers.count where !numbers.contains(index) {
      throw .gap(directory: directory, missing: "member-\(index)", found: "member-\(last)")
    }
    return numbers.count
  }

  private static func readMember(_ folder: String) throws(EnsembleDirectoryError) -> EnsembleMember
  {
    let actor = try readNetwork("\(folder)/actor.safetensors", as: .policy)
    var critics: [NetworkFile] = []
    for j in 1...2 {
      critics.append(try readNetwork("\(folder)/critic\(j).safetensors", as: .critic))
    }
    var targets: [NetworkFile]?
    if exists("\(folder)/target1.safetensors") || exists("\(folder)/target2.safetensors") {
      targets = []
      for j in 1...2 {
        targets!.append(try readNetwork("\(folder)/target\(j).safetensors", as: .critic))
      }
    }
    return EnsembleMember(actor: actor, critics: critics, targets: targets)
  }

  private static func readNetwork(
    _ path: String, as role: NetworkRole
  ) throws(EnsembleDirectoryError) -> NetworkFile {
    guard exists(path) else { throw .missingFile(path: path) }
    do throws(NetworkFileError) {
      return try NetworkFile.read(path, as: role)
    } catch {
      throw .network(error)
    }
  }

  private static func check(
    _ member: EnsembleMember, against first: EnsembleMember, folder: String
  ) throws(EnsembleDirectoryError) {
    func demand(
      _ name: String, _ actual: NetworkShape, _ expected: NetworkShape
    ) throws(EnsembleDirectoryError) {
      guard actual == expected else {
        throw .shapeMismatch(
          file: "\(folder)/\(name).safetensors", quantity: "layer sizes",
          expected: describe(expected), actual: describe(actual))
      }
    }
    let policy = first.actor.network.shape
    let critic = first.critics[0].network.shape
    try demand("actor", member.actor.network.shape, policy)
    for j in 0..<2 {
      try demand("critic\(j + 1)", member.critics[j].network.shape, critic)
      if let targets = member.targets {
        try demand("target\(j + 1)", targets[j].network.shape, critic)
      }
    }
    let inputs = policy.inputSize + policy.outputSize / 2
    guard critic.inputSize == inputs else {
      throw .shapeMismatch(
        file: "\(folder)/critic1.safetensors", quantity: "inputs (observation and action)",
        expected: "\(inputs)", actual: "\(critic.inputSize)")
    }
  }

  private static func describe(_ shape: NetworkShape) -> String {
    ([shape.inputSize] + shape.hiddenSizes + [shape.outputSize]).map(String.init)
      .joined(separator: " → ")
  }

  private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  // MARK: Writing

  /// Writes the ensemble into `directory`, which is made if its parent exists. Each file appears
  /// complete or not at all; members beyond these are left alone.
  public func write(to directory: String) throws(EnsembleDirectoryError) {
    try EnsembleDirectory.makeFolder(directory)
    for (index, member) in members.enumerated() {
      try EnsembleDirectory.write(member, index: index, to: directory)
    }
    if let distilled { try EnsembleDirectory.write(distilled: distilled, to: directory) }
  }

  /// Writes one member of an ensemble.
  public static func write(
    _ member: EnsembleMember, index: Int, to directory: String
  ) throws(EnsembleDirectoryError) {
    let folder = "\(directory)/member-\(index)"
    try makeFolder(directory)
    try makeFolder(folder)
    try write(member.actor, "\(folder)/actor.safetensors")
    for j in 0..<2 {
      try write(member.critics[j], "\(folder)/critic\(j + 1).safetensors")
      let target = "\(folder)/target\(j + 1).safetensors"
      // An old target must not stay beside new critics.
      if let targets = member.targets { try write(targets[j], target) } else { unlink(target) }
    }
    AtomicFile.syncFolder(directory)
  }

  /// Adds the distilled policy.
  public static func write(
    distilled: NetworkFile, to directory: String
  ) throws(EnsembleDirectoryError) {
    try write(distilled, "\(directory)/\(distilledName)")
  }

  private static func write(
    _ network: NetworkFile, _ path: String
  ) throws(EnsembleDirectoryError) {
    do throws(SafetensorsError) {
      try network.write(to: path)
    } catch {
      throw .unwritable(error)
    }
  }

  private static func makeFolder(_ path: String) throws(EnsembleDirectoryError) {
    if mkdir(path, 0o777) != 0 && errno != EEXIST {
      throw .system(FileError(path: path, operation: "create folder"))
    }
  }
}
