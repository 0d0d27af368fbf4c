public import RLCore

/// A part of an experiment that training commands run alone or together.
public enum ExperimentStage: String, Sendable, CaseIterable {
  case offline, distillation, online
  /// Making a full set of datasets, by an agent trained online from scratch.
  case recipe
}

/// Everything that determines the bytes of an experiment.
///
/// The defaults are the paper's; ``resolve(_:catalog:stages:)`` lays methods, tasks, files and options
/// over them. Which algorithms there are comes from a catalog; every one has its settings under
/// `offline.NAME` and `online.NAME`, of which only the chosen one's count.
public struct ExperimentConfiguration: Sendable {
  /// The algorithms among which `offline.algorithm` and `online.algorithm` choose.
  public let catalog: AlgorithmCatalog
  /// The stages that these values are for: those of `bred run`, unless a command runs one alone.
  public private(set) var stages: Set<ExperimentStage>

  /// Keys outside of all sections: `environment`, `seed`.
  public var general = GeneralSettings()
  /// Section `dataset`.
  public var dataset = DatasetSettings()
  /// Section `networks`.
  public var networks = NetworkSettings()
  /// Section `offline`, without the algorithms' own settings.
  public var offline = OfflineSettings()
  /// Section `distillation`.
  public var distillation = DistillationSettings()
  /// Section `online`, without the algorithms' own settings.
  public var online = OnlineSettings()
  /// Section `recipe`.
  public var recipe = RecipeSettings()
  /// Section `evaluation`.
  public var evaluation = EvaluationSettings()
  /// Settings of every algorithm of the catalog, by section: `offline.cql`.
  private var algorithms: [String: any SettingGroup] = [:]

  /// `bred run`'s stages.
  public static let pipeline: Set<ExperimentStage> = [.offline, .distillation, .online]

  /// The defaults.
  public init(
    catalog: AlgorithmCatalog, stages: Set<ExperimentStage> = ExperimentConfiguration.pipeline
  ) {
    precondition(!stages.isEmpty, "a configuration is for at least one stage")
    self.init(SettingStack(catalog.schema), catalog, stages)
  }

  init(_ stack: SettingStack, _ catalog: AlgorithmCatalog, _ stages: Set<ExperimentStage>) {
    self.catalog = catalog
    self.stages = stages
    general = stack.group(GeneralSettings.self, at: "")
    dataset = stack.group(DatasetSettings.self, at: "dataset")
    networks = stack.group(NetworkSettings.self, at: "networks")
    offline = stack.group(OfflineSettings.self, at: "offline")
    distillation = stack.group(DistillationSettings.self, at: "distillation")
    online = stack.group(OnlineSettings.self, at: "online")
    recipe = stack.group(RecipeSettings.self, at: "recipe")
    evaluation = stack.group(EvaluationSettings.self, at: "evaluation")
    for (stage, groups) in [("offline", catalog.offline), ("online", catalog.online)] {
      for (name, group) in groups {
        algorithms["\(stage).\(name)"] = stack.group(group, at: "\(stage).\(name)")
      }
    }
  }

  /// The same values, for these stages alone: what one stage of a pipeline depends on.
  public func restricted(to stages: Set<ExperimentStage>) -> ExperimentConfiguration {
    precondition(!stages.isEmpty, "a configuration is for at least one stage")
    var result = self
    result.stages = stages
    if !stages.contains(.online), let seed = offline.seed {
      result.seed = seed
      result.offline.seed = nil
    }
    return result
  }

  /// The robot's canonical name, `hopper`.
  public var environment: String {
    get { general.environment }
    set { general.environment = newValue }
  }

  /// Seed of all random numbers, 0 or above; of the agents only where `offline.seed` is left open.
  public var seed: Int {
    get { general.seed }
    set { general.seed = newValue }
  }

  // MARK: Algorithms

  /// Settings of the chosen offline algorithm; `nil` where it is `none`.
  public var offlineAlgorithm: (any SettingGroup)? { algorithms["offline.\(offline.algorithm)"] }

  /// Settings of the chosen online algorithm; `nil` where it is `none`.
  public var onlineAlgorithm: (any SettingGroup)? { algorithms["online.\(online.algorithm)"] }

  /// The chosen offline algorithm's settings, if they are of this type.
  public func offlineAlgorithm<Group: SettingGroup>(as type: Group.Type) -> Group? {
    offlineAlgorithm as? Group
  }

  /// The chosen online algorithm's settings, if they are of this type.
  public func onlineAlgorithm<Group: SettingGroup>(as type: Group.Type) -> Group? {
    onlineAlgorithm as? Group
  }

  /// Chooses an offline algorithm together with its settings.
  ///
  /// - Precondition: the catalog has the name, with settings of this type.
  public mutating func chooseOffline(_ name: String, _ settings: some SettingGroup) {
    precondition(catalog.offline[name] == type(of: settings), "'\(name)' has other settings")
    offline.algorithm = name
    algorithms["offline.\(name)"] = settings
  }

  /// Chooses an online algorithm together with its settings.
  ///
  /// - Precondition: the catalog has the name, with settings of this type.
  public mutating func chooseOnline(_ name: String, _ settings: some SettingGroup) {
    precondition(catalog.online[name] == type(of: settings), "'\(name)' has other settings")
    online.algorithm = name
    algorithms["online.\(name)"] = settings
  }

  // MARK: What runs

  /// Whether agents are trained on the dataset.
  public var trainsOffline: Bool {
    stages.contains(.offline) && offline.algorithm != AlgorithmCatalog.none
  }

  /// Whether the members' policies are distilled into one.
  public var distils: Bool {
    guard stages.contains(.distillation) else { return false }
    if stages.contains(.offline) && !trainsOffline { return false }
    // `bred distill` alone has no other purpose.
    let isWanted = stages.contains(.online) ? trainsOnline && online.actor == .distilled : true
    return distillation.enabled ?? isWanted
  }

  /// Whether an agent learns from interaction.
  public var trainsOnline: Bool {
    !stages.isDisjoint(with: [.online, .recipe]) && online.algorithm != AlgorithmCatalog.none
  }

  /// Whether online training begins with agents that learned offline.
  public var startsFromAgents: Bool {
    stages.contains(.online) && trainsOnline && offline.algorithm != AlgorithmCatalog.none
  }

  /// Whether any stage reads the dataset.
  public var readsDataset: Bool {
    trainsOffline || distils
      || (stages.contains(.online) && trainsOnline && online.replay != .onlineOnly)
  }

  // MARK: Groups

  /// Every group with its section, in the order of a configuration file.
  var groups: [(section: String, group: any SettingGroup)] {
    func chosen(_ stage: String) -> [(String, any SettingGroup)] {
      algorithms.filter { $0.key.hasPrefix(stage + ".") }.sorted { $0.key < $1.key }
        .map { ($0.key, $0.value) }
    }
    return [("", general), ("dataset", dataset), ("networks", networks), ("offline", offline)]
      + chosen("offline") + [("distillation", distillation), ("online", online)]
      + chosen("online") + [("recipe", recipe), ("evaluation", evaluation)]
  }
}
