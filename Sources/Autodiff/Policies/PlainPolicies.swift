public import DenseMath
public import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// a = tanh(m(s)): TD3's kind of policy; exploration adds normal noise.
public struct DeterministicPolicy: Policy {
  /// m(s), before the tanh, `[actionSize]`.
  public let network: Network
  /// Standard deviation of the noise on sampled actions, which are clipped to [−1, 1].
  public let explorationNoise: Float

  public init(network: Network, explorationNoise: Float = 0.1) {
    self.network = network
    self.explorationNoise = explorationNoise
  }

  public var observationSize: Int { network.shape.inputSize }
  public var actionSize: Int { network.shape.outputSize }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    var action = network.output(for: observation).map { tanhf($0) }
    if selection == .sample {
      for k in action.indices {
        let noisy = action[k] + explorationNoise * Float(generator.normal())
        action[k] = min(max(noisy, -1), 1)
      }
    }
    return ChosenAction(action: action, logProb: 0)
  }
}

/// A normal distribution without squashing, its deviations the same in all states: AWAC's and IQL's kind of
/// policy. Drawn actions are clipped to [−1, 1], their log-density is that of the unclipped draw.
public struct PlainGaussianPolicy: Policy {
  /// The mean, before its tanh where ``squashesMean``, `[actionSize]`.
  public let network: Network
  /// log σ, `[actionSize]`.
  public let logStds: [Float]
  /// Whether the mean is the tanh of the network's output.
  public let squashesMean: Bool

  /// - Precondition: one log σ for each output of the network.
  public init(network: Network, logStds: [Float], squashesMean: Bool) {
    precondition(
      logStds.count == network.shape.outputSize,
      "\(logStds.count) deviations for \(network.shape.outputSize) actions")
    self.network = network
    self.logStds = logStds
    self.squashesMean = squashesMean
  }

  public var observationSize: Int { network.shape.inputSize }
  public var actionSize: Int { network.shape.outputSize }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    var action = network.output(for: observation)
    if squashesMean { action = action.map { tanhf($0) } }
    var logProb: Float = 0
    if selection == .sample {
      for k in action.indices {
        let epsilon = Float(generator.normal())
        action[k] += expf(logStds[k]) * epsilon
        logProb -= 0.5 * epsilon * epsilon + logStds[k] + 0.918_938_533
      }
    }
    return ChosenAction(action: action.map { min(max($0, -1), 1) }, logProb: logProb)
  }
}
