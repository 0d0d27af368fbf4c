import Datasets
import Foundation
import TestSupport
import Testing

/// What a method needs and does not find is said before any training.
@Suite struct MethodRefusalTests: RefusalTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  private func run(_ method: String, dataset: String? = nil, _ settings: String...) -> [String] {
    [
      "run", "--task", "hopper", "--method", method, "--dataset", dataset ?? workshop.dataset,
      "--output", folder.file("out"), "--quiet", "--set", "networks.hiddenUnits=8",
    ] + settings.flatMap { ["--set", $0] }
  }

  @Test func partsThatTheOfflineAgentsLack() throws {
    try refuse(
      run("bc", "online.algorithm=sac", "online.actor=independent"), status: 1,
      saying: "agents of 'bc'", "part 'critic'", "'sac'")
    try refuse(run("pex", "offline.algorithm=cql"), status: 1, saying: "part 'value'", "'pex'")
    try refuse(run("spot", "offline.algorithm=td3"), status: 1, saying: "part 'encoder'", "'spot'")
    try refuse(run("iql", "offline.algorithm=sac"), status: 1, saying: "part 'value'", "'iql'")
  }

  @Test func numbersOfCritics() throws {
    try refuse(
      run("wsrl", "online.rlpd.critics=10"), status: 1, saying: "part 'critic'", "10", "2")
    try refuse(
      run("rlpd", "online.rlpd.targetCritics=11"), status: 1, saying: "targetCritics", "11")
  }

  @Test func ensembles() throws {
    try refuse(
      run("bred", "offline.algorithm=td3"), status: 1, saying: "part 'actor'", "tanh-gaussian",
      "deterministic")
    try refuse(
      run("bred-independent", "online.policyInterval=5"), status: 2, saying: "online.policyInterval"
    )
  }

  @Test func temperaturesOfMembers() throws {
    try refuse(
      run("iql", "online.startTemperature=members"), status: 1, saying: "'temperature'", "none")
  }

  /// Rows of hopper that stand and pay the same for ever.
  private func dataset(ends: Bool) throws -> String {
    var rows = D4RLRows()
    rows.observations = (0..<50 * 11).map { sin(Float($0)) }
    rows.nextObservations = Array(rows.observations.dropFirst(11)) + rows.observations.prefix(11)
    rows.actions = (0..<50 * 3).map { 0.5 * cos(Float($0)) }
    rows.rewards = [Float](repeating: 1, count: 50)
    rows.terminals = [Bool](repeating: false, count: 50)
    rows.timeouts = (0..<50).map { ends && $0 % 10 == 9 }
    rows.actionLogProbs = [Float](repeating: 0, count: 50)
    let path = folder.file("data.hdf5")
    let writer = try D4RLWriter(
      creating: path, rows: 50,
      shape: D4RLShape(observationSize: 11, actionSize: 3, positionSize: 0, velocitySize: 0),
      metadata: D4RLMetadata())
    try writer.append(rows)
    try writer.finish()
    return path
  }

  @Test func returns() throws {
    let endless = try dataset(ends: false)
    try refuse(
      run("cal-ql", dataset: endless), status: 1, saying: endless, "'cal-ql' needs returns")
    // Offline without them, online with.
    try refuse(
      run("cal-ql", dataset: endless, "offline.algorithm=cql"), status: 1, saying: endless,
      "'cal-ql' needs returns")
  }

  @Test func rewardsToScaleBy() throws {
    let alike = try dataset(ends: true)
    try refuse(run("iql", dataset: alike), status: 1, saying: alike, "return the same")
  }
}
