public import DenseMath
import Autodiff
public import RLCore

/// How several policies act as one.
public enum ActingEnsemble {
  /// The policy of the agents together: their moment-matched mixture where they are Gaussian (BRED,
  /// appendix E; Off2On's AWAC), the mean of their actions otherwise.
  public static func policy(of agents: [Agent]) -> any Policy { policy(of: agents.map(\.policy)) }

  /// The same for policies, at least one. Where all normalise observations alike, that is done once.
  public static func policy(of policies: [any Policy]) -> any Policy {
    require(!policies.isEmpty, "an ensemble needs members")
    if policies.count == 1 { return policies[0] }
    if let first = policies[0] as? NormalizedPolicy {
      let inner = policies.map { ($0 as? NormalizedPolicy) }
      if inner.allSatisfy({ $0?.normalizer == first.normalizer }) {
        return NormalizedPolicy(
          policy(of: inner.map { $0!.policy }), normalizer: first.normalizer)
      }
    }
    let gaussians = policies.compactMap { $0 as? GaussianPolicy }
    if gaussians.count == policies.count { return MixturePolicy(members: gaussians) }
    return MeanPolicy(members: policies)
  }
}

/// The mean of what several policies would do; where these explore, each by itself.
public struct MeanPolicy: Policy {
  /// At least one, all for the same robot.
  public let members: [any Policy]

  /// - Precondition: `members` is not empty.
  public init(members: [any Policy]) {
    require(!members.isEmpty, "a mean needs members")
    self.members = members
  }

  /// Numbers in an observation, the first member's.
  public var observationSize: Int { members[0].observationSize }
  /// Numbers in an action, the first member's.
  public var actionSize: Int { members[0].actionSize }

  /// The mean of the members' actions, element by element; each draws its own noise, in their order.
  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    var mean = [Float](repeating: 0, count: actionSize)
    for member in members {
      let action = member.action(for: observation, selection: selection, using: &generator).action
      for k in mean.indices { mean[k] += action[k] / Float(members.count) }
    }
    return ChosenAction(action: mean, logProb: 0)
  }
}
