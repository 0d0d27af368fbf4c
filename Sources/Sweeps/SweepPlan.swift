import Configuration
import Datasets
import Environments
import Foundation
import RLCore
public import Runs
import Stages

/// Every run of a sweep, and the jobs that make them.
///
/// ```
/// output/plans/NAME.json  stages/agent-…/  stages/start-…/{pretrain,distill}/  runs/TASK/METHOD/seed-S/
///        claims/  logs/
/// ```
/// A run's directory is one of `bred run`, whose `pretrain` and `distill` are links to what runs share.
public struct SweepPlan: Codable, Sendable, Equatable {
  /// The sweep's; names the file of the plan.
  public var name: String
  /// Those that others need come first.
  public var jobs: [SweepJob] = []
  /// What could not be found on this machine, with how to get it.
  public var missing: [String] = []
  var datasets: [DatasetFingerprint] = []
  /// What programs that draw are told.
  var figure: JSONValue?

  static let folder = "plans"

  /// Those of one kind, in the order of the plan.
  public func jobs(_ kind: SweepJob.Kind) -> [SweepJob] { jobs.filter { $0.kind == kind } }

  /// How many runs lean on a job.
  public func users(of job: SweepJob) -> Int {
    let direct = jobs.filter { $0.needs.contains(job.id) }
    return direct.reduce(0) { $0 + ($1.kind == .run ? 1 : users(of: $1)) }
  }

  /// - Parameter directory: of the sweep, whose plan knows the digests of datasets that it has seen.
  /// - Throws: `ConfigurationError` for every value that a run cannot have, and where two different
  ///   runs would be called alike.
  public init(_ file: SweepFile, in directory: String? = nil) throws {
    name = file.name
    figure = file.figure
    let known = directory.flatMap { try? SweepPlan.read($0).datasets } ?? []
    var builder = PlanBuilder(file: file, known: known)
    for block in file.blocks { try builder.add(block) }
    try builder.checkValues()
    jobs = builder.agents + builder.starts + builder.runs
    missing = builder.missing
    datasets = builder.fingerprints
  }

  // MARK: On disk

  /// Everything that the plans of a sweep's directory hold; of a job that is in several, the youngest counts.
  public static func read(_ directory: String) throws(RunError) -> SweepPlan {
    let folder = "\(directory)/\(folder)"
    let manager = FileManager.default
    func age(_ path: String) -> Date {
      (try? manager.attributesOfItem(atPath: path)[.modificationDate] as? Date) ?? .distantPast
    }
    let paths = ((try? manager.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(".json") }.map { "\(folder)/\($0)" }.sorted { age($0) > age($1) }
    var result: SweepPlan?
    for path in paths {
      guard let data = manager.contents(atPath: path) else { continue }
      let plan: SweepPlan
      do { plan = try JSONDecoder().decode(SweepPlan.self, from: data) } catch {
        throw .inconsistent(path: path, reason: "not a plan of this version: \(error)")
      }
      result = result?.joined(plan) ?? plan
    }
    guard let result else {
      throw .missing(path: folder, what: "the plan of a sweep (bred sweep run FILE --output DIR)")
    }
    return result
  }

  private func joined(_ older: SweepPlan) -> SweepPlan {
    var result = self
    let known = Set(jobs.map(\.id))
    let all = older.jobs.filter { !known.contains($0.id) } + jobs
    // Jobs that others need come first.
    result.jobs = SweepJob.Kind.allCases.flatMap { kind in all.filter { $0.kind == kind } }
    result.datasets += older.datasets.filter { !datasets.contains($0) }
    return result
  }

  /// Writes the plan, in place of one of the same name, and makes the sweep's folders.
  public func write(to directory: String) throws(RunError) {
    for folder in ["stages", "runs", "claims", "logs", SweepPlan.folder] {
      try RunDirectory.make("\(directory)/\(folder)")
    }
    try AtomicText.write(
      JSONText.pretty(self), to: "\(directory)/\(SweepPlan.folder)/\(SweepNames.safe(name)).json")
  }
}

/// A dataset's file, known again by size and time of change.
struct DatasetFingerprint: Codable, Sendable, Equatable {
  let path: String
  let bytes: Int
  let modified: Double
  let digest: String
}

private struct PlanBuilder {
  let file: SweepFile
  let known: [DatasetFingerprint]
  var agents: [SweepJob] = []
  var starts: [SweepJob] = []
  var runs: [SweepJob] = []
  var missing: [String] = []
  var fingerprints: [DatasetFingerprint] = []
  /// Keys that `set` gives, and whether any run had use for them.
  private var valueIsUsed: [String: Bool] = [:]

  init(file: SweepFile, known: [DatasetFingerprint]) {
    (self.file, self.known) = (file, known)
  }

  mutating func add(_ block: SweepFile.Block) throws {
    for (key, list) in [
      ("tasks", block.tasks), ("methods", block.methods), ("seeds", block.seeds.map(String.init)),
    ] where list.isEmpty {
      throw ConfigurationError.malformed(file: file.path, reason: "no '\(key)' are given")
    }
    for task in block.tasks {
      for method in block.methods {
        for values in combinations(block.grid[...]) {
          for seed in block.seeds { try add(block, task, method, values, seed) }
        }
      }
    }
  }

  private func combinations(
    _ grid: ArraySlice<(key: String, values: [String])>
  ) -> [[(key: String, value: String)]] {
    guard let first = grid.first else { return [[]] }
    let rest = combinations(grid.dropFirst())
    return first.values.flatMap { value in rest.map { [(first.key, value)] + $0 } }
  }

  private mutating func add(
    _ block: SweepFile.Block, _ task: String, _ method: String,
    _ values: [(key: String, value: String)], _ seed: Int
  ) throws {
    var options = [ConfigurationOption(name: "seeds", key: "seed", value: "\(seed)")]
    var layer: ConfigurationLayer?
    do throws(ConfigurationError) { layer = try ConfigurationLibrary.tasks.layer(task) } catch {
      // A robot's name stands for a task without a dataset of its own.
      guard case .unknownName = error, let robot = try? EnvironmentKind(named: task) else {
        throw error
      }
      options.append(.init(name: "tasks", key: "environment", value: robot.rawValue))
    }
    if let path = file.datasets[task] {
      options.append(.init(name: "datasets.\(task)", key: "dataset.path", value: path))
    }
    let resolved = try ExperimentConfiguration.resolve(
      ConfigurationSources(
        method: ConfigurationLibrary.methods.layer(method), task: layer, sweep: block.values,
        overrides: values.map { "\($0.key)=\($0.value)" }, options: options),
      catalog: .registered)
    note(block, resolved)
    var configuration = resolved.configuration
    let digest = configuration.readsDataset ? try locate(&configuration, task: task) : ""
    let place = SweepJob.Place(
      task: SweepNames.stem(task), variant: SweepNames.variant(block, method, values), seed: seed)
    let title = "\(place.task) \(place.variant) seed \(seed)"
    let start = try addStart(&configuration, digest, task: task)
    let directory =
      "runs/\(SweepNames.safe(place.task))/\(SweepNames.safe(place.variant))/seed-\(seed)"
    let job = SweepJob(
      id: directory.replacingOccurrences(of: "/", with: "+"), kind: .run, title: title,
      directory: directory, needs: start.map { [$0.id] } ?? [], place: place, configuration)
    if let before = runs.first(where: { $0.directory == directory }) {
      guard before == job else {
        throw ConfigurationError.malformed(
          file: file.path,
          reason: "two different runs are called '\(title)'; give their blocks a 'label' each")
      }
      return
    }
    runs.append(job)
  }

  // MARK: What runs share

  private mutating func addStart(
    _ configuration: inout ExperimentConfiguration, _ digest: String, task: String
  ) throws -> SweepJob? {
    guard configuration.trainsOffline else { return nil }
    let robot = SweepNames.stem(task)
    if let path = file.agents[task], configuration.trainsOnline {
      guard try FileSystem.isFolder(path) else {
        notFound("agents of \(task): there is no folder \(path)", path)
        configuration = configuration.restricted(to: [.online])
        return nil
      }
      if let found = try GivenAgents(path, as: configuration) {
        return try addStart(from: found, &configuration, digest, robot: robot)
      }
    }
    let distils = try Pipeline.distils(configuration)
    let stages: Set<ExperimentStage> = distils ? [.offline, .distillation] : [.offline]
    let whole = configuration.restricted(to: stages)
    var needs: [String] = []
    for member in 0..<configuration.offline.members {
      var alone = whole.restricted(to: [.offline])
      alone.offline.members = 1
      let first = (configuration.offline.firstMember ?? 0) + member
      alone.offline.firstMember = first == 0 ? nil : first
      let job = shared(
        .agent, alone, digest, needs: [],
        title: "\(alone.offline.algorithm) agent \(first), \(robot) seed \(alone.seed)")
      if !agents.contains(where: { $0.id == job.id }) { agents.append(job) }
      needs.append(job.id)
    }
    let job = shared(
      .start, whole, digest, needs: needs,
      title: "\(needs.count) \(whole.offline.algorithm) agents\(distils ? ", distilled" : ""), "
        + "\(robot) seed \(whole.seed)")
    if !starts.contains(where: { $0.id == job.id }) { starts.append(job) }
    return job
  }

  /// Runs that begin with agents from elsewhere are online stages alone.
  private mutating func addStart(
    from agents: GivenAgents, _ configuration: inout ExperimentConfiguration, _ digest: String,
    robot: String
  ) throws -> SweepJob {
    let distils = try Pipeline.distils(configuration)
    let count = configuration.online.members ?? configuration.offline.members
    guard count <= agents.count else {
      throw ConfigurationError.outOfRange(
        file: file.path, key: "offline.members", value: "\(count)",
        allowed: "at most the \(agents.count) agents in \(agents.path)")
    }
    var alone = configuration.restricted(to: [.distillation])
    // Without distillation nothing random happens: one start serves all seeds.
    if !distils { alone.seed = 0 }
    let job = shared(
      .start, alone, "\(digest) \(try agents.digest(of: count)) \(distils)", needs: [],
      given: GivenStart(path: agents.path, members: count, distils: distils),
      title: "\(count) given agents\(distils ? ", distilled" : ""), \(robot)"
        + (distils ? " seed \(alone.seed)" : ""))
    if !starts.contains(where: { $0.id == job.id }) { starts.append(job) }
    configuration = configuration.restricted(to: [.online])
    return job
  }

  private func shared(
    _ kind: SweepJob.Kind, _ configuration: ExperimentConfiguration, _ digest: String,
    needs: [String], given: GivenStart? = nil, title: String
  ) -> SweepJob {
    let values = configuration.values.filter { $0.key != "dataset.path" }
      .map { "\($0.key): \($0.value)" }
    let text = ([kind.rawValue, digest] + values).joined(separator: "\n")
    let key = SHA256.hexDigest(of: Array(text.utf8)).prefix(12)
    return SweepJob(
      id: "\(kind.rawValue)-\(key)", kind: kind, title: title,
      directory: "stages/\(kind.rawValue)-\(key)", needs: needs, given: given, configuration)
  }

  // MARK: Datasets

  /// The dataset's digest; where the file is not on this machine, its name in place of it.
  private mutating func locate(
    _ configuration: inout ExperimentConfiguration, task: String
  ) throws -> String {
    let given = HomePath.expanded(configuration.dataset.path)
    guard !given.isEmpty else {
      return notFound("\(task) names no dataset; add 'datasets: {\(task): FILE.hdf5}'", given)
    }
    let path: String
    do { path = try DatasetLocation.resolve(given) } catch { return notFound("\(error)", given) }
    let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
    let attributes = try? FileManager.default.attributesOfItem(atPath: absolute)
    guard let bytes = attributes?[.size] as? Int,
      let modified = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970
    else { return notFound("\(absolute): there is no such file", given) }
    configuration.dataset.path = absolute
    func isSame(_ other: DatasetFingerprint) -> Bool {
      other.path == absolute && other.bytes == bytes && other.modified == modified
    }
    if let found = fingerprints.first(where: isSame) { return found.digest }
    guard
      let digest = known.first(where: isSame)?.digest ?? SHA256.hexDigest(ofFile: absolute)
    else { return notFound("\(absolute): cannot be read", given) }
    fingerprints.append(
      DatasetFingerprint(path: absolute, bytes: bytes, modified: modified, digest: digest))
    return digest
  }

  @discardableResult
  private mutating func notFound(_ message: String, _ name: String) -> String {
    if !missing.contains(message) { missing.append(message) }
    return name
  }

  // MARK: Values that no run uses

  private mutating func note(_ block: SweepFile.Block, _ resolved: ResolvedConfiguration) {
    for key in resolved.configuration.values.map(\.key)
    where resolved.origin(of: key) == file.path { valueIsUsed[key] = true }
    for key in resolved.keys(givenBy: file.path) where valueIsUsed[key] == nil {
      valueIsUsed[key] = false
    }
  }

  /// A value without use for any run is a mistake.
  func checkValues() throws(ConfigurationError) {
    let unused = valueIsUsed.filter { !$0.value }.map(\.key).sorted()
    guard let key = unused.first else { return }
    throw .contradiction(
      file: file.path, keys: ["set.\(key)"], reason: "none of the runs has a use for it")
  }
}

/// What runs and their folders are called.
enum SweepNames {
  /// A task's or method's name, or that of its file.
  static func stem(_ name: String) -> String {
    guard name.hasSuffix(".yaml") || name.hasSuffix(".yml") else { return name }
    return ((name as NSString).lastPathComponent as NSString).deletingPathExtension
  }

  static func variant(
    _ block: SweepFile.Block, _ method: String, _ values: [(key: String, value: String)]
  ) -> String {
    let base =
      block.label.map { block.methods.count > 1 ? "\($0)-\(stem(method))" : $0 } ?? stem(method)
    let last = values.map { $0.key.split(separator: ".").last.map(String.init) ?? $0.key }
    let names = zip(values, last).map { item, short in
      last.filter { $0 == short }.count == 1 ? short : item.key
    }
    return ([base] + zip(names, values).map { "\($0)=\($1.value)" }).joined(separator: ",")
  }

  static func safe(_ text: String) -> String {
    String(
      text.map { character in
        character.isASCII && (character.isLetter || character.isNumber)
          || "._=,-".contains(character) ? character : "-"
      })
  }
}
