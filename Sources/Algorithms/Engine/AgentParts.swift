public import Autodiff
package import DenseMath
public import RLCore

/// What an agent is made of: networks, numbers, noises and metrics, each made by its algorithm's `init`.
///
/// Everything made here is part of checkpoints and, networks and numbers, of agent files, under the name
/// it is given.
public final class AgentParts: @unchecked Sendable {
  /// Numbers in an observation.
  public let observationSize: Int
  /// Numbers in an action.
  public let actionSize: Int
  /// Widths of hidden layers where the algorithm has no widths of its own.
  public let hiddenSizes: [Int]
  /// N: how many independent agents' critics this one takes over; 1 when it starts alone.
  public let ensembleSize: Int
  /// How many policies act as a mixture; 1 for one policy.
  public let actorMembers: Int
  /// What all observations have gone through before the algorithm sees them.
  public let normalizer: ObservationNormalizer?
  package let algorithm: String
  package let seed: UInt64
  package let tape: Tape
  private let scratch: [Scratch]

  package private(set) var stacks: [NetworkStack] = []
  package private(set) var blocks: [ParameterBlock] = []
  package private(set) var actors: [Actor] = []
  package private(set) var scalars: [PositiveScalar] = []
  package private(set) var noises: [(name: String, noise: Noise)] = []
  package private(set) var metrics: [Metric] = []
  package private(set) var kept: [(name: String, value: any StatefulPart)] = []

  package init(
    algorithm: String, observationSize: Int, actionSize: Int, hiddenSizes: [Int],
    ensembleSize: Int, actorMembers: Int, normalizer: ObservationNormalizer? = nil, seed: UInt64,
    pool: WorkerPool
  ) {
    require(
      normalizer.map { $0.mean.count == observationSize } ?? true,
      "a normaliser of \(normalizer?.mean.count ?? 0) for \(observationSize) observations")
    BLAS.prepare()
    self.algorithm = algorithm
    self.observationSize = observationSize
    self.actionSize = actionSize
    self.hiddenSizes = hiddenSizes
    self.ensembleSize = ensembleSize
    self.actorMembers = actorMembers
    self.normalizer = normalizer
    self.seed = seed
    tape = Tape(pool: pool)
    scratch = (0..<pool.threads).map { _ in Scratch() }
  }

  // MARK: Networks

  /// A policy.
  ///
  /// - Parameters:
  ///   - members: several act as their moment-matched mixture.
  ///   - tau: with it the policy has a target that follows at this rate.
  public func actor(
    _ name: String = "actor", head: PolicyHead = .tanhGaussian(), members: Int = 1,
    hiddenSizes: [Int]? = nil, layerNorm: Bool = false, tau: Double? = nil,
    initialization: Initialization? = nil, optimizer: OptimizerSettings
  ) -> Actor {
    let shape = NetworkShape(
      inputSize: observationSize, hiddenSizes: hiddenSizes ?? self.hiddenSizes,
      outputSize: head.outputSize(actionSize: actionSize), normalizesLayers: layerNorm)
    var start = initialization ?? .policy(actionSize: actionSize)
    if case .tanhGaussian = head {} else if initialization == nil { start.randomHeadBiases = 0 }
    let stack = stack(name, shape, members, tau, start, optimizer)
    var free: ParameterVector?
    if case .gaussian = head {
      free = ParameterVector(
        block: block("\(name)-log-std", count: actionSize, optimizer: optimizer))
    }
    let actor = Actor(stack: stack, head: head, freeLogStd: free)
    actors.append(actor)
    return actor
  }

  /// `count` value functions of (s, a), or of s alone.
  public func critics(
    _ name: String = "critic", count: Int, ofStatesOnly: Bool = false, hiddenSizes: [Int]? = nil,
    layerNorm: Bool = false, tau: Double? = nil, initialization: Initialization = .critic,
    optimizer: OptimizerSettings
  ) -> Critics {
    let shape = NetworkShape(
      inputSize: observationSize + (ofStatesOnly ? 0 : actionSize),
      hiddenSizes: hiddenSizes ?? self.hiddenSizes, outputSize: 1, normalizesLayers: layerNorm)
    return Critics(stack: stack(name, shape, count, tau, initialization, optimizer))
  }

  /// A network without a role.
  public func network(
    _ name: String, inputSize: Int, outputSize: Int, hiddenSizes: [Int]? = nil,
    layerNorm: Bool = false, tau: Double? = nil, initialization: Initialization = .critic,
    optimizer: OptimizerSettings
  ) -> FeedForward {
    let shape = NetworkShape(
      inputSize: inputSize, hiddenSizes: hiddenSizes ?? self.hiddenSizes, outputSize: outputSize,
      normalizesLayers: layerNorm)
    return FeedForward(stack: stack(name, shape, 1, tau, initialization, optimizer))
  }

  private func stack(
    _ name: String, _ shape: NetworkShape, _ members: Int, _ tau: Double?,
    _ start: Initialization, _ optimizer: OptimizerSettings
  ) -> NetworkStack {
    let block = block(
      name, members: members, count: shape.parameterCount, tau: tau, optimizer: optimizer)
    let stack = NetworkStack(shape, block: block, scratch: scratch)
    stack.load(
      (0..<members).map { member in
        let network = Network(shape: shape)
        var generator = RandomStream(seed: seed, purpose: "\(algorithm)/\(name)-\(member)")
        network.initialize(start, using: &generator)
        return network
      })
    stacks.append(stack)
    return stack
  }

  // MARK: Numbers

  /// A positive number that is learned as its logarithm.
  public func scalar(
    _ name: String, initial: Double, optimizer: OptimizerSettings
  ) -> PositiveScalar {
    let scalar = PositiveScalar(
      block: block(name, count: 1, optimizer: optimizer), initial: initial)
    scalars.append(scalar)
    return scalar
  }

  private func block(
    _ name: String, members: Int = 1, count: Int, tau: Double? = nil, optimizer: OptimizerSettings
  ) -> ParameterBlock {
    require(!blocks.contains { $0.name == name }, "two parts are called '\(name)'")
    let block = ParameterBlock(
      name: name, members: members, count: count, tau: tau, optimizer: optimizer)
    blocks.append(block)
    return block
  }

  /// Random numbers of one purpose.
  public func noise(_ name: String) -> Noise {
    require(!noises.contains { $0.name == name }, "two noises are called '\(name)'")
    let noise = Noise(seed: seed, purpose: "\(algorithm)/noise/\(name)")
    noises.append((name, noise))
    return noise
  }

  /// A column of the metrics.
  ///
  /// - Parameters:
  ///   - meaning: for the documentation.
  ///   - share: what a loss over several networks is divided by.
  public func metric(_ name: String, _ meaning: String, share: Int = 1) -> Metric {
    require(!metrics.contains { $0.name == name }, "two metrics are called '\(name)'")
    let metric = Metric(name: name, meaning: meaning, share: share)
    metrics.append(metric)
    return metric
  }

  /// Makes something of the algorithm's own part of checkpoints.
  package func keep(_ value: any StatefulPart, as name: String) { kept.append((name, value)) }
}

/// State of an algorithm beside its parts.
package protocol StatefulPart: AnyObject {
  var state: NamedTensors { get }
  func restore(_ state: NamedTensors) throws(StateError)
}

/// One column of an agent's metrics.
public final class Metric: @unchecked Sendable {
  /// Its column: `criticLoss`.
  public let name: String
  /// One line, with the unit or the equation.
  public let meaning: String
  let share: Int
  /// The last number recorded; not a number before the first.
  public private(set) var value = Double.nan

  init(name: String, meaning: String, share: Int) {
    self.name = name
    self.meaning = meaning
    self.share = share
  }

  /// What this update found; until the next record it stays.
  public func record(_ value: Double) { self.value = value }
  func recordLoss(_ value: Double) { self.value = value / Double(share) }
  func restore(_ value: Double) { self.value = value }
}
