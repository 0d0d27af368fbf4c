import RLCore
import Testing

@testable import Algorithms

/// Every algorithm beside SAC and CQL, which have tests of their own, against PyTorch in double precision.
@Suite struct AlgorithmReferenceTests {
  @Test func behaviorCloning() throws {
    try ReferenceRun(BehaviorCloning.self, file: "bc", case: "bc").check()
  }

  @Test(arguments: ["softmax", "exponential", "clipped"])
  func advantageWeightedActorCritic(name: String) throws {
    try ReferenceRun(
      AdvantageWeightedActorCritic.self, file: "awac", case: name, hiddenSizes: [8, 8]
    ) {
      $0.policyLayers = 2
      $0.clipsDraws = name == "clipped"
      if name == "exponential" { ($0.weighting, $0.advantageScale) = (.exponential, 0.1) }
    }.check()
  }

  @Test func implicitQLearning() throws {
    try ReferenceRun(ImplicitQLearning.self, file: "iql", case: "iql") {
      $0.maximumWeight = 1.5
    }.check()
  }

  @Test func twinDelayedDDPG() throws {
    try ReferenceRun(TwinDelayedDDPG.self, file: "td3", case: "td3").check()
  }

  @Test func td3BehaviorCloning() throws {
    try ReferenceRun(TD3BehaviorCloning.self, file: "td3", case: "td3-bc").check()
  }

  @Test func ensembleDiversifiedActorCritic() throws {
    try ReferenceRun(EnsembleDiversifiedActorCritic.self, file: "edac", case: "edac") {
      $0.critics = 4
    }.check()
    try ReferenceRun(SACN.self, file: "edac", case: "sac-n") { $0.critics = 4 }.check()
  }

  @Test(arguments: [("corrected", CQLSettings.Regularizer.importanceSampled), ("plain", .plain)])
  func calibratedQLearning(name: String, regularizer: CQLSettings.Regularizer) throws {
    try ReferenceRun(CalibratedQLearning.self, file: "cal-ql", case: name) {
      $0.sampledActions = 3
      $0.regularizer = regularizer
    }.check()
  }

  @Test func priorData() throws {
    try ReferenceRun(RLPD.self, file: "rlpd", case: "rlpd") {
      $0.critics = 4
      $0.policyDelay = 2
    }.check()
  }

  @Test func warmStart() throws {
    try ReferenceRun(RLPD.self, file: "rlpd", case: "wsrl") {
      $0.critics = 4
      $0.policyDelay = 2
      $0.normalizesPolicy = true
      $0.entropyBackup = false
      $0.targetEntropy = 0
      $0.policyLearningRate = 1e-4
    }.check()
  }

  @Test func batchConstrainedQLearning() throws {
    try ReferenceRun(BatchConstrainedQLearning.self, file: "bcq", case: "bcq") {
      $0.targetCandidates = 3
      ($0.autoencoderWidth, $0.firstWidth, $0.secondWidth) = (9, 8, 7)
    }.check()
  }

  @Test(arguments: ["offline", "online"])
  func supportedPolicyOptimization(name: String) throws {
    let run = try ReferenceRun(SupportedPolicyOptimization.self, file: "spot", case: name) {
      $0.vaeSteps = 1
      $0.vaeWidth = 9
      $0.coolingSteps = 10
      $0.dropout = 0.25
    }
    if name == "online" { run.agent.beginOnline() }
    try run.check()
  }

  @Test func policyExpansion() throws {
    try ReferenceRun(PolicyExpansion.self, file: "pex", case: "pex").check()
  }

  @Test func offlineToOnline() throws {
    try ReferenceRun(OfflineToOnline.self, file: "off2on", case: "off2on", ensembleSize: 2).check()
  }
}
