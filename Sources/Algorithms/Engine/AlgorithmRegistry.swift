/// Every algorithm by name. A new one is one file and one line here.
public enum AlgorithmRegistry {
  public static let all: [any Algorithm.Type] = [
    AdvantageWeightedActorCritic.self,
    BehaviorCloning.self,
    ConservativeQLearning.self,
    ImplicitQLearning.self,
    SoftActorCritic.self,
    TD3BehaviorCloning.self,
    TwinDelayedDDPG.self,
  ]

  public static var names: [String] { all.map { $0.name } }

  /// - Throws: ``AlgorithmError/unknown(name:known:)``.
  public static func named(_ name: String) throws(AlgorithmError) -> any Algorithm.Type {
    guard let type = all.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: names)
    }
    return type
  }
}
