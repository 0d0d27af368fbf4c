import Datasets
public import DenseMath
import Environments
public import RLCore
public import Rendering
public import Runs

/// Films episodes of policies and datasets.
public struct RenderStage {
  /// What one panel of the picture shows.
  public enum Subject: Sendable, Equatable {
    /// Whatever ``EvaluateStage/run(policyFile:episodes:seed:selection:)`` takes.
    case policy(String)
    /// An episode, from 0, of a D4RL file with `infos/qpos` and `infos/qvel`, and those that follow it.
    case trajectory(file: String, episode: Int)
  }

  /// Which episodes, and how much of them.
  public struct Episodes: Sendable, Equatable {
    /// How many, one after the other.
    public var count = 1
    /// Of each; `nil`: all.
    public var steps: Int?
    /// Of the policies' starts and actions: their episodes are those of ``EvaluateStage`` with this seed.
    public var seed: UInt64 = 0
    /// What the policies play: modes or draws.
    public var selection = ActionSelection.mean

    public init() {}
  }

  /// What was filmed.
  public struct Outcome: Sendable, Encodable {
    /// One panel of the picture.
    public struct Panel: Sendable, Encodable {
      /// What stands above it; may be empty.
      public let title: String
      /// Undiscounted, by episode, of the steps that are shown.
      public let returns: [Double]
      /// Steps shown, by episode.
      public let lengths: [Int]
      /// D4RL's scores of these returns; of less than whole episodes they are no scores of the
      /// policy.
      public let normalizedScores: [Double]
    }
    /// The robot's canonical name, `hopper`.
    public let environment: String
    /// The file of the film.
    public let output: String
    /// Pictures in it.
    public let frames: Int
    /// Pictures for each second of playing.
    public let framesPerSecond: Double
    /// Side by side, from the left.
    public let panels: [Panel]
    /// Whether the film ends before its time.
    public let interrupted: Bool
  }

  private let task: ControlTask?
  private let pool: WorkerPool

  /// - Parameter environment: any name of the robot; `nil`: the one that the files name.
  public init(environment: String? = nil, pool: WorkerPool = WorkerPool()) throws {
    task = try environment.map { try ControlTask($0) }
    self.pool = pool
  }

  /// - Parameters:
  ///   - subjects: seen side by side, with titles; empty titles are left out.
  ///   - output: its ending says what is made, as `VideoFormat` of `Rendering` has it.
  /// - Throws: where a file cannot be read or is of another robot than the first, or nothing here draws or
  ///   stores films; then there is no video.
  public func run(
    _ subjects: [(title: String, subject: Subject)], episodes: Episodes = Episodes(),
    options: Film.Options = Film.Options(), output: String,
    interruption: Interruption? = nil, reporter: ProgressReporter
  ) throws -> Outcome {
    // What cannot be written is refused before anything is played.
    _ = try VideoFormat(path: output)
    try Film.check()
    var task = task
    var columns: [[Footage]] = []
    for (_, subject) in subjects {
      columns.append(try footage(subject, episodes, interruption, &task))
    }
    guard let task else { preconditionFailure("a film of nothing") }
    let count = columns.map(\.count).min() ?? 0
    let scenes = (0..<count).map { scene in columns.map { $0[scene] } }
    let film = try Film(task.kind, options)
    reporter.begin("render", from: 0, to: film.frameCount(scenes), unit: "frames")
    defer { reporter.end() }
    let found = try film.write(
      scenes, titles: subjects.map(\.title), to: output, interruption: interruption
    ) { reporter.update($0) }
    return Outcome(
      environment: task.name, output: output, frames: found.frames,
      framesPerSecond: found.framesPerSecond,
      panels: zip(subjects, columns).map { subject, column in
        let returns = column.prefix(count).map(\.returnValue)
        return Outcome.Panel(
          title: subject.title, returns: returns,
          lengths: column.prefix(count).map(\.states.count),
          normalizedScores: returns.map { task.specification.normalizedScore(ofReturn: $0) })
      },
      interrupted: found.isInterrupted)
  }

  private func footage(
    _ subject: Subject, _ episodes: Episodes, _ interruption: Interruption?,
    _ task: inout ControlTask?
  ) throws -> [Footage] {
    var result: [Footage] = []
    switch subject {
    case .policy(let path):
      let found = try EvaluateStage.read(path, task: task)
      task = found.task
      let rollouts = try Rollouts(found.task.kind, pool: pool)
      try rollouts.collect(
        found.policy, selection: episodes.selection, seed: episodes.seed,
        purpose: EvaluateStage.purpose, count: episodes.count
      ) { episode in
        guard let footage = Footage(episode) else {
          throw RunError.inconsistent(
            path: path, reason: "the simulation broke down in the first step of an episode")
        }
        result.append(footage)
        // What has been played until then makes a film.
        return interruption?.isRequested != true
      }
    case .trajectory(let file, let first):
      result = try RenderStage.stored(file, first..<first + episodes.count, &task)
    }
    if let steps = episodes.steps { result = result.map { $0.prefix(steps) } }
    return result
  }

  private static func stored(
    _ file: String, _ numbers: Range<Int>, _ task: inout ControlTask?
  ) throws -> [Footage] {
    let dataset = try D4RLDataset(contentsOf: file)
    guard let name = task?.name ?? dataset.environmentName else {
      throw RunError.missing(path: file, what: "the robot, which --env can give,")
    }
    let found = try task ?? ControlTask(name)
    task = found
    return try dataset.episodes(numbers, of: found.specification).map { episode in
      Footage(
        states: episode.states, rewards: episode.rewards,
        ending: Footage.ending(terminated: episode.terminal, truncated: episode.timeout))
    }
  }
}
