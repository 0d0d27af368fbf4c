internal import CVectorKernels
import DenseMath
public import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What stands on top of a policy's network.
public enum PolicyHead: Sendable, Equatable {
  /// a = tanh(m(s) + σ(s)·ε), both from the network, log σ clipped.
  case tanhGaussian(LogStdBounds = .standard)
  /// a = m(s) + σ·ε with one σ for all states, not squashed.
  case gaussian(mean: Squashing, logStd: FreeLogStd)
  /// a = tanh(m(s)); explores with normal noise of this size, clipped to [−1, 1].
  case deterministic(explorationNoise: Double)

  /// What becomes of the network's output to give the mean.
  public enum Squashing: Sendable, Equatable { case none, tanh }

  /// log σ as a function of free parameters ℓ, one for each action dimension.
  public enum FreeLogStd: Sendable, Equatable {
    /// ℓ clipped (IQL).
    case clamped(Double, Double)
    /// low + (high − low)·sigmoid(ℓ) (AWAC).
    case sigmoid(Double, Double)
  }

  /// Outputs of the network.
  package func outputSize(actionSize: Int) -> Int {
    if case .tanhGaussian = self { return 2 * actionSize }
    return actionSize
  }
}

/// A policy that losses train: one network, or several that act as their moment-matched mixture.
public struct Actor: Module {
  package let stack: NetworkStack
  package let freeLogStd: ParameterVector?
  /// What stands on top of the network.
  public let head: PolicyHead

  package init(stack: NetworkStack, head: PolicyHead, freeLogStd: ParameterVector? = nil) {
    self.stack = stack
    self.head = head
    self.freeLogStd = freeLogStd
    if case .tanhGaussian = head { return }
    require(stack.members == 1, "only tanh-Gaussian policies can be mixed")
  }

  /// The network's parameters and, where these do not depend on the state, those of the log-deviations.
  public var blocks: ParameterBlocks { ParameterBlocks(stack.block, freeLogStd?.block) }
  /// A, numbers of an action.
  public var actionSize: Int {
    if case .tanhGaussian = head { return stack.shape.outputSize / 2 }
    return stack.shape.outputSize
  }

  /// π(·∣s).
  public func callAsFunction(_ observations: Variable) -> ActionDistribution {
    distribution(stack.call(observations))
  }

  /// π̄(·∣s), the target's, which nothing trains. Free log-deviations have no target: the present ones
  /// stand in.
  public func target(_ observations: Variable) -> ActionDistribution {
    distribution(stack.call(observations, usesTarget: true), isTarget: true)
  }

  /// π(·∣s) and π̄(·∣s) with a share of the hidden units left out, for updates alone: what acts has all of them.
  ///
  /// - Parameters:
  ///   - rate: p ∈ [0, 1); with 0 nothing is left out.
  ///   - noise: decides which, for each row by itself.
  public func callAsFunction(
    _ observations: Variable, dropout rate: Double, _ noise: Noise
  ) -> ActionDistribution {
    distribution(stack.call(observations, dropout: (rate, noise)))
  }

  /// π̄(·∣s) with a share of the hidden units left out, as in ``callAsFunction(_:dropout:_:)``.
  public func target(
    _ observations: Variable, dropout rate: Double, _ noise: Noise
  ) -> ActionDistribution {
    distribution(
      stack.call(observations, usesTarget: true, dropout: (rate, noise)), isTarget: true)
  }

  private func distribution(_ output: Variable, isTarget: Bool = false) -> ActionDistribution {
    switch head {
    case .tanhGaussian(let bounds):
      let mixed =
        stack.members == 1 ? output : output.mixture(members: stack.members, bounds: bounds)
      return ActionDistribution(.tanhGaussian(head: mixed, bounds: bounds))
    case .gaussian(let squashing, let rule):
      let mean = squashing == .tanh ? output.tanh() : output
      let present = freeLogStd!(for: output)
      let free = isTarget ? present.detached : present
      let logStd =
        switch rule {
        case .clamped(let low, let high): free.clamped(low, high)
        case .sigmoid(let low, let high): low + (high - low) * free.sigmoid()
        }
      return ActionDistribution(.gaussian(mean: mean, logStd: logStd))
    case .deterministic: return ActionDistribution(.deterministic(output.tanh()))
    }
  }

  // MARK: Acting

  /// The policy as it stands now; later updates do not change it.
  public var policy: any Policy {
    switch head {
    case .tanhGaussian(let bounds):
      let members = (0..<stack.members).map {
        GaussianPolicy(network: stack.snapshot($0), logStdBounds: bounds)
      }
      return members.count == 1 ? members[0] : MixturePolicy(members: members)
    case .gaussian(let squashing, let rule):
      let free = freeLogStd!.block.values.elements
      return PlainGaussianPolicy(
        network: stack.snapshot(0), logStds: free.map { rule.value($0) },
        squashesMean: squashing == .tanh)
    case .deterministic(let noise):
      return DeterministicPolicy(network: stack.snapshot(0), explorationNoise: Float(noise))
    }
  }
}

extension PolicyHead.FreeLogStd {
  func value(_ free: Float) -> Float {
    switch self {
    case .clamped(let low, let high): Swift.min(Swift.max(free, Float(low)), Float(high))
    case .sigmoid(let low, let high):
      Float(low) + Float(high - low) / (1 + expf(-free))
    }
  }
}

extension Variable {
  /// Heads of N policies side by side, `[rows, N·2A]`, to that of their moment-matched mixture before the
  /// squashing, `[rows, 2A]` (BRED eq. 9): μ̄ = mean μᵢ, σ̄² = mean σᵢ² + mean (μᵢ − μ̄)².
  package func mixture(members: Int, bounds: LogStdBounds) -> Variable {
    require(
      columns % (2 * members) == 0, "\(columns) columns for the heads of \(members) policies")
    let width = columns / members
    let heads = tape.floats(rows * columns)
    let x = values
    for r in 0..<rows {
      for m in 0..<members {
        (heads + (m * rows + r) * width).update(from: x + r * columns + m * width, count: width)
      }
    }
    let out = tape.floats(rows * width)
    bk_mixture_heads(
      heads, rows * width, members, out, rows, width / 2, bounds.lower, bounds.upper)
    return unary(
      self, out, columns: width, low: bounds.lower, high: bounds.upper, keeping: heads
    ) { tape, node in
      let n = node.pointee
      let (d, members) = (tape.nodes[n.first].gradient, n.xColumns / n.columns)
      let part = tape.floats(n.rows * n.columns)
      for m in 0..<members {
        bk_mixture_backward(
          n.z! + m * n.rows * n.columns, n.values, n.gradient, members, part, n.rows,
          n.columns / 2, n.low, n.high)
        for r in 0..<n.rows {
          for c in 0..<n.columns {
            d[r * n.xColumns + m * n.columns + c] += part[r * n.columns + c]
          }
        }
      }
    }
  }
}
