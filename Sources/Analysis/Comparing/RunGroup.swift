import Foundation
import RLCore
package import Runs

/// Runs that differ in nothing but seed and paths.
package struct RunGroup {
  /// Unique among the groups of a task.
  package private(set) var label: String
  package private(set) var runs: [RecordedRun]
  package var task: String { runs[0].task }

  /// Groups in the order of their first runs.
  ///
  /// A seed stands in a group once: the same run a second time makes a group of its own.
  package static func groups(of runs: [RecordedRun]) -> [RunGroup] {
    var groups: [RunGroup] = []
    for run in runs {
      let place = groups.firstIndex { group in
        group.runs[0].isRepeated(by: run) && !group.runs.contains { $0.seed == run.seed }
      }
      if let place {
        groups[place].runs.append(run)
      } else {
        groups.append(RunGroup(label: "", runs: [run]))
      }
    }
    var taken: [String: Int] = [:]
    for index in groups.indices {
      let found = groups[index].runs
      let name = found[0].label ?? RecordedRun.commonName(found.map(\.name))
      let count = taken["\(found[0].task)\n\(name)", default: 0] + 1
      taken["\(found[0].task)\n\(name)"] = count
      groups[index].label = count == 1 ? name : "\(name) (\(count))"
    }
    return groups
  }

  /// In what two groups of nearly the same name differ, in a few words.
  func difference(from other: RunGroup) -> String {
    let (first, second) = (runs[0], other.runs[0])
    let lines = Set(first.settings ?? []).symmetricDifference(second.settings ?? [])
    let keys = Set(lines.map { $0.trimmingCharacters(in: .whitespaces).prefix { $0 != ":" } })
    if !keys.isEmpty { return keys.sorted().prefix(4).joined(separator: ", ") }
    if let one = first.dataDigest, let two = second.dataDigest, one != two { return "dataset" }
    return "nothing: a seed stands there twice"
  }
}

/// Where the runs are that arguments speak of.
package enum RunTree {
  /// The runs of `[LABEL=]DIRECTORY`: the directory itself, or all below it, in the order of their names.
  ///
  /// - Throws: ``RunError/missing(path:what:)`` where there is none.
  package static func runs(_ argument: String) throws(RunError) -> [RecordedRun] {
    let named = LabelledPath(argument)
    let (label, path) = (named.label, named.path)
    if isRun(path) { return [try RecordedRun(path, label: label)] }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw .missing(path: path, what: "a run directory")
    }
    guard isDirectory.boolValue else {
      throw .mismatch(what: path, expected: "a run directory", actual: "a file")
    }
    var found: [RecordedRun] = []
    for folder in folders(below: path) { found.append(try RecordedRun(folder, label: label)) }
    guard !found.isEmpty else {
      throw .missing(path: path, what: "a run (a directory with progress.csv)")
    }
    return found
  }

  /// Runs of several arguments, each directory once.
  package static func runs(_ arguments: [String]) throws(RunError) -> [RecordedRun] {
    var seen: Set<String> = []
    var result: [RecordedRun] = []
    for argument in arguments {
      result += try runs(argument).filter { run in
        let path = URL(fileURLWithPath: run.directory).resolvingSymlinksInPath().path
        return seen.insert("\(path)\n\(run.label ?? "")").inserted
      }
    }
    return result
  }

  /// A table of its own, or stages below a configuration; a directory that only holds runs may hold one that
  /// is called like a stage.
  private static func isRun(_ path: String) -> Bool {
    func holds(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(file)") }
    return holds("progress.csv")
      || holds("config.yaml") && RecordedRun.stages.contains { holds("\($0)/progress.csv") }
  }

  /// Links to directories are not followed, which could lead in a circle.
  private static func folders(below path: String) -> [String] {
    let manager = FileManager.default
    let names = (try? manager.contentsOfDirectory(atPath: path)) ?? []
    return names.filter { !$0.hasPrefix(".") }
      .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
      .map { "\(path)/\($0)" }
      .filter {
        let type = try? manager.attributesOfItem(atPath: $0)[.type] as? FileAttributeType
        return type == .typeDirectory
      }
      .flatMap { isRun($0) ? [$0] : folders(below: $0) }
  }
}
