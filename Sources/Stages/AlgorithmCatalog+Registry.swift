import Algorithms
public import Configuration
import RLCore

extension AlgorithmCatalog {
  /// The algorithms of the registry, each for both stages.
  public static var registered: AlgorithmCatalog {
    AlgorithmCatalog(
      Dictionary(
        uniqueKeysWithValues: AlgorithmRegistry.all.map {
          ($0.name, $0.settingsType as any SettingGroup.Type)
        }))
  }
}

extension ConfigurationLayer {
  /// Training from scratch: no offline agents, rlkit's soft actor-critic on its own replay.
  public static let scratch = ConfigurationLayer(
    name: "from scratch",
    yaml: """
      offline: {algorithm: none}
      online: {replay: online-only, firstBlockMultiplier: 1}
      """, kind: .method)
}
