import Algorithms
public import Configuration
import RLCore
import Synchronization

extension AlgorithmCatalog {
  /// The algorithms of the registry, each for both stages.
  public static var registered: AlgorithmCatalog {
    let all = AlgorithmRegistry.all
    return latest.withLock { catalog in
      // Algorithms are added and never taken away.
      if let catalog, catalog.offline.count == all.count { return catalog }
      let made = AlgorithmCatalog(
        Dictionary(
          uniqueKeysWithValues: all.map { ($0.name, $0.settingsType as any SettingGroup.Type) }))
      catalog = made
      return made
    }
  }

  private static let latest = Mutex<AlgorithmCatalog?>(nil)
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
