import Algorithms
import Autodiff
import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the networks of an agent in memory are for.
struct PartRoles {
  private let actors: [Actor]
  /// The part whose networks are the acting policy; `nil` where the policy is more than these.
  let policyPart: String?
  /// What all observations go through first.
  let normalizer: ObservationNormalizer?

  init(_ agent: Agent) {
    actors = agent.parts.actors
    normalizer = agent.parts.normalizer
    let acting = PartRoles.networks(of: agent.algorithm.policy)?.map(\.parameters)
    policyPart =
      actors.first { actor in
        acting == (0..<actor.stack.members).map { actor.stack.snapshot($0).parameters }
      }?.stack.block.name
  }

  /// The policy whose network this is, if it is one's.
  func actor(_ stack: NetworkStack) -> Actor? { actors.first { $0.stack === stack } }

  func role(_ stack: NetworkStack) -> NetworkRole {
    switch actor(stack)?.head {
    case .tanhGaussian: .policy
    case .gaussian: .gaussian
    case .deterministic: .deterministic
    case nil: stack.shape.outputSize == 1 ? .critic : .network
    }
  }

  private static func networks(of policy: any Policy) -> [Network]? {
    switch policy {
    case let policy as GaussianPolicy: [policy.network]
    case let policy as MixturePolicy: policy.members.map(\.network)
    case let policy as PlainGaussianPolicy: [policy.network]
    case let policy as DeterministicPolicy: [policy.network]
    default: nil
    }
  }
}

extension PolicyHead.FreeLogStd {
  /// Trained numbers that give these log σ, or as nearly as they can.
  func trained(for logStds: [Float]) -> [Float] {
    switch self {
    case .clamped: logStds
    case .sigmoid(let low, let high):
      logStds.map { value in
        let share = min(max((Double(value) - low) / (high - low), 1e-6), 1 - 1e-6)
        return Float(log(share / (1 - share)))
      }
    }
  }
}
