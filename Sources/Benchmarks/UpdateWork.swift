import Algorithms

/// The passes through networks that one update of each algorithm needs: its floor.
///
/// Passes stand in the order of the algorithm's page. Those that a dense program can take from another one with
/// the same parameters and inputs are left out.
struct UpdateWork {
  private let observations: Int
  private let actions: Int
  private let size: UpdateSize

  init(
    _ size: UpdateSize, observationSize: Int = UpdateBenchmarks.observationSize,
    actionSize: Int = UpdateBenchmarks.actionSize
  ) {
    self.size = size
    observations = observationSize
    actions = actionSize
  }

  // MARK: Networks

  func critics(members: Int = 2, _ passes: [NetworkPasses.Pass]) -> NetworkPasses {
    network(observations + actions, to: 1, members: members, passes)
  }

  private func value(_ passes: [NetworkPasses.Pass]) -> NetworkPasses {
    network(observations, to: 1, passes)
  }

  /// A policy with one number for each action, its deviation elsewhere.
  private func actor(_ passes: [NetworkPasses.Pass]) -> NetworkPasses {
    network(observations, to: actions, passes)
  }

  /// One with mean and deviation.
  private func gaussian(members: Int = 1, _ passes: [NetworkPasses.Pass]) -> NetworkPasses {
    network(observations, to: 2 * actions, members: members, passes)
  }

  private func network(
    _ inputs: Int, to outputs: Int, members: Int = 1, hidden: [Int]? = nil, rows: Int? = nil,
    _ passes: [NetworkPasses.Pass]
  ) -> NetworkPasses {
    NetworkPasses(
      widths: [inputs] + (hidden ?? size.hiddenSizes) + [outputs], members: members,
      rows: rows ?? size.batchSize, passes: passes)
  }

  // MARK: Algorithms

  /// BC, and distillation.
  func cloning() -> [NetworkPasses] { [gaussian([.forward, .parameters])] }

  /// SAC: targets, regression, the critics at ã and their action gradient.
  func actorCritic(policies: Int = 1) -> [NetworkPasses] {
    [
      gaussian(members: policies, [.forward, .forward, .parameters]),
      critics(members: 2 * size.members, [.forward, .forward, .parameters, .forward, .input]),
    ]
  }

  /// CQL and Cal-QL: all actions of a state go through each critic.
  func conservative(targetActions: Int = 1) -> [NetworkPasses] {
    var targets = critics([.forward])
    targets.rows *= targetActions
    var all = critics([.forward, .parameters])
    all.repeats = 1 + 3 * size.sampledActions
    return [
      gaussian([.forward, .forward, .parameters]), targets, critics([.forward, .input]), all,
    ]
  }

  /// IQL: V once more at s and at s′ after its step.
  func implicit() -> [NetworkPasses] {
    [
      critics([.forward, .forward, .parameters]),
      value([.forward, .parameters, .forward, .forward]), actor([.forward, .parameters]),
    ]
  }

  /// PEX: V at s′ and s, and after its step; Q̄ at two actions; Q at both policies' after its step. Sampling and
  /// training share a pass of the new policy.
  func expansion() -> [NetworkPasses] {
    [
      value([.forward, .forward, .parameters, .forward]),
      critics([.forward, .forward, .forward, .parameters, .forward, .forward]),
      actor([.forward, .forward, .parameters]),
    ]
  }

  /// TD3 and TD3+BC, two updates.
  func delayed() -> [NetworkPasses] {
    let twins = critics([.forward, .forward, .parameters])
    return [
      twins, twins, actor([.forward, .forward, .forward, .parameters]),
      critics(members: 1, [.forward, .input]),
    ]
  }

  /// What SPOT adds: an autoencoder's misfit and where it falls.
  func support(width: Int) -> [NetworkPasses] {
    autoencoder(width: width, encoder: [.forward, .input], decoder: [.forward, .input])
  }

  private func autoencoder(
    width: Int, encoder: [NetworkPasses.Pass], decoder: [NetworkPasses.Pass], rows: Int? = nil
  ) -> [NetworkPasses] {
    let (hidden, latent) = ([width, width], 2 * actions)
    return [
      network(observations + actions, to: 2 * latent, hidden: hidden, rows: rows, encoder),
      network(observations + latent, to: actions, hidden: hidden, rows: rows, decoder),
    ]
  }

  /// BCQ: the autoencoder's step, the best of several perturbed actions, the perturbation's step.
  func constrained(_ settings: BatchConstrainedQLearning.Settings) -> [NetworkPasses] {
    let (rows, candidates) = (settings.batchSize, settings.batchSize * settings.targetCandidates)
    let (hidden, wide) = ([settings.firstWidth, settings.secondWidth], settings.autoencoderWidth)
    let inputs = observations + actions
    return autoencoder(
      width: wide, encoder: [.forward, .parameters],
      decoder: [.forward, .parametersAndInput, .forward], rows: rows)
      + [
        network(
          observations + 2 * actions, to: actions, hidden: [wide, wide], rows: candidates,
          [.forward]),
        network(inputs, to: actions, hidden: hidden, rows: candidates, [.forward]),
        network(inputs, to: 1, members: 2, hidden: hidden, rows: candidates, [.forward]),
        network(inputs, to: 1, members: 2, hidden: hidden, rows: rows, [.forward, .parameters]),
        network(inputs, to: actions, hidden: hidden, rows: rows, [.forward, .parameters]),
        network(inputs, to: 1, hidden: hidden, rows: rows, [.forward, .input]),
      ]
  }

  /// AWAC: Q̄ at s′, then Q at a before and after its step, and at ã.
  func weighted(policyLayers: Int) -> [NetworkPasses] {
    let hidden = Array(repeating: size.hiddenSizes[0], count: policyLayers)
    return [
      network(observations, to: actions, hidden: hidden, [.forward, .forward, .parameters]),
      critics([.forward, .forward, .parameters, .forward, .forward]),
    ]
  }

  /// EDAC: the diversity term takes the action gradient where the regression has been.
  func diversified(critics count: Int) -> [NetworkPasses] {
    [
      gaussian([.forward, .forward, .parameters]),
      critics(
        members: count,
        [.forward, .forward, .parameters, .input, .parametersOfInput, .forward, .input]),
    ]
  }

  /// RLPD: `delay` updates of the critics and one of the policy.
  func prior(critics count: Int, targets: Int, delay: Int) -> [NetworkPasses] {
    let one = [
      gaussian([.forward]), critics(members: targets, [.forward]),
      critics(members: count, [.forward, .parameters]),
    ]
    return Array(repeating: one, count: delay).flatMap { $0 }
      + [gaussian([.forward, .parameters]), critics(members: count, [.forward, .input])]
  }
}
