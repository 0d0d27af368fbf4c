package import Configuration
import Stages

/// One thing that a process does from begin to end, in a directory of its own.
public struct SweepJob: Codable, Sendable, Equatable {
  /// What a job does, in the order in which jobs need each other.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// Offline training of one agent.
    case agent
    /// What runs begin with: the agents side by side, and their distilled policy where runs use one.
    case start
    /// The rest of a run of one task, method and seed.
    case run
  }

  /// Unique in the sweep, and fit for a file's name. Of agents and starts it holds the digest of
  /// everything that determines them, so that runs share them.
  public let id: String
  /// What the job does.
  public let kind: Kind
  /// For people.
  public let title: String
  /// Inside the sweep's directory.
  public let directory: String
  /// What must be done before, by id: of a start its agents in order, of a run its start.
  public let needs: [String]
  /// Of a start whose agents are there already.
  let given: GivenStart?
  /// Of a run.
  public let place: Place?
  let stages: [String]
  let yaml: String

  /// Where a run stands in its sweep.
  public struct Place: Codable, Sendable, Equatable {
    /// The task's name, or that of its file.
    public let task: String
    /// Method, or label, with the values of the grid.
    public let variant: String
    /// The run's seed, 0 or above.
    public let seed: Int
  }

  init(
    id: String, kind: Kind, title: String, directory: String, needs: [String],
    given: GivenStart? = nil, place: Place? = nil,
    _ configuration: ExperimentConfiguration
  ) {
    (self.id, self.kind, self.title) = (id, kind, title)
    (self.directory, self.needs, self.given) = (directory, needs, given)
    self.place = place
    stages = configuration.stages.map(\.rawValue).sorted()
    yaml = configuration.yaml()
  }

  package func configuration() throws(ConfigurationError) -> ExperimentConfiguration {
    try ExperimentConfiguration.parse(
      yaml: yaml, name: title, catalog: .registered,
      stages: Set(stages.compactMap(ExperimentStage.init(rawValue:))))
  }
}
