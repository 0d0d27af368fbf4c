public import Algorithms
import Autodiff
import DenseMath
public import RLCore

/// Agents in memory to files and back, for every algorithm alike.
public enum AgentFiles {
  /// What an agent's files say beside its weights.
  public struct Origin: Sendable {
    /// The task by its canonical name, `hopper`; `nil`: the files do not say.
    public var environment: String?
    /// The program, `bred 0.1.0`.
    public var producer: String
    /// The algorithm's settings, for `agent.json`.
    public var settings: (any SettingGroup)?

    public init(
      environment: String? = nil, producer: String, settings: (any SettingGroup)? = nil
    ) {
      self.environment = environment
      self.producer = producer
      self.settings = settings
    }
  }

  /// File of an online agent's policy, beside its members, where that is one network.
  public static let policyName = "policy.safetensors"

  // MARK: Writing

  /// Independent agents as the members of an ensemble directory, in their order.
  public static func write(
    agents: [Agent], to directory: String, origin: Origin
  ) throws(EnsembleDirectoryError) {
    try EnsembleDirectory(members: agents.flatMap { members(of: $0, origin: origin) })
      .write(to: directory)
  }

  /// An online agent in the layout of the ensemble that it came from, see ``members(of:origin:)``; with one
  /// network that acts also `policy.safetensors`.
  public static func write(
    online agent: Agent, to directory: String, origin: Origin
  ) throws(EnsembleDirectoryError) {
    let members = members(of: agent, origin: origin)
    try EnsembleDirectory(members: members).write(to: directory)
    let path = "\(directory)/\(policyName)"
    if members.allSatisfy({ $0.actors.count == 1 }),
      members.count == 1
        || members[0].policyPart.flatMap({ members[0].part($0) })?.isShared == true
    {
      try EnsembleDirectory.write(members[0].actors[0], path)
    } else {
      EnsembleDirectory.remove(path)
    }
  }

  /// The members of an agent that has taken over N others: a part of k·N networks is dealt out, member i
  /// getting k from k·i on, and any other part is repeated in each. An agent for itself is one member.
  public static func members(of agent: Agent, origin: Origin) -> [StoredAgent] {
    let (count, roles) = (agent.parts.ensembleSize, PartRoles(agent))
    return (0..<count).map { member in
      let parts = agent.parts.stacks.map { stack in
        let isDealt = stack.members % count == 0
        let share = stack.members / count
        let range = isDealt ? member * share..<(member + 1) * share : 0..<stack.members
        func files(targets: Bool) -> [NetworkFile] {
          range.map { file(stack, $0, target: targets, roles: roles, origin: origin) }
        }
        return StoredPart(
          stack.block.name, files(targets: false),
          targets: stack.block.targets == nil ? nil : files(targets: true), isShared: !isDealt)
      }
      var stored = StoredAgent(parts: parts)
      stored.algorithm = agent.parts.algorithm
      stored.numbers = agent.numbers
      stored.settings = origin.settings.map { JSONValue($0) }
      stored.environment = origin.environment
      stored.producer = origin.producer
      stored.policyPart = roles.policyPart
      stored.normalizer = agent.parts.normalizer
      stored.sizes = StoredAgent.Sizes(
        observationSize: agent.parts.observationSize, actionSize: agent.parts.actionSize,
        hiddenSizes: agent.parts.hiddenSizes)
      return stored
    }
  }

  private static func file(
    _ stack: NetworkStack, _ member: Int, target: Bool, roles: PartRoles, origin: Origin
  ) -> NetworkFile {
    var result = NetworkFile(
      stack.snapshot(member, target: target), role: roles.role(stack),
      metadata: ["producer": origin.producer])
    result.metadata["environment"] = origin.environment
    guard let actor = roles.actor(stack) else { return result }
    result.normalizer = roles.normalizer
    switch actor.policy {
    case let policy as PlainGaussianPolicy:
      result.squashesMean = policy.squashesMean
      result.logStds = policy.logStds
      let trained = actor.freeLogStd!.block.values.elements
      if trained != policy.logStds { result.trainedLogStds = trained }
    case let policy as DeterministicPolicy: result.explorationNoise = policy.explorationNoise
    case let policy as GaussianPolicy: result.logStdBounds = policy.logStdBounds
    case let policy as MixturePolicy: result.logStdBounds = policy.members[0].logStdBounds
    default: break
    }
    return result
  }

  // MARK: Loading

  /// What came with the weights.
  public struct Loaded: Sendable {
    /// The task, from the first member that names one.
    public var environment: String?
    /// What observations go through first: of the given actors, else of the first member.
    public var normalizer: ObservationNormalizer?
    /// Parts and numbers in the files that the agent has no place for.
    public var leftAside: [String]
  }

  /// Takes over the weights, targets and numbers of an ensemble directory or of one agent's folder.
  @discardableResult
  public static func load(_ directory: String, into agent: Agent) throws -> Loaded {
    let members =
      try EnsembleDirectory.hasMembers(directory)
      ? try EnsembleDirectory.read(directory).members
      : [try EnsembleDirectory.readAgent(directory)]
    return try load(members, into: agent, named: directory)
  }

  /// Takes over the weights, targets and numbers of stored agents.
  ///
  /// A part of the agent with as many networks as all members have together takes them in order; one with as
  /// many as each member has takes those, if they are the same in all. Targets that the files lack become
  /// copies; of several values of a number the mean is taken.
  /// - Parameters:
  ///   - actors: take the place of the members' own, such as the distilled policy.
  ///   - numbers: whether temperatures and the like are taken over.
  ///   - source: a name for messages.
  /// - Throws: ``EnsembleDirectoryError/part(directory:part:expected:actual:)`` for parts that are missing or
  ///   different; nothing is loaded then.
  @discardableResult
  public static func load(
    _ members: [StoredAgent], into agent: Agent, actors: [NetworkFile]? = nil,
    numbers: Bool = true, named source: String
  ) throws -> Loaded {
    precondition(!members.isEmpty, "nothing to load")
    let roles = PartRoles(agent)
    var found: [(stack: NetworkStack, networks: [NetworkFile], targets: [NetworkFile]?)] = []
    for stack in agent.parts.stacks {
      let name = stack.block.name
      if let actors, name == roles.policyPart {
        try check(actors, stack, roles, part: name, source: source)
        found.append((stack, actors, nil))
        continue
      }
      let parts = try members.map { member throws(EnsembleDirectoryError) in
        guard let part = member.part(name) else {
          throw .part(
            directory: source, part: name,
            expected: "\(stack.members) × \(roles.role(stack).rawValue)",
            actual: "only \(member.parts.map(\.name).joined(separator: ", "))")
        }
        return part
      }
      let networks = gather(parts.map(\.networks), count: stack.members)
      try check(networks, stack, roles, part: name, source: source)
      var targets: [NetworkFile]?
      if parts.allSatisfy({ $0.targets != nil }) {
        targets = gather(parts.map { $0.targets! }, count: stack.members)
        try check(targets!, stack, roles, part: "\(name)-target", source: source)
      }
      found.append((stack, networks, targets))
    }
    for (stack, networks, targets) in found {
      try take(networks, targets: targets, stack, roles, into: agent)
    }
    let known = Set(agent.networkNames).union(agent.numbers.keys)
    if numbers { loadNumbers(members, into: agent) }
    let present = Set(members.flatMap { $0.parts.map(\.name) + $0.numbers.keys })
    return Loaded(
      environment: members.lazy.compactMap(\.environment).first,
      normalizer: actors?.first?.normalizer ?? members[0].normalizer,
      leftAside: present.subtracting(known).sorted())
  }

  /// All members' networks in order, or what each of them has alike where that is as many as are wanted.
  private static func gather(_ lists: [[NetworkFile]], count: Int) -> [NetworkFile] {
    let all = lists.flatMap { $0 }
    guard all.count != count, lists[0].count == count else { return all }
    func isSame(_ list: [NetworkFile]) -> Bool {
      zip(list, lists[0]).allSatisfy { $0.tensors.tensors == $1.tensors.tensors }
    }
    return lists.dropFirst().allSatisfy(isSame) ? lists[0] : all
  }

  private static func check(
    _ networks: [NetworkFile], _ stack: NetworkStack, _ roles: PartRoles, part: String,
    source: String
  ) throws(EnsembleDirectoryError) {
    let role = roles.role(stack)
    func words(_ count: Int, _ role: NetworkRole, _ shape: NetworkShape) -> String {
      "\(count) × \(role.rawValue) \(EnsembleDirectory.describe(shape))"
    }
    for network in networks {
      guard networks.count == stack.members, network.role == role,
        network.network.shape == stack.shape
      else {
        throw .part(
          directory: source, part: part, expected: words(stack.members, role, stack.shape),
          actual: words(networks.count, network.role, network.network.shape))
      }
    }
  }

  private static func take(
    _ files: [NetworkFile], targets: [NetworkFile]?, _ stack: NetworkStack, _ roles: PartRoles,
    into agent: Agent
  ) throws(AlgorithmError) {
    if let actor = roles.actor(stack), case .gaussian(_, let rule) = actor.head,
      let logStds = files[0].logStds
    {
      actor.freeLogStd!.block.values.elements =
        files[0].trainedLogStds ?? rule.trained(for: logStds)
    }
    try agent.load(
      files.map(\.network), into: stack.block.name, targets: targets?.map(\.network))
  }

  private static func loadNumbers(_ members: [StoredAgent], into agent: Agent) {
    for name in agent.numbers.keys {
      let values = members.compactMap { $0.numbers[name] }.filter { $0 > 0 && $0.isFinite }
      guard let first = values.first, values.count == members.count else { continue }
      // The mean of equal numbers may differ from them in its last digit.
      let isSame = values.allSatisfy { $0 == first }
      agent.setNumber(name, to: isSame ? first : values.reduce(0, +) / Double(values.count))
    }
  }
}
