public import Autodiff
public import RLCore

/// What a network is for; decides the names of its tensors. The raw value is the metadata's `kind`.
public enum NetworkRole: String, Sendable, CaseIterable {
  /// A tanh-Gaussian policy: two heads on one body, `last_fc` (means) and `last_fc_log_std`.
  case policy = "tanh-gaussian"
  /// One head, `last_fc`, of one output: Q(s, a) or V(s).
  case critic
  /// A deterministic policy, a = tanh(`last_fc`).
  case deterministic
  /// A normal distribution without squashing: means from `last_fc`, and `log_std`, the same in all states.
  case gaussian
  /// A network without a role, of any number of outputs.
  case network

  /// Whether it acts: tanh-Gaussian, gaussian and deterministic ones do.
  public var isPolicy: Bool { self != .critic && self != .network }
}

/// A network with what its file says about it: weights under D4RL's own names.
///
/// `fc0.weight` `[out, in]`, `fc0.bias`, `fc1.*`, …, `last_fc.*`; with layer norm `ln0.weight` and
/// `ln0.bias` (scale and shift) and so on; for a tanh-Gaussian policy `last_fc_log_std.*`, for a gaussian
/// one `log_std`; for a policy that normalises what it sees `normalizer.mean` and `normalizer.std`. Written
/// as float32, read from any type of floating-point numbers. Sizes follow from the tensors. Unknown
/// metadata are kept.
public struct NetworkFile: Sendable {
  /// Weights and sizes.
  public var network: Network
  /// What the network is for; decides which of the properties below count.
  public var role: NetworkRole
  /// Strings beside the tensors, such as `producer` and `environment`; unknown ones are kept.
  public var metadata: [String: String]
  /// log σ of a gaussian policy, `[actionSize]`.
  public var logStds: [Float]?
  /// The numbers that were trained in place of ``logStds``, where these are a function of them.
  public var trainedLogStds: [Float]?
  /// Whether a gaussian policy's mean is the tanh of the network's output.
  public var squashesMean = false
  /// Deviation of the noise on a deterministic policy's sampled actions.
  public var explorationNoise: Float = 0.1
  /// Range of a tanh-Gaussian policy's log σ.
  public var logStdBounds = LogStdBounds.standard
  /// What a policy does to observations first.
  public var normalizer: ObservationNormalizer?

  /// A gaussian policy begins with log σ = 0.
  ///
  /// - Precondition: an even number of outputs for a tanh-Gaussian policy, one output for a critic.
  public init(_ network: Network, role: NetworkRole, metadata: [String: String] = [:]) {
    let outputs = network.shape.outputSize
    precondition(
      role == .policy ? outputs % 2 == 0 : role == .critic ? outputs == 1 : true,
      "a \(role) cannot have \(outputs) outputs")
    self.network = network
    self.role = role
    self.metadata = metadata
    if role == .gaussian { logStds = [Float](repeating: 0, count: outputs) }
  }

  /// `environment` of the metadata: the task that the network was trained on.
  public var environment: String? { metadata["environment"] }

  /// Numbers in an action of a policy.
  public var actionSize: Int {
    role == .policy ? network.shape.outputSize / 2 : network.shape.outputSize
  }

  /// The policy that this is, `nil` for other networks.
  public var policy: (any Policy)? {
    guard let policy = barePolicy else { return nil }
    return normalizer.map { NormalizedPolicy(policy, normalizer: $0) } ?? policy
  }

  /// A policy that is one network; `nil` for those that are more.
  public init?(_ policy: any Policy, metadata: [String: String] = [:]) {
    switch policy {
    case let policy as NormalizedPolicy:
      self.init(policy.policy, metadata: metadata)
      normalizer = policy.normalizer
    case let policy as GaussianPolicy:
      self.init(policy.network, role: .policy, metadata: metadata)
      logStdBounds = policy.logStdBounds
    case let policy as PlainGaussianPolicy:
      self.init(policy.network, role: .gaussian, metadata: metadata)
      (logStds, squashesMean) = (policy.logStds, policy.squashesMean)
    case let policy as DeterministicPolicy:
      self.init(policy.network, role: .deterministic, metadata: metadata)
      explorationNoise = policy.explorationNoise
    default: return nil
    }
  }

  /// ``policy`` without its normaliser.
  public var barePolicy: (any Policy)? {
    switch role {
    case .policy: GaussianPolicy(network: network, logStdBounds: logStdBounds)
    case .deterministic:
      DeterministicPolicy(network: network, explorationNoise: explorationNoise)
    case .gaussian:
      PlainGaussianPolicy(network: network, logStds: logStds!, squashesMean: squashesMean)
    case .critic, .network: nil
    }
  }

  // MARK: Files

  /// - Throws: ``NetworkFileError`` unless the file holds exactly such a network, all of it finite.
  public static func read(
    _ path: String, as role: NetworkRole
  ) throws(NetworkFileError) -> NetworkFile {
    try NetworkFile(tensors(path), as: role, file: path)
  }

  /// A policy of whatever kind the metadata name, tanh-Gaussian where they name none.
  ///
  /// - Throws: ``NetworkFileError``, also for networks that are no policy.
  public static func readPolicy(_ path: String) throws(NetworkFileError) -> NetworkFile {
    let tensors = try tensors(path)
    let kind = tensors.metadata["kind"] ?? NetworkRole.policy.rawValue
    guard let role = NetworkRole(rawValue: kind), role.isPolicy else {
      let known = NetworkRole.allCases.filter(\.isPolicy).map(\.rawValue)
      throw .wrongKind(
        file: path, expected: "a policy: \(known.joined(separator: ", "))", actual: kind)
    }
    return try NetworkFile(tensors, as: role, file: path)
  }

  private static func tensors(_ path: String) throws(NetworkFileError) -> NamedTensors {
    do throws(SafetensorsError) {
      return try SafetensorsFile.read(path)
    } catch {
      throw .unreadable(error)
    }
  }

  /// The file appears complete or not at all; one of that name gives way.
  public func write(to path: String) throws(SafetensorsError) {
    try SafetensorsFile.write(tensors, to: path)
  }
}
