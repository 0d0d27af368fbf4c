import Configuration
import Foundation
import TestSupport
import Testing

@testable import Stages

/// Who the agents of a run are, and what each learns from.
@Suite struct OfflineStageTests: TinyStages {
  let folder = TemporaryDirectory()

  init() throws { try makeDataset() }

  private func train(_ output: String, _ settings: [String]) throws -> [String: Data] {
    let configuration = try configuration([.offline], tiny("offline", "td3-bc") + settings)
    try OfflineStage(context(configuration)).run(output: folder.file(output))
    return contents(of: folder.file("\(output)/weights"))
  }

  /// Agent i is the same whatever else is trained with it, as jobs of a sweep rely on.
  @Test func agentsAreTheSameAloneAndTogether() throws {
    let together = try train("pair", ["offline.members=2"])
    let alone = try train("second", ["offline.members=1", "offline.firstMember=1"])
    let names = alone.keys.filter { $0.hasPrefix("member-0/") && $0.hasSuffix(".safetensors") }
    #expect(names.count > 2)
    for name in names {
      let second = name.replacingOccurrences(of: "member-0/", with: "member-1/")
      #expect(alone[name] == together[second], "\(second)")
      #expect(alone[name] != together[name], "\(name)")
    }
  }

  /// Of a policy that stands still, the loss tells minibatches apart.
  @Test func everyUpdateHasItsOwnMinibatch() throws {
    let configuration = try configuration(
      [.offline],
      tiny("offline", "bc") + [
        "offline.bc.policyLearningRate=1e-9", "offline.epochSteps=1", "offline.members=1",
      ])
    try OfflineStage(context(configuration)).run(output: folder.file("bc"))
    let losses = try column("member0_policy_loss", of: "bc")
    #expect(losses.count == 7)
    for (one, next) in zip(losses, losses.dropFirst()) {
      #expect(abs(one - next) > 1e-4 * abs(one))
    }
  }
}
