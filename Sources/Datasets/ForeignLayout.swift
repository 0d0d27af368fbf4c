internal import HDF5

/// Layouts of other programs, recognised so that an error can name them.
enum ForeignLayout {
  static let required = ["observations", "actions", "rewards", "terminals"]

  /// What to say about a file that lacks some of D4RL's columns.
  ///
  /// - Returns: ``DatasetError/missing(file:field:)`` where it is D4RL's layout but for one column.
  static func error(_ file: HDF5File, missing: [String]) -> DatasetError {
    guard let layout = layout(of: file) else {
      if missing.count < required.count { return .missing(file: file.path, field: missing[0]) }
      return .otherLayout(file: file.path, layout: "an unknown layout", holds: contents(of: file))
    }
    return .otherLayout(file: file.path, layout: layout, holds: contents(of: file))
  }

  private static func layout(of file: HDF5File) -> String? {
    let objects = file.objects()
    if objects.contains(where: { $0.path.hasPrefix("data/demo_") }) {
      return "robomimic's layout, with one group per demonstration"
    }
    if ["observations_0", "actions_0", "rewards_0"].allSatisfy(file.contains) {
      return "d3rlpy 2's layout, with columns per episode (d3rlpy 1 wrote whole columns)"
    }
    if file.contains("episode_0/observations") {
      return "Minari's layout; in its folder, with metadata.json, bred dataset convert reads it"
    }
    if file.contains("dones") {
      return "a layout with 'dones', which does not tell terminals from time-outs"
    }
    return nil
  }

  /// Arrays with their shapes, the first twenty.
  private static func contents(of file: HDF5File) -> [String] {
    let names = file.objects().filter { $0.kind == .dataset }.map(\.path)
    var result = names.prefix(20).map { name in
      let shape = (try? file.dataset(name).shape).map { " \($0)" } ?? ""
      return name.printable + shape
    }
    if names.count > 20 { result.append("\(names.count - 20) more") }
    result += file.leftOut.prefix(5).map { "\($0.object.printable) (not readable)" }
    return result
  }
}
