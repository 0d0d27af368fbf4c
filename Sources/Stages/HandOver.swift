import Agents
import Algorithms
import Configuration
import DenseMath
import Autodiff
import RLCore
import Runs

/// What becomes of offline agents when interaction begins: their networks, by name of the part, go into the
/// agents that learn online. Moments and targets start afresh (Off2On); targets go along where the
/// algorithm stays the same.
struct HandOver {
  private let configuration: ExperimentConfiguration
  private let type: any Algorithm.Type
  private let settings: any SettingGroup
  private let task: ControlTask
  /// Of agents that begin afresh; others keep the one that they have learned with.
  private let normalizer: ObservationNormalizer?
  private let startValues: StartValues?

  /// - Parameter data: what is fine-tuned with, where there is any.
  init(
    _ configuration: ExperimentConfiguration, type: any Algorithm.Type,
    settings: any SettingGroup, task: ControlTask, data: OfflineData?
  ) {
    self.configuration = configuration
    self.type = type
    self.settings = settings
    self.task = task
    normalizer = data?.normalizer
    startValues = data?.startValues
  }

  private var online: OnlineSettings { configuration.online }

  /// How many of the offline agents take part: `online.members`, or all.
  func members(of loaded: LoadedAgents) -> Int { online.members ?? loaded.members.count }

  /// Whether one agent takes all critics over.
  private var isJoint: Bool { type.takesEnsemble && online.actor != .independent }

  func wantsDistilled(_ loaded: LoadedAgents) -> Bool {
    isJoint && online.actor == .distilled && members(of: loaded) > 1
  }

  /// What a reader should know of an actor that the algorithm has no use for.
  func note(on loaded: LoadedAgents?) -> String? {
    guard let loaded, members(of: loaded) > 1, !type.takesEnsemble, online.actor != .independent
    else { return nil }
    return
      "'\(type.name)' takes over no ensemble: for 'online.actor: \(online.actor.rawValue)' each of the "
      + "\(members(of: loaded)) agents goes on by itself, as with 'independent'"
  }

  /// Whether ``team(from:distilled:pool:)`` will succeed, and its policy can be kept as it should be.
  ///
  /// - Parameter distilled: `nil` also where it is still to be made; any member's policy is of its kind.
  func check(_ loaded: LoadedAgents?, distilled: GaussianPolicy?) throws {
    var distilled = distilled
    if let loaded, distilled == nil, wantsDistilled(loaded) {
      distilled = try loaded.gaussianPolicies()[0]
    }
    let team = try team(from: loaded, distilled: distilled, pool: WorkerPool(threads: 1))
    let isKept = online.policyInterval > 0
    if isKept, NetworkFile(ActingEnsemble.policy(of: team.agents)) == nil {
      throw ConfigurationError.contradiction(
        file: "configuration", keys: ["online.policyInterval", "online.algorithm"],
        reason: "only policies of one network are kept, here \(team.agents.count) "
          + "of '\(type.name)' act, \(online.actor.rawValue)")
    }
    if online.qVariance, !QVarianceMeter.isDefined(for: team.agents) {
      throw ConfigurationError.contradiction(
        file: "configuration", keys: ["online.qVariance", "online.algorithm"],
        reason: "the variance of Q over a policy's actions needs a policy that draws them and "
          + "critics of states and actions; '\(type.name)' lacks one of them")
    }
    if online.startValues == .dataReturns {
      let agent = team.agents[0]
      let hasOwnValues = agent.networks("value") != nil
      guard hasOwnValues || ValueEstimate(agents: [agent]) == nil else { return }
      throw ConfigurationError.contradiction(
        file: "configuration", keys: ["online.startValues", "online.algorithm"],
        reason: hasOwnValues
          ? "'\(type.name)' learns from a value of states too, which would stay where it is"
          : "'\(type.name)' has no critics of states and actions")
    }
  }

  /// The agents that learn online.
  func team(
    from loaded: LoadedAgents?, distilled: GaussianPolicy?, pool: WorkerPool
  ) throws -> AgentTeam {
    let count = loaded.map(members(of:)) ?? online.members ?? 1
    if let loaded, count > loaded.members.count {
      throw RunError.mismatch(
        what: "online.members",
        expected: "at most the \(loaded.members.count) agents in \(loaded.path)",
        actual: "\(count)")
    }
    let team = try AgentTeam(
      members: isJoint ? 1 : count, pool: pool, extraColumns: type.extraColumns
    ) { member, pool in
      var setup = AgentSetup(task.specification)
      setup.hiddenSizes = loaded?.hiddenSizes ?? configuration.networks.hiddenWidths
      setup.normalizer = loaded.map(\.normalizer) ?? normalizer
      setup.ensembleSize = isJoint ? count : 1
      setup.actorMembers = isJoint && online.actor == .mixture ? count : 1
      setup.seed =
        isJoint
        ? UInt64(configuration.seed) : MemberSeed.of(seed: configuration.seed, member: member)
      return try Agent.make(type, settings, setup, pool: pool)
    }
    guard let loaded else { return team }
    for (index, agent) in team.agents.enumerated() {
      let sources = isJoint ? Array(loaded.members.prefix(count)) : [loaded.members[index]]
      try fill(agent, from: sources, distilled: distilled, path: loaded.path, pool: pool)
      if online.startTemperature == .members {
        agent.setNumber("temperature", to: try loaded.meanNumber("temperature", of: sources))
      }
      agent.beginOnline()
    }
    return team
  }

  private func fill(
    _ agent: Agent, from sources: [StoredAgent], distilled: GaussianPolicy?, path: String,
    pool: WorkerPool
  ) throws {
    let isSame = sources.allSatisfy { $0.algorithm == type.name }
    for part in agent.networkNames {
      guard let source = type.source(ofPart: part), let shape = agent.networks(part)?.first?.shape
      else { continue }
      if part == "actor", let distilled {
        try agent.load([distilled.network], into: part)
        continue
      }
      let stored = try sources.map { member throws(RunError) in
        guard let found = member.part(source) else {
          throw .missing(path: path, what: "part '\(source)', which '\(type.name)' goes on with,")
        }
        return found
      }
      var networks = try stored.flatMap(\.networks).map {
        try $0.network.adapted(to: shape, part: part, path: path)
      }
      var targets = isSame ? stored.compactMap(\.targets).flatMap { $0 }.map(\.network) : []
      if part == "critic", let startValues {
        let offsets = networks.map {
          startValues.offset(of: $0, normalizer: agent.parts.normalizer, pool: pool)
        }
        networks = zip(networks, offsets).map { $0.shifted(by: $1) }
        targets = zip(targets, offsets).map { $0.shifted(by: $1) }
      }
      try agent.load(
        networks, into: part, targets: targets.count == networks.count ? targets : nil)
    }
    guard isSame, sources.count == 1 else { return }
    for (name, value) in sources[0].numbers { agent.setNumber(name, to: value) }
  }
}

extension Network {
  /// This network for a part of another shape: a deterministic policy takes the means of a
  /// tanh-Gaussian one (BRED, appendix C).
  func adapted(to wanted: NetworkShape, part: String, path: String) throws(RunError) -> Network {
    if shape == wanted { return self }
    var body = shape
    body.outputSize = wanted.outputSize
    guard body == wanted, shape.outputSize == 2 * wanted.outputSize else {
      throw .mismatch(
        what: "\(path): part '\(part)'", expected: "\(wanted)", actual: "\(shape)")
    }
    return firstOutputs(wanted.outputSize)
  }
}
