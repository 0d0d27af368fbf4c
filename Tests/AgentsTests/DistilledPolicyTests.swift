import Algorithms
import DenseMath
import Foundation
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Agents

/// A distilled policy belongs to exactly the members that it came from.
@Suite struct DistilledPolicyTests {
  private let folder = TemporaryDirectory()
  private var ensemble: String { folder.file("e") }

  /// Two members with a policy distilled from them.
  private func make(_ agents: [UInt64] = [1, 2], environment: String? = "hopper") throws {
    let origin = AgentFiles.Origin(environment: environment, producer: "test")
    try AgentFiles.write(
      agents: agents.map { try TestAgents.make(SoftActorCritic.self, seed: $0) }, to: ensemble,
      origin: origin)
    let read = try EnsembleDirectory.read(ensemble)
    let policy = NetworkFile(
      try TestAgents.make(SoftActorCritic.self, seed: 30).networks("actor")![0], role: .policy)
    try EnsembleDirectory.distilled(policy, from: read.policyDigests(in: ensemble))
      .write(to: "\(ensemble)/distilled.safetensors")
  }

  private func outcome() throws -> String {
    do throws(EnsembleDirectoryError) {
      let read = try EnsembleDirectory.read(ensemble)
      guard let found = try read.readDistilled(in: ensemble) else { return "none" }
      return found.note ?? "accepted"
    } catch { return error.description }
  }

  @Test func acceptedForItsMembers() throws {
    try make()
    #expect(try outcome() == "accepted")
    let digest = SHA256.hexDigest(ofFile: "\(ensemble)/member-1/actor.safetensors")
    let file = try NetworkFile.read("\(ensemble)/distilled.safetensors", as: .policy)
    #expect(digest?.count == 64)
    #expect(file.metadata["source/member-1/actor.safetensors"] == digest)
    // Critics have no part in it.
    let other = try TestAgents.make(SoftActorCritic.self, seed: 9).networks("critic")![0]
    try NetworkFile(other, role: .critic).write(to: "\(ensemble)/member-0/critic1.safetensors")
    #expect(try outcome() == "accepted")
    try FileManager.default.removeItem(atPath: "\(ensemble)/distilled.safetensors")
    #expect(try outcome() == "none")
  }

  @Test func refusedBesideOthers() throws {
    func expect(_ words: String) throws {
      let outcome = try outcome()
      #expect(outcome.contains("distilled.safetensors") && outcome.contains(words), "\(outcome)")
    }
    let manager = FileManager.default
    try make()
    let other = try TestAgents.make(SoftActorCritic.self, seed: 9).networks("actor")![0]
    try NetworkFile(other, role: .policy).write(to: "\(ensemble)/member-1/actor.safetensors")
    try expect("'member-1/actor.safetensors' has changed")
    try make()
    try manager.copyItem(atPath: "\(ensemble)/member-0", toPath: "\(ensemble)/member-2")
    try expect("'member-2/actor.safetensors' was not among them")
    try make()
    for member in 1...2 { try manager.removeItem(atPath: "\(ensemble)/member-\(member)") }
    try expect("'member-1/actor.safetensors' is not here")
    // The same members in another order are others: the first is where the student began.
    try make([1, 2])
    try manager.moveItem(atPath: "\(ensemble)/member-0", toPath: "\(ensemble)/member-9")
    try manager.moveItem(atPath: "\(ensemble)/member-1", toPath: "\(ensemble)/member-0")
    try manager.moveItem(atPath: "\(ensemble)/member-9", toPath: "\(ensemble)/member-1")
    try expect("'member-0/actor.safetensors' has changed")
  }

  @Test func olderFilesAreAcceptedWithANote() throws {
    try make()
    let path = "\(ensemble)/distilled.safetensors"
    var file = try NetworkFile.read(path, as: .policy)
    file.metadata = ["environment": "hopper"]
    try file.write(to: path)
    #expect(try outcome().contains("does not say which agents it was distilled from"))
    file.metadata = ["environment": "walker2d"]
    try file.write(to: path)
    #expect(try outcome().contains("expected hopper as in the files beside it, found walker2d"))
  }

  @Test func policyOfAnotherNormalizer() throws {
    try make()
    let path = "\(ensemble)/distilled.safetensors"
    var file = try NetworkFile.read(path, as: .policy)
    let size = TestAgents.observationSize
    file.normalizer = ObservationNormalizer(
      mean: [Float](repeating: 1, count: size), std: [Float](repeating: 2, count: size))
    try file.write(to: path)
    #expect(try outcome().contains("distilled.safetensors"))
    #expect(try outcome().contains("normali"))
  }

  @Test func policyOfAnotherSize() throws {
    try make()
    let shape = NetworkShape(inputSize: 4, hiddenSizes: [3], outputSize: 6)
    try NetworkFile(Network(shape: shape), role: .policy)
      .write(to: "\(ensemble)/distilled.safetensors")
    #expect(try outcome().contains("policy: expected 5 → 12 → 9 → 6 as in member-0, found 4 →"))
  }
}
