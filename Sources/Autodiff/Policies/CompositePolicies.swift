public import DenseMath
public import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// BCQ's kind of policy: draws actions that the data could have shown, perturbs each a little, and plays
/// the one that the critic likes best. Evaluation draws too.
public struct BatchConstrainedPolicy: Policy {
  /// (s, z) to an action before its tanh.
  public let decoder: Network
  /// (s, a) to a perturbation before its tanh.
  public let perturbation: Network
  /// Q₁(s, a).
  public let critic: Network
  /// Greatest perturbation: Φ.
  public let range: Float
  /// Actions to choose from.
  public let candidates: Int

  /// - Precondition: decoder and perturbation have actionSize outputs; perturbation and critic take
  ///   (s, a), and the critic has one output.
  public init(
    decoder: Network, perturbation: Network, critic: Network, range: Float, candidates: Int
  ) {
    let actionSize = perturbation.shape.outputSize
    precondition(
      decoder.shape.outputSize == actionSize
        && critic.shape
          == NetworkShape(
            inputSize: perturbation.shape.inputSize, hiddenSizes: critic.shape.hiddenSizes,
            outputSize: 1, normalizesLayers: critic.shape.normalizesLayers),
      "decoder \(decoder.shape), perturbation \(perturbation.shape), critic \(critic.shape)")
    self.decoder = decoder
    self.perturbation = perturbation
    self.critic = critic
    self.range = range
    self.candidates = candidates
  }

  public var observationSize: Int { critic.shape.inputSize - actionSize }
  public var actionSize: Int { perturbation.shape.outputSize }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    let latentSize = decoder.shape.inputSize - observationSize
    var latents = Matrix(rows: candidates, columns: latentSize)
    for i in latents.elements.indices {
      latents.elements[i] = min(max(Float(generator.normal()), -0.5), 0.5)
    }
    var actions = decoder.outputs(for: beside(observation, latents))
    for i in actions.elements.indices { actions.elements[i] = tanhf(actions.elements[i]) }
    let shift = perturbation.outputs(for: beside(observation, actions))
    for i in actions.elements.indices {
      let moved = actions.elements[i] + range * tanhf(shift.elements[i])
      actions.elements[i] = min(max(moved, -1), 1)
    }
    let values = critic.outputs(for: beside(observation, actions)).elements
    let best = values.indices.max { values[$0] < values[$1] }!
    return ChosenAction(action: Array(actions.row(best)), logProb: 0)
  }
}

/// PEX's kind of policy: an offline policy and a newer one each propose an action, and one is played with
/// probability ∝ exp(κ·minⱼ Qⱼ(s, a)).
///
/// Evaluation plays the newer one's mode and the better proposal, except that each of these choices is
/// drawn after all with a small chance.
public struct ExpandedPolicy: Policy {
  /// The older policy, which always proposes its mode.
  public let offline: any Policy
  /// The newer one, which proposes a draw, or in evaluation its mode.
  public let online: any Policy
  /// Qⱼ(s, a), of which the least counts; at least one.
  public let critics: [Network]
  /// κ.
  public let inverseTemperature: Float
  /// Chance of drawing in evaluation, for each of the two choices.
  public let evaluationExploration: Double

  /// - Precondition: a critic; both policies and all critics take one size of observations and
  ///   actions.
  public init(
    offline: any Policy, online: any Policy, critics: [Network], inverseTemperature: Float,
    evaluationExploration: Double
  ) {
    precondition(
      !critics.isEmpty && offline.actionSize == online.actionSize
        && critics.allSatisfy {
          $0.shape.inputSize == online.observationSize + online.actionSize
        }, "two policies and their critics must have the same observations and actions")
    self.offline = offline
    self.online = online
    self.critics = critics
    self.inverseTemperature = inverseTemperature
    self.evaluationExploration = evaluationExploration
  }

  public var observationSize: Int { online.observationSize }
  public var actionSize: Int { online.actionSize }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    func draws() -> Bool {
      selection == .sample || generator.uniform() < evaluationExploration
    }
    let old = offline.action(for: observation, selection: .mean, using: &generator).action
    let new = online.action(
      for: observation, selection: draws() ? .sample : .mean, using: &generator
    ).action
    let proposals = Matrix(rows: 2, columns: actionSize, elements: old + new)
    let values = critics.map { $0.outputs(for: beside(observation, proposals)).elements }
    let (first, second) = (values.map { $0[0] }.min()!, values.map { $0[1] }.min()!)
    let chance = 1 / (1 + expf(inverseTemperature * (first - second)))
    let takesNew = draws() ? Float(generator.uniform()) < chance : second > first
    return ChosenAction(action: takesNew ? new : old, logProb: 0)
  }
}

/// The observation before each row.
private func beside(_ observation: [Float], _ rows: Matrix) -> Matrix {
  var elements: [Float] = []
  elements.reserveCapacity(rows.rows * (observation.count + rows.columns))
  for row in 0..<rows.rows {
    elements += observation
    elements += rows.row(row)
  }
  return Matrix(
    rows: rows.rows, columns: observation.count + rows.columns, elements: elements)
}
