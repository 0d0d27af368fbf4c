/// The methods side by side, for people.
public enum MethodTable {
  /// The page `docs/methods.md`.
  public static func document(_ catalog: AlgorithmCatalog) throws(ConfigurationError) -> String {
    var methods: [(layer: ConfigurationLayer, values: ExperimentConfiguration)] = []
    for layer in ConfigurationLibrary.methods.layers {
      let resolved = try ExperimentConfiguration.resolve(
        ConfigurationSources(method: layer), catalog: catalog)
      methods.append((layer, resolved.configuration))
    }
    var text = """
      # Methods

      Generated from `experiments/methods` by `make library`. `bred run --method NAME --task NAME` runs
      one, `bred method show NAME` prints every value with where it comes from. A task may change the
      values that depend on its dataset.

      | method | offline | agents | updates of each | hand-over | online | steps | updates per step | replay |
      |---|---|---|---|---|---|---|---|---|

      """
    for (layer, values) in methods {
      let cells = ["`\(layer.name)`"] + cells(values)
      text += "| " + cells.joined(separator: " | ") + " |\n"
    }
    text += """

      ## What they share

      Methods of one line train the same agents offline: one `bred train --method NAME` serves all of
      them, each with a `bred finetune --method NAME --ensemble DIRECTORY` of its own.


      """
    var seen: Set<String> = []
    for (_, values) in methods where values.trainsOffline {
      let stage = values.restricted(to: [.offline]).yaml()
      guard seen.insert(stage).inserted else { continue }
      let same = methods.filter {
        $0.values.trainsOffline && $0.values.restricted(to: [.offline]).yaml() == stage
      }
      text += "- " + same.map { "`\($0.layer.name)`" }.joined(separator: ", ") + "\n"
    }
    text += "\n## What each says\n"
    for (layer, _) in methods {
      text += "\n### \(layer.name)\n\n```yaml\n\(layer.yaml.trimmed)\n```\n"
    }
    return text
  }

  private static func cells(_ values: ExperimentConfiguration) -> [String] {
    let offline =
      values.trainsOffline
      ? [
        "`\(values.offline.algorithm)`", "\(values.offline.members)",
        "\(values.offline.gradientSteps)",
      ] : ["–", "–", "–"]
    guard values.trainsOnline else { return offline + ["–", "–", "–", "–", "–"] }
    let online = values.online
    let start = online.startValues == .learned ? "" : ", critics at the data's returns"
    let handOver = values.startsFromAgents ? online.actor.rawValue + start : "–"
    let multiplier =
      online.firstBlockMultiplier == 1
      ? "" : ", \(online.firstBlockMultiplier * online.updatesPerStep) in the first block"
    let schedule = online.replay == .balanced && online.schedule != .linear ? ", exponential" : ""
    return offline + [
      handOver, "`\(online.algorithm)`", "\(online.environmentSteps)",
      "\(online.updatesPerStep)\(multiplier)", online.replay.rawValue + schedule,
    ]
  }
}

extension String {
  fileprivate var trimmed: Substring {
    self[..<(lastIndex { !$0.isNewline }.map(index(after:)) ?? startIndex)]
  }
}
