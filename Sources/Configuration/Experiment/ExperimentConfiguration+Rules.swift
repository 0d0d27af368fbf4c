import Environments
import RLCore

extension ExperimentConfiguration {
  static func schema(
    offline: [String: any SettingGroup.Type], online: [String: any SettingGroup.Type]
  ) -> SettingSchema {
    func algorithms(
      _ stage: String, _ settings: [String: any SettingGroup.Type]
    ) -> [SettingSection] {
      AlgorithmCatalog.sorted(settings).map { SettingSection("\(stage).\($0.name)", $0.group) }
    }
    func choice(_ settings: [String: any SettingGroup.Type]) -> [String: [String]] {
      ["algorithm": AlgorithmCatalog.choices(settings)]
    }
    let robots = ["environment": EnvironmentKind.allCases.map(\.rawValue)]
    return SettingSchema(
      [
        SettingSection("", GeneralSettings.self, choices: robots),
        SettingSection("dataset", DatasetSettings.self),
        SettingSection("networks", NetworkSettings.self),
        SettingSection("offline", OfflineSettings.self, choices: choice(offline)),
      ] + algorithms("offline", offline) + [
        SettingSection("distillation", DistillationSettings.self),
        SettingSection("online", OnlineSettings.self, choices: choice(online)),
      ] + algorithms("online", online) + [
        SettingSection("recipe", RecipeSettings.self),
        SettingSection("evaluation", EvaluationSettings.self),
      ],
      aliases: ConfigurationAliases.all)
  }

  /// A key whose value plays no part.
  struct UnusedKey {
    enum Cause {
      /// Another key's value.
      case key(String)
      /// The command: to give the key in a file or as an option is a mistake.
      case command(keys: [String])
      /// The agents that the command begins with: to give the key as an option is a mistake, a file may
      /// serve other commands.
      case agents
      /// The command runs other stages: one file may serve all commands.
      case otherStage
    }

    let key: String
    let cause: Cause
    let reason: String
  }

  /// Everything that these values, or the command's stages, leave without meaning.
  var unusedKeys: [String: UnusedKey] {
    var result: [String: UnusedKey] = [:]
    let groups = groups
    // The first reason counts: those of the command before those of other values.
    func add(_ key: String, _ cause: UnusedKey.Cause, _ reason: String) {
      if result[key] == nil { result[key] = UnusedKey(key: key, cause: cause, reason: reason) }
    }
    func add(
      section: String, except kept: Set<String> = [], _ cause: UnusedKey.Cause, _ reason: String
    ) {
      for (path, _) in groups where path == section || path.hasPrefix(section + ".") {
        let kept = kept.map { "\(path).\($0)" }
        for key in catalog.schema.keys(of: path) where !kept.contains(key) {
          add(key, cause, reason)
        }
      }
    }
    addStages(add(section:except:_:_:), add(_:_:_:))
    addAlgorithms(add(section:except:_:_:), add(_:_:_:))
    if !readsDataset {
      // A task names its dataset whatever the method does; what else is said of one is a mistake.
      if stages.isSuperset(of: [.offline, .online]), trainsOnline {
        add(
          section: "dataset", except: ["path"], .key("online.replay"),
          "nothing reads a dataset: there are no offline agents, and the replay is 'online-only'")
      }
      add(section: "dataset", .otherStage, "no stage reads the dataset")
    }
    for (path, group) in groups {
      for found in group.unused {
        let prefix = path.isEmpty ? "" : path + "."
        add(prefix + found.name, .key(prefix + found.cause), found.reason)
      }
    }
    return result
  }

  private typealias AddKey = (String, UnusedKey.Cause, String) -> Void
  private typealias AddSection = (String, Set<String>, UnusedKey.Cause, String) -> Void

  private func addStages(_ section: AddSection, _ key: AddKey) {
    let reason = "this command runs other stages"
    let isRecipe = stages.contains(.recipe)
    if !stages.contains(.offline) {
      // Which algorithm the agents learned with does not matter afterwards, only whether there are any.
      let fromScratch = stages.contains(.online) && offline.algorithm == AlgorithmCatalog.none
      section("offline", fromScratch ? ["algorithm"] : [], .otherStage, reason)
    }
    if !stages.contains(.distillation) { section("distillation", [], .otherStage, reason) }
    if !stages.contains(.online) && !isRecipe { section("online", [], .otherStage, reason) }
    if !stages.isSuperset(of: [.offline, .online]) {
      key("offline.seed", .command(keys: ["seed"]), "without online training there is one seed")
    }
    if stages == [.distillation] { key("evaluation.interval", .otherStage, reason) }
    if !trainsOffline, startsFromAgents || stages == [.distillation] {
      key("dataset.observations", .agents, "agents keep what they made of observations offline")
    }
    guard isRecipe else { return section("recipe", [], .otherStage, reason) }
    for (name, other) in [
      ("online.environmentSteps", "recipe.environmentSteps"),
      ("online.policyInterval", "recipe.policyInterval"),
      ("evaluation.interval", "recipe.policyInterval"),
    ] { key(name, .command(keys: [other]), "a recipe takes the latter's value") }
    for name in ["members", "actor", "startTemperature", "startValues", "replay"]
      + ["firstBlockMultiplier", "initialOnlineFraction", "finalTimestep", "schedule"]
    { key("online.\(name)", .otherStage, "a recipe trains one agent from scratch") }
  }

  private func addAlgorithms(_ section: AddSection, _ key: AddKey) {
    for (stage, chosen, names) in [
      ("offline", offline.algorithm, Array(catalog.offline.keys)),
      ("online", online.algorithm, Array(catalog.online.keys)),
    ] {
      for name in names where name != chosen {
        section(
          "\(stage).\(name)", [], .key("\(stage).algorithm"),
          "these are settings of '\(name)', the algorithm is '\(chosen)'")
      }
    }
    let hasNoAgents = offline.algorithm == AlgorithmCatalog.none
    if hasNoAgents && !stages.isDisjoint(with: [.offline, .online]) {
      let reason = "there are no offline agents with 'algorithm: none'"
      section("distillation", [], .key("offline.algorithm"), reason)
      key("online.actor", .key("offline.algorithm"), reason)
      key("online.startTemperature", .key("offline.algorithm"), reason)
      key("online.startValues", .key("offline.algorithm"), reason)
    } else if !distils {
      let (cause, reason) = whyNothingIsDistilled
      // Fine-tuning alone is given the files of whole runs, and agents that may have been distilled.
      let isFineTuning = stages == [.distillation, .online]
      section("distillation", ["enabled"], isFineTuning ? .otherStage : .key(cause), reason)
    }
    if startsFromAgents && online.startTemperature == .members {
      key(
        "online.\(online.algorithm).initialTemperature", .key("online.startTemperature"),
        "a given start needs 'startTemperature: fixed', here it is 'members'")
    }
  }

  private var whyNothingIsDistilled: (cause: String, reason: String) {
    if distillation.enabled == false {
      return ("distillation.enabled", "nothing is distilled with 'enabled: false'")
    }
    if !trainsOnline {
      return (
        "online.algorithm", "without online training, only 'distillation.enabled: true' distils"
      )
    }
    return ("online.actor", "nothing is distilled for the actor '\(online.actor.rawValue)'")
  }

  /// Values that cannot stand together, by full key.
  var contradictions: [(keys: [String], reason: String)] {
    let unused = unusedKeys
    var result: [(keys: [String], reason: String)] = []
    for (path, group) in groups {
      let prefix = path.isEmpty ? "" : path + "."
      result += group.contradictions.map { ($0.names.map { prefix + $0 }, $0.reason) }
        .filter { $0.0.allSatisfy { unused[$0] == nil } }
    }
    if stages.isSuperset(of: [.distillation, .online]), startsFromAgents,
      distillation.enabled == false, online.actor == .distilled
    {
      result.append(
        (
          ["distillation.enabled", "online.actor"],
          "without distillation the actor is 'mixture' or 'independent'"
        ))
    }
    if stages.isSuperset(of: [.offline, .online]), !trainsOffline, !trainsOnline {
      result.append(
        (["offline.algorithm", "online.algorithm"], "with 'none' for both there is nothing to do"))
    }
    if dataset.rewards != .raw, stages.contains(.online), trainsOnline,
      online.replay == .onlineOnly
    {
      result.append(
        (
          ["dataset.rewards", "online.replay"],
          "online training needs the dataset to scale rewards as offline training did"
        ))
    }
    if online.startValues == .dataReturns, startsFromAgents, trainsOnline,
      online.replay == .onlineOnly
    {
      result.append(
        (
          ["online.startValues", "online.replay"],
          "critics start at the returns of data, and with 'online-only' no data is read"
        ))
    }
    guard stages.contains(.recipe) else { return result }
    if !trainsOnline {
      result.append((["online.algorithm"], "a recipe needs an agent that learns online"))
    }
    if recipe.environmentSteps > online.bufferCapacity {
      result.append(
        (
          ["recipe.environmentSteps", "online.bufferCapacity"],
          "the replay must hold all \(recipe.environmentSteps) steps, its capacity is "
            + "\(online.bufferCapacity)"
        ))
    }
    let blocks = recipe.environmentSteps / online.blockSteps
    if recipe.policyInterval > blocks {
      result.append(
        (
          ["recipe.policyInterval", "recipe.environmentSteps"],
          "there are \(blocks) blocks of \(online.blockSteps) steps, so no policy would be kept"
        ))
    }
    return result
  }
}
