import Configuration
import Datasets
import Environments
import Foundation
import RLCore
public import Runs

/// A full set of datasets of one robot, made as D4RL made its own: soft actor-critic is trained, its
/// replay and rollouts of two of its policies become the files.
///
/// ```
/// output/config.yaml  sac/  candidates.csv  policies/{medium,expert}.safetensors
///        hopper-{random,medium,expert,medium-expert,medium-replay,full-replay}.hdf5
///        datasets.csv  summary.json
/// ```
/// Everything can be interrupted and resumed: what is there and whole is not made again, and the same
/// seed and configuration give the same bytes.
public struct DatasetRecipe {
  /// The kinds of data in the order of making.
  enum Kind: String, CaseIterable {
    case random, medium, expert
    case mediumExpert = "medium-expert"
    case mediumReplay = "medium-replay"
    case fullReplay = "full-replay"
  }

  private let context: StageContext
  private let task: ControlTask
  private var recipe: RecipeSettings { context.configuration.recipe }

  /// - Throws: where the configuration's environment is not known.
  public init(_ context: StageContext) throws {
    self.context = context
    task = try ControlTask(context.configuration)
  }

  /// Makes what is missing in `output`.
  public func run(output: String) throws {
    if try RunDirectory.holdsFinishedRun(output, context: context) { return }
    let directory = try RunDirectory(path: output, context: context)
    try directory.adopt(context.configuration)
    let started = Date()

    let fullReplay = file(.fullReplay, in: directory)
    var training = context
    training.configuration = context.configuration.scratchOfRecipe
    training.resume = true
    training.owner = directory.path
    let sac = directory.file("sac")
    try OnlineStage(training).run(ensemble: nil, output: sac, replayDataset: fullReplay)

    let candidates = try judge(OnlineStage.policies(in: sac))
    let choice = RecipeChoice(candidates, mediumFraction: recipe.mediumFraction)
    try AtomicText.write(RecipeChoice.csv(candidates), to: directory.file("candidates.csv"))
    for (name, candidate) in [("medium", choice.medium), ("expert", choice.expert)] {
      context.reporter.note(
        String(
          format: "%@: iteration %d, return %.0f ± %.0f, score %.1f", name, candidate.iteration,
          candidate.mean, candidate.std, candidate.score))
    }

    var table: [String] = [RecipeRow.header]
    for kind in Kind.allCases {
      try stopIfAsked(directory)
      let path = file(kind, in: directory)
      if !FileManager.default.fileExists(atPath: path) {
        context.reporter.note("making \(path)")
        try make(kind, choice, sac: sac, in: directory)
      }
      table.append(try RecipeRow.text(kind.rawValue, path, task.specification))
    }
    try AtomicText.write(table.joined(separator: "\n") + "\n", to: directory.file("datasets.csv"))
    try finish(directory, choice, seconds: Date().timeIntervalSince(started))
  }

  /// The name of a kind's file, such as `hopper-medium-replay.hdf5`.
  private func file(_ kind: Kind, in directory: RunDirectory) -> String {
    directory.file("\(task.name)-\(kind.rawValue).hdf5")
  }

  private func stopIfAsked(_ directory: RunDirectory) throws {
    if context.interruption.isRequested { throw Interrupted(directory: directory.path) }
  }

  /// What the files say they were made by.
  private var command: String {
    context.configuration.command("dataset recipe")
  }

  // MARK: Policies

  /// Plays each kept policy with sampled actions; starts are the same for all of them.
  private func judge(_ files: [(iteration: Int, path: String)]) throws -> [RecipeCandidate] {
    let seed = UInt64(context.configuration.seed)
    context.reporter.begin("candidates", from: 0, to: files.count, unit: "policies")
    defer { context.reporter.end() }
    return try files.enumerated().map { index, file in
      let found = try task.evaluate(
        AgentStore.gaussianPolicy(file.path, task: task), episodes: recipe.candidateEpisodes,
        selection: .sample, seed: seed, purpose: "recipe/candidate", pool: context.pool)
      context.reporter.update(index + 1)
      return RecipeCandidate(
        iteration: file.iteration, mean: found.mean, std: found.std, score: found.normalizedScore)
    }
  }

  // MARK: Files

  private func make(
    _ kind: Kind, _ choice: RecipeChoice, sac: String, in directory: RunDirectory
  ) throws {
    let path = file(kind, in: directory)
    let full = file(.fullReplay, in: directory)
    switch kind {
    case .random: try collect(nil, seedOffset: 0, to: path)
    case .medium, .expert:
      let candidate = kind == .medium ? choice.medium : choice.expert
      try directory.makeDirectory(directory.file("policies"))
      let policy = directory.file("policies/\(kind.rawValue).safetensors")
      try AgentStore.write(
        AgentStore.gaussianPolicy(
          OnlineStage.policyFile(block: candidate.iteration, in: sac), task: task),
        task: task, to: policy)
      try collect(
        (policy, candidate.iteration), seedOffset: kind == .medium ? 1 : 2, to: path)
    case .mediumExpert:
      let parts = try [Kind.medium, .expert].map {
        try D4RLDataset(contentsOf: file($0, in: directory))
      }
      try DatasetAssembly.stitching(parts[0], parts[1], rows: 2 * recipe.rows, output: path)
        .write(to: path, command: command)
    case .mediumReplay:
      let replay = try D4RLDataset(contentsOf: full)
      let rows = min(replay.rows, choice.medium.iteration * context.configuration.online.blockSteps)
      let medium = OnlineStage.policyFile(block: choice.medium.iteration, in: sac)
      try DatasetAssembly([.init(replay, rows: 0..<rows)], output: path).write(
        to: path, command: command,
        policy: AgentStore.policyTensors(medium, task: task),
        integers: ["iteration": choice.medium.iteration])
    case .fullReplay:
      throw RunError.missing(path: path, what: "the replay written by soft actor-critic")
    }
  }

  /// - Parameter source: weights and their iteration; `nil` acts at random.
  private func collect(
    _ source: (file: String, iteration: Int)?, seedOffset: UInt64, to path: String
  ) throws {
    let behaviour = try BehaviourPolicy(policyFile: source?.file, task.kind)
    var metadata = behaviour.metadata
    if let source { metadata.integers["iteration"] = source.iteration }
    // Seeds differ, so that the parts of medium-expert do not begin with the same states.
    let seed = UInt64(context.configuration.seed) &+ seedOffset
    metadata.strings["command"] = command
    var nextNotice = recipe.rows / 10
    context.reporter.begin("rows", from: 0, to: recipe.rows, unit: "rows")
    _ = try DatasetCollector(environment: task.kind, seed: seed, steps: recipe.rows).collect(
      behaviour.policy, to: path, metadata: metadata, pool: context.pool
    ) { rows in
      guard rows >= nextNotice else { return }
      nextNotice = rows + recipe.rows / 10
      context.reporter.update(rows)
    }
    context.reporter.end()
  }

  private func finish(_ directory: RunDirectory, _ choice: RecipeChoice, seconds: Double) throws {
    var scores = ScoreRecord()
    for candidate in [choice.medium, choice.expert] {
      let result = EvaluationResult(
        specification: task.specification, returns: [candidate.mean], lengths: [])
      scores.add(result, step: candidate.iteration * context.configuration.online.blockSteps)
    }
    let summary = RunSummary(
      stage: "recipe", configuration: context.configuration, scores: scores,
      wallSeconds: ["recipe": (seconds * 1000).rounded() / 1000],
      numbers: [
        "mediumIteration": Double(choice.medium.iteration),
        "expertIteration": Double(choice.expert.iteration),
      ])
    try directory.write(json: summary, to: "summary.json")
  }
}

/// A line of `datasets.csv`.
private enum RecipeRow {
  static let header =
    "kind,file,rows,episodes,return_mean,return_std,normalized_score,terminals,timeouts,bytes"

  static func text(
    _ kind: String, _ path: String, _ specification: EnvironmentSpecification
  ) throws -> String {
    let found = try DatasetSummary(
      D4RLDataset(contentsOf: path), specification: specification)
    let score = found.normalizedScore.map { "\($0)" } ?? ""
    return "\(kind),\(URL(fileURLWithPath: path).lastPathComponent),\(found.rows),"
      + "\(found.episodes),\(found.returnMean),\(found.returnDeviation),\(score),"
      + "\(found.terminals),\(found.timeouts),\(found.bytes)"
  }
}

extension ExperimentConfiguration {
  /// What the agent is trained with. The recipe itself plays no part in it, so that a finished `bred sac` run
  /// of these settings can be used as it is.
  var scratchOfRecipe: ExperimentConfiguration {
    var result = restricted(to: [.online])
    result.offline.algorithm = AlgorithmCatalog.none
    result.online.members = nil
    result.online.replay = .onlineOnly
    result.online.firstBlockMultiplier = 1
    result.online.environmentSteps = recipe.environmentSteps
    result.online.policyInterval = recipe.policyInterval
    result.evaluation.interval = recipe.policyInterval
    return result
  }
}
