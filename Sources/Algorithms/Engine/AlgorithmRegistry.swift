import Autodiff
public import DenseMath
public import RLCore
import Synchronization

/// Every algorithm by name. A new one is one file and one line here; one outside of this package
/// registers itself with ``add(_:)``.
public enum AlgorithmRegistry {
  private static let own: [any Algorithm.Type] = [
    AdvantageWeightedActorCritic.self,
    BatchConstrainedQLearning.self,
    BehaviorCloning.self,
    CalibratedQLearning.self,
    ConservativeQLearning.self,
    EnsembleDiversifiedActorCritic.self,
    ImplicitQLearning.self,
    OfflineToOnline.self,
    PolicyExpansion.self,
    RLPD.self,
    SACN.self,
    SoftActorCritic.self,
    SupportedPolicyOptimization.self,
    TD3BehaviorCloning.self,
    TwinDelayedDDPG.self,
  ]
  private static let added = Mutex<[any Algorithm.Type]>([])

  /// Every algorithm: this package's, then those that were added, in the order in which they came.
  public static var all: [any Algorithm.Type] { own + added.withLock { $0 } }
  /// Their ``Algorithm/name``s, in the order of ``all``.
  public static var names: [String] { all.map { $0.name } }

  /// Name and one line on each, in the order of names.
  public static var summaries: [(name: String, summary: String)] {
    var result: [(name: String, summary: String)] = []
    for type in all { result.append((type.name, type.summary)) }
    return result.sorted { $0.name < $1.name }
  }

  /// Makes an algorithm known to configurations, stages and agent files of this process.
  ///
  /// - Precondition: no other algorithm has its name.
  public static func add(_ type: any Algorithm.Type) {
    require(!names.contains(type.name), "there is an algorithm '\(type.name)' already")
    added.withLock { $0.append(type) }
  }

  /// - Throws: ``AlgorithmError/unknown(name:known:)``.
  public static func named(_ name: String) throws(AlgorithmError) -> any Algorithm.Type {
    guard let type = all.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: names)
    }
    return type
  }
}

extension Algorithm {
  /// The type of the settings, for schemas.
  public static var settingsType: any AlgorithmSettings.Type { Settings.self }
}

extension Agent {
  /// An agent of an algorithm that is known by name only.
  public static func make(
    _ type: any Algorithm.Type, _ settings: any SettingGroup, _ setup: AgentSetup,
    pool: WorkerPool
  ) throws(AlgorithmError) -> Agent {
    func open<A: Algorithm>(_ type: A.Type) throws(AlgorithmError) -> Agent {
      try Agent(type, settings, setup, pool: pool)
    }
    return try open(type)
  }
}
