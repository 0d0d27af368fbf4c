import DenseMath
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Algorithms

/// Every algorithm that learns from rewards brings a point to rest (``Regulator``), and does not where the
/// rewards have the wrong sign.
@Suite struct AlgorithmLearningTests {
  /// An algorithm with settings for a problem of one dimension.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    /// Share of the best policy's return that is asked for: 1.2 allows a fifth more cost.
    var allowance = 1.2
    let make: @Sendable () throws -> Agent
    var testDescription: String { name }

    init<A: Algorithm>(
      _ type: A.Type, name: String? = nil, allowance: Double = 1.2,
      _ change: @escaping @Sendable (inout A.Settings) -> Void
    ) {
      self.name = name ?? A.name
      self.allowance = allowance
      make = {
        var settings = A.Settings()
        change(&settings)
        var setup = AgentSetup(observationSize: 1, actionSize: 1)
        setup.hiddenSizes = [32, 32]
        setup.seed = 3
        return try Agent(type, settings, setup, pool: WorkerPool(threads: 1))
      }
    }
  }

  private static let discount = Double(Regulator.discount)

  static let cases: [Case] = [
    Case(ImplicitQLearning.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      ($0.expectile, $0.inverseTemperature) = (0.9, 30)
    },
    Case(TwinDelayedDDPG.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
    },
    Case(TD3BehaviorCloning.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.learningRate, $0.valueWeight) = (3e-3, 200)
    },
    Case(AdvantageWeightedActorCritic.self, name: "awac, softmax") {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      ($0.advantageScale, $0.policyLayers) = (0.03, 2)
    },
    Case(AdvantageWeightedActorCritic.self, name: "awac, exponential") {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      ($0.advantageScale, $0.policyLayers, $0.weighting) = (0.03, 2, .exponential)
    },
    Case(EnsembleDiversifiedActorCritic.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      ($0.critics, $0.initialTemperature, $0.diversity) = (4, 0.05, 0.01)
    },
    Case(CalibratedQLearning.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      ($0.sampledActions, $0.initialTemperature, $0.conservativeWeight) = (4, 0.05, 0.05)
    },
    Case(RLPD.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      ($0.critics, $0.initialTemperature, $0.policyDelay) = (4, 0.05, 2)
      $0.targetEntropy = -1
    },
    Case(RLPD.self, name: "wsrl") {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      ($0.critics, $0.initialTemperature, $0.policyDelay) = (4, 0.05, 2)
      ($0.normalizesPolicy, $0.entropyBackup, $0.targetEntropy) = (true, false, -1)
    },
    // Its actions are the best of a few that are drawn.
    Case(BatchConstrainedQLearning.self, allowance: 1.5) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.learningRate, $0.actingCandidates) = (3e-3, 50)
      ($0.autoencoderWidth, $0.firstWidth, $0.secondWidth) = (32, 32, 32)
      // Chance of the data's many actions, so that the decoder must use z.
      $0.divergenceWeight = 0.05
    },
    // It stays near what the data show, and has 1200 updates.
    Case(SupportedPolicyOptimization.self, allowance: 1.5) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.learningRate, $0.vaeSteps, $0.vaeWidth) = (3e-3, 300, 32)
      ($0.supportWeight, $0.divergenceWeight) = (0.05, 0.05)
    },
    Case(PolicyExpansion.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.learningRate, $0.expectile, $0.inverseTemperature) = (3e-3, 0.9, 30)
      $0.choiceTemperature = 30
    },
    Case(OfflineToOnline.self) {
      ($0.batchSize, $0.discount, $0.tau) = (64, discount, 0.02)
      ($0.policyLearningRate, $0.criticLearningRate) = (3e-3, 3e-3)
      $0.initialTemperature = 0.05
    },
  ]

  /// Return that 1500 updates on transitions from everywhere lead to.
  private func train(_ one: Case, rewardFactor: Float) throws -> Double {
    let agent = try one.make()
    for step in 0..<1500 {
      var generator = RandomStream(seed: 5, purpose: "test/regulator", step: UInt64(step))
      var batch = Batch(Regulator.transitions(64, using: &generator))
      for row in 0..<64 { batch.rewards[row] *= rewardFactor }
      // What doing nothing earns; a lower bound of the optimum, as a return of the data's would be.
      batch.extras["returnToGo"] = batch.observations.elements.map {
        -rewardFactor.magnitude * 10 * $0 * $0
      }
      batch.extras["online"] = (0..<64).map { Float($0 % 2) }
      _ = try agent.update(on: batch)
    }
    return Regulator.discountedReturn(of: agent.policy)
  }

  @Test(arguments: cases) func reachesTheRegulator(one: Case) throws {
    let reached = try train(one, rewardFactor: 1)
    #expect(
      reached > one.allowance * Regulator.optimalReturn, "\(reached) of \(Regulator.optimalReturn)")
  }

  @Test(arguments: cases) func wrongSignLeadsAstray(one: Case) throws {
    let reached = try train(one, rewardFactor: -1)
    #expect(reached < 2 * Regulator.optimalReturn, "\(reached) of \(Regulator.optimalReturn)")
  }

  // MARK: What one algorithm is for

  /// Cloning a good policy gives a good one, cloning a bad one does not.
  @Test(arguments: [(-1.6, true), (1.6, false)])
  func cloningTakesOverWhatIsShown(gain: Double, isGood: Bool) throws {
    var settings = BehaviorCloning.Settings()
    (settings.batchSize, settings.policyLearningRate) = (64, 3e-3)
    var setup = AgentSetup(observationSize: 1, actionSize: 1)
    setup.hiddenSizes = [32, 32]
    let agent = try Agent(BehaviorCloning.self, settings, setup, pool: WorkerPool(threads: 1))
    for step in 0..<1500 {
      var stream = RandomStream(seed: 5, purpose: "test/cloning", step: UInt64(step))
      var batch = Batch(size: 64, observationSize: 1, actionSize: 1)
      for row in 0..<64 {
        let x = stream.uniform(-1, 1)
        batch.observations[row, 0] = Float(x)
        batch.actions[row, 0] = Float(min(max(gain * x + 0.1 * stream.normal(), -1), 1))
      }
      _ = try agent.update(on: batch)
    }
    let reached = Regulator.discountedReturn(of: agent.policy)
    #expect((reached > 1.2 * Regulator.optimalReturn) == isGood, "\(reached)")
    if !isGood { #expect(reached < Regulator.idleReturn) }
  }

  /// Own rows from one half of the line, the dataset's from all of it: w is 2 there and 0 elsewhere.
  @Test(arguments: [true, false]) func ratioFindsTheDensities(halves: Bool) throws {
    var settings = OfflineToOnline.Settings()
    (settings.batchSize, settings.ratioLearningRate) = (64, 3e-3)
    var setup = AgentSetup(observationSize: 1, actionSize: 1)
    setup.hiddenSizes = [32, 32]
    let agent = try Agent(OfflineToOnline.self, settings, setup, pool: WorkerPool(threads: 1))
    var (inside, outside) = (0.0, 0.0)
    // Means over the last 200 updates.
    var (w, loss) = (0.0, 0.0)
    for step in 0..<1500 {
      var stream = RandomStream(seed: 6, purpose: "test/ratio", step: UInt64(step))
      var batch = Batch(
        size: 64, observationSize: 1, actionSize: 1, extraColumns: OfflineToOnline.extraColumns)
      for row in 0..<64 {
        batch.extras["online"]![row] = Float(row % 2)
        let low = row % 2 == 1 && halves ? 0.0 : -1
        batch.observations[row, 0] = Float(stream.uniform(low, 1))
        batch.actions[row, 0] = Float(stream.uniform(-1, 1))
      }
      let metrics = try agent.update(on: batch)
      if step >= 1300 {
        w += metrics["ratio_online"]! / 200
        loss += metrics["ratio_loss"]! / 200
      }
      guard step == 1499 else { continue }
      let priorities = agent.priorities!
      for row in stride(from: 0, to: 64, by: 2) {
        if batch.observations[row, 0] > 0.2 { inside = max(inside, Double(priorities[row])) }
        if batch.observations[row, 0] < -0.2 { outside = max(outside, Double(priorities[row])) }
      }
    }
    if halves {
      // ½·log 3/2 + ½·log 1/2 − log 4/3
      #expect(abs(w - 2) < 0.2 && abs(loss + 0.4315) < 0.05, "\(w), \(loss)")
      #expect(inside > 5 * outside, "\(inside), \(outside)")
    } else {
      #expect(abs(w - 1) < 0.1 && abs(loss) < 0.05, "\(w), \(loss)")
      #expect(inside < 2 * outside, "\(inside), \(outside)")
    }
  }

  /// With η the critics' slopes at the data's actions part; without it they stay alike.
  @Test func diversityPartsTheCritics() throws {
    func alignment(_ diversity: Double) throws -> Double {
      var settings = EnsembleDiversifiedActorCritic.Settings()
      (settings.batchSize, settings.critics, settings.diversity) = (64, 4, diversity)
      (settings.criticLearningRate, settings.initialTemperature) = (3e-3, 0.05)
      var setup = AgentSetup(observationSize: 1, actionSize: 3)
      setup.hiddenSizes = [32, 32]
      let agent = try Agent(
        EnsembleDiversifiedActorCritic.self, settings, setup, pool: WorkerPool(threads: 1))
      var loss = 0.0
      for step in 0..<600 {
        var stream = RandomStream(seed: 7, purpose: "test/diversity", step: UInt64(step))
        var batch = Batch(size: 64, observationSize: 1, actionSize: 3)
        for row in 0..<64 {
          batch.observations[row, 0] = Float(stream.uniform(-1, 1))
          for k in 0..<3 { batch.actions[row, k] = Float(stream.uniform(-1, 1)) }
          batch.rewards[row] = batch.actions[row, 0]
        }
        loss = try agent.update(on: batch)["diversity_loss"]!
      }
      // η·K times the mean cosine.
      return loss / (4 * diversity)
    }
    let (strong, weak) = (try alignment(2), try alignment(1e-6))
    #expect(weak > 0.7, "\(weak)")
    #expect(strong < 0.2, "\(strong)")
  }

  /// A policy whose critics prefer one proposal plays it; without a preference it plays both.
  @Test func expandedPolicyFollowsItsCritics() throws {
    let shape = NetworkShape(inputSize: 1, hiddenSizes: [4], outputSize: 1)
    func constant(_ mean: Float) -> PlainGaussianPolicy {
      let network = Network(shape: shape)
      network.parameters[network.parameters.count - 1] = mean
      return PlainGaussianPolicy(network: network, logStds: [-5], squashesMean: false)
    }
    // Q(s, a) = max(0, a + 1): more is better.
    let critic = Network(shape: NetworkShape(inputSize: 2, hiddenSizes: [1], outputSize: 1))
    critic.parameters = [0, 1, 1, 1, 0]
    func share(_ inverseTemperature: Float, _ selection: ActionSelection) -> Double {
      let policy = ExpandedPolicy(
        offline: constant(-0.5), online: constant(0.5), critics: [critic, critic],
        inverseTemperature: inverseTemperature, evaluationExploration: 0.1)
      var stream = RandomStream(seed: 8, purpose: "test/expanded")
      var count = 0
      for _ in 0..<2000 {
        if policy.action(for: [0], selection: selection, using: &stream).action[0] > 0 {
          count += 1
        }
      }
      return Double(count) / 2000
    }
    #expect(abs(share(0, .sample) - 0.5) < 0.05)
    #expect(abs(share(1, .sample) - 0.731) < 0.05)
    #expect(share(10, .sample) > 0.99)
    #expect(abs(share(0.0001, .mean) - 0.95) < 0.03)
  }
}
