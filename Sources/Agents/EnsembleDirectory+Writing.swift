import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension EnsembleDirectory {
  /// Writes the ensemble into `directory`, which is made where it is missing. Each file appears
  /// complete or not at all; members beyond these are left alone.
  public func write(to directory: String) throws(EnsembleDirectoryError) {
    try EnsembleDirectory.makeFolder(directory)
    for (index, member) in members.enumerated() {
      try EnsembleDirectory.write(member, index: index, to: directory)
    }
  }

  /// Writes one member of an ensemble.
  public static func write(
    _ member: StoredAgent, index: Int, to directory: String
  ) throws(EnsembleDirectoryError) {
    try makeFolder(directory)
    try write(member, to: "\(directory)/member-\(index)")
  }

  /// Writes one agent into a folder of its own.
  public static func write(
    _ agent: StoredAgent, to folder: String
  ) throws(EnsembleDirectoryError) {
    try makeFolder(folder)
    for part in agent.parts {
      for (name, network) in zip(part.fileNames, part.networks) {
        try write(network, "\(folder)/\(name)")
      }
      for (index, name) in part.targetNames.enumerated() {
        // An old target must not stay beside new networks.
        if let targets = part.targets {
          try write(targets[index], "\(folder)/\(name)")
        } else {
          unlink("\(folder)/\(name)")
        }
      }
    }
    // Last: until it is there, the files stand for an agent without it.
    if let manifest = AgentManifest(agent) {
      try manifest.write(to: folder)
    } else {
      unlink("\(folder)/\(AgentManifest.fileName)")
    }
  }

  /// Removes a file, if it is there.
  static func remove(_ path: String) { unlink(path) }

  static func write(_ network: NetworkFile, _ path: String) throws(EnsembleDirectoryError) {
    do throws(SafetensorsError) {
      try network.write(to: path)
    } catch {
      throw .unwritable(error)
    }
  }

  private static func makeFolder(_ path: String) throws(EnsembleDirectoryError) {
    do throws(FileError) { try FileSystem.makeFolder(path) } catch { throw .system(error) }
  }
}
