import Agents
import Algorithms
import Autodiff
import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import Runs
import Stages
import TestSupport
import Testing

@testable import Analysis

/// Q variance and Q bias (BRED, appendices K and L).
@Suite struct QValueTests {
  private let folder = TemporaryDirectory()
  private let pool = WorkerPool(threads: 2)

  // MARK: Estimates

  private func critics(_ count: Int) -> [Network] {
    (0..<count).map { index in
      let network = Network(
        shape: NetworkShape(inputSize: 3, hiddenSizes: [8], outputSize: 1))
      var stream = RandomStream(seed: UInt64(index), purpose: "test")
      network.initialize(.critic, using: &stream)
      // The usual start is near zero.
      for i in 0..<network.values.count { network.values.base[i] += Float(stream.uniform(-1, 1)) }
      return network
    }
  }

  @Test func theEstimateIsTheMeanOfMinima() {
    let all = critics(4)
    let normalizer = ObservationNormalizer(mean: [1, -2], std: [2, 0.5])
    let estimate = ValueEstimate(
      members: [Array(all[0...1]), Array(all[2...3])], normalizer: normalizer)
    let rows = 300
    var stream = RandomStream(seed: 5, purpose: "rows")
    func matrix(_ columns: Int) -> Matrix {
      Matrix(
        rows: rows, columns: columns,
        elements: (0..<rows * columns).map { _ in Float(stream.normal()) })
    }
    let (observations, actions) = (matrix(2), matrix(1))
    let values = estimate(observations, actions, pool: pool)
    for row in [0, 127, 128, 299] {
      let input = normalizer(Array(observations.row(row))) + actions.row(row)
      let q = all.map { Double($0.output(for: input)[0]) }
      let expected = (min(q[0], q[1]) + min(q[2], q[3])) / 2
      #expect(abs(values[row] - expected) < 1e-5, "\(values[row]) \(expected)")
    }
    let alone = WorkerPool(threads: 1)
    #expect(estimate(observations, actions, pool: alone) == values)
  }

  /// Draws from a few actions, so that the variance can be computed by hand.
  private struct Dice: Policy {
    let observationSize = 2
    let actionSize = 1
    func action(
      for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
    ) -> ChosenAction {
      ChosenAction(action: [Float(generator.index(below: 6)) / 6], logProb: 0)
    }
  }

  @Test func theVarianceIsThatOfTheDrawnActions() {
    let network = critics(1)[0]
    let value = ValueEstimate(members: [[network]], normalizer: nil)
    let observations = Matrix(rows: 2, columns: 2, elements: [0.3, -1, 2, 0.5])
    let key = RandomStream.Key(seed: 3, purpose: "variance")
    let found = QVariance.measure(
      Dice(), value, observations: observations, key: key, step: 7, pool: pool)
    var expected = 0.0
    for row in 0..<2 {
      var stream = key.stream(step: UInt64(7 * 2 + row))
      let q = (0..<10).map { _ in
        let action = Float(stream.index(below: 6)) / 6
        return Double(network.output(for: Array(observations.row(row)) + [action])[0])
      }
      let mean = q.reduce(0, +) / 10
      expected += q.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 9 / 2
    }
    #expect(expected > 1e-4 && abs(found - expected) < 1e-6 * expected.magnitude + 1e-7)
    // Another step, other draws.
    #expect(
      QVariance.measure(
        Dice(), value, observations: observations, key: key, step: 8, pool: pool) != found)
    let mode = DeterministicPolicy(
      network: Network(shape: NetworkShape(inputSize: 2, hiddenSizes: [2], outputSize: 1)))
    #expect(QVariance.isDefined(for: Dice()) && !QVariance.isDefined(for: mode))
  }

  // MARK: Runs

  private func configuration(_ more: String...) throws -> ExperimentConfiguration {
    try ExperimentConfiguration.resolve(
      ConfigurationSources(
        method: .scratch,
        file: ConfigurationLayer(name: "test", yaml: "environment: hopper"),
        overrides: [
          "networks.hiddenUnits=8", "evaluation.episodes=1", "online.environmentSteps=25",
          "online.blockSteps=10", "online.updatesPerStep=0.5", "online.checkpointInterval=1",
        ] + more),
      catalog: .registered, stages: [.online]
    ).configuration
  }

  @discardableResult
  private func train(
    _ configuration: ExperimentConfiguration, _ name: String, threads: Int = 1,
    stopping: Bool = false
  ) throws -> String {
    let output = folder.file(name)
    for _ in 0..<200 {
      let interruption = Interruption()
      if stopping { interruption.request() }
      do {
        try OnlineStage(
          StageContext(
            configuration: configuration, pool: WorkerPool(threads: threads),
            interruption: interruption, resume: stopping)
        ).run(ensemble: nil, output: output)
        return output
      } catch is Interrupted {}
    }
    Issue.record("the run did not end")
    return output
  }

  /// Every file below that training made and that is not about time.
  private func bytes(_ run: String, _ places: String...) throws -> [String: Data] {
    var result: [String: Data] = [:]
    let names = FileManager.default.enumerator(atPath: run)
    while let name = names?.nextObject() as? String {
      guard places.contains(where: { name.hasPrefix("\($0)/") }) else { continue }
      result[name] = FileManager.default.contents(atPath: "\(run)/\(name)")
    }
    return result
  }

  private func column(_ name: String, _ run: String) throws -> [Double?] {
    try RecordedRun(run).column(name)
  }

  @Test(arguments: [
    ["online.algorithm=sac", "online.sac.batchSize=8"],
    // Two agents, which act as their mixture.
    ["online.algorithm=cql", "online.cql.batchSize=8", "online.members=2"],
    ["online.algorithm=rlpd", "online.rlpd.batchSize=8", "online.updatesPerStep=1"],
  ])
  func measuringChangesNothing(settings: [String]) throws {
    func run(_ name: String, _ more: [String], threads: Int = 1, stopping: Bool = false) throws
      -> String
    {
      var configuration = try configuration()
      configuration = try ExperimentConfiguration.resolve(
        ConfigurationSources(
          file: ConfigurationLayer(name: "test", yaml: configuration.yaml()),
          overrides: settings + more), catalog: .registered, stages: [.online]
      ).configuration
      return try train(configuration, name, threads: threads, stopping: stopping)
    }
    let plain = try run("plain", [])
    let measured = try run("measured", ["online.qVariance=true"])
    #expect(try bytes(plain, "weights") == bytes(measured, "weights"))
    #expect(try !bytes(plain, "weights").isEmpty)
    #expect(
      try column("eval_return_mean", plain) == column("eval_return_mean", measured))
    #expect(throws: RunError.self) { try column("q_variance", plain) }
    let values = try column("q_variance", measured)
    #expect(values[0] == nil && values.count == 4)
    #expect(values.dropFirst().allSatisfy { $0.map { $0 > 0 && $0.isFinite } ?? false })
    #expect(
      try column("q_variance", run("threads", ["online.qVariance=true"], threads: 3)) == values)
    #expect(
      try column("q_variance", run("pieces", ["online.qVariance=true"], stopping: true))
        == values)
  }

  @Test func whatHasNoVarianceIsRefused() throws {
    let configuration = try configuration(
      "online.algorithm=td3", "online.td3.batchSize=8", "online.qVariance=true")
    #expect(throws: ConfigurationError.self) { try train(configuration, "refused") }
  }

  /// The same agents and rows are kept, wherever the run was stopped.
  @Test func keptAgents() throws {
    let configuration = try configuration("online.sac.batchSize=8", "online.agentInterval=1")
    let (whole, pieces) = (
      try train(configuration, "whole"), try train(configuration, "pieces", stopping: true)
    )
    let kept = try bytes(whole, "agents")
    #expect(try bytes(pieces, "agents") == kept)
    let folders = try KeptAgents.folders(in: whole)
    #expect(folders.map { ($0 as NSString).lastPathComponent } == ["000001", "000002", "000003"])
    #expect(try folders.map { try KeptAgents.environmentSteps(in: $0) } == [10, 20, 25])
    let task = EnvironmentKind.hopper.specification
    let rows = try KeptAgents.readRows(in: folders[1], task: task)
    #expect(rows.states.count == 20)
    for (row, state) in rows.states.enumerated() {
      let observed = (state.position.dropFirst() + state.velocity).map { Float($0) }
      #expect(Array(rows.observations.row(row)) == observed.map { min(max($0, -10), 10) })
    }
    #expect(throws: (any Error).self) {
      try KeptAgents.readRows(in: folders[1], task: EnvironmentKind.walker2d.specification)
    }
    // The last one is the agent that the run ended with.
    let weights = try bytes(whole, "weights").mapKeys { $0.dropFirst("weights/".count) }
    let last = kept.filter { $0.key.hasPrefix("agents/000003/member-0") }
      .mapKeys { $0.dropFirst("agents/000003/".count) }
    #expect(last == weights.filter { $0.key.hasPrefix("member-0") } && !last.isEmpty)
    #expect(throws: RunError.self) { try KeptAgents.folders(in: folder.path) }
  }

  @Test func theTemperatureIsTheMembersMean() throws {
    let run = try train(
      try configuration(
        "online.algorithm=cql", "online.cql.batchSize=8", "online.members=2",
        "online.agentInterval=2"), "members")
    let agent = try KeptAgents.folders(in: run)[0]
    let numbers = try EnsembleDirectory.read(agent).members.map { $0.numbers["temperature"]! }
    #expect(numbers.count == 2 && numbers[0] != numbers[1])
    var options = QBias.Options()
    (options.states, options.rollouts, options.horizon) = (2, 1, 1)
    let found = try QBias(run: "", agent: agent, options, pool: pool)
    #expect(abs(found.temperature - (numbers[0] + numbers[1]) / 2) < 1e-12)
  }

  @Test func biasIsTheDistanceToRollouts() throws {
    let run = try train(
      try configuration(
        "online.sac.batchSize=8", "online.agentInterval=2", "online.sac.discount=0.9"), "bias")
    let agent = try KeptAgents.folders(in: run)[0]
    var options = QBias.Options()
    (options.states, options.rollouts, options.horizon) = (10, 3, 40)
    let found = try QBias(run: "a,\"b\"", agent: agent, options, pool: pool)
    let alone = try QBias(run: "a,\"b\"", agent: agent, options, pool: WorkerPool(threads: 1))
    #expect(found == alone)
    #expect(found.environmentSteps == 20 && found.states == 10 && found.discount == 0.9)
    #expect(abs(found.plainBias - (found.estimate - found.plainReturn)) < 1e-9)
    #expect(found.length > 1 && found.temperature > 0 && found.plainBiasError > 0)
    #expect(found.softReturn != found.plainReturn)

    // One step is the stored action's reward, whatever the policy.
    options.horizon = 1
    let one = try QBias(run: "", agent: agent, options, pool: pool)
    let task = EnvironmentKind.hopper
    let rows = try KeptAgents.readRows(in: agent, task: task.specification)
    let robot = try task.makeEnvironment()
    let rewards = stride(from: 0, to: 20, by: 2).map { row in
      _ = robot.reset(to: rows.states[row])
      return robot.step(rows.actions.row(row).map { Double($0) }).reward
    }
    #expect(abs(one.plainReturn - rewards.reduce(0, +) / 10) < 1e-12)
    #expect(one.softReturn == one.plainReturn && one.length == 1)
    // The second step is the policy's, and its entropy counts: that of a policy that has learnt nothing is above 0.
    options.horizon = 2
    let two = try QBias(run: "", agent: agent, options, pool: pool)
    #expect(two.softReturn > two.plainReturn + 0.5 * found.discount * found.temperature)

    let path = folder.file("bias.csv")
    try QBias.csv([found, one]).write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try QBias.read(path) == [found, one])
    try "other\n1\n".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(throws: RunError.self) { try QBias.read(path) }
    #expect(try QBias.read(folder.file("none")).isEmpty)
  }
}

extension Dictionary where Key == String {
  fileprivate func mapKeys(_ transform: (String) -> Substring) -> [String: Value] {
    Dictionary(uniqueKeysWithValues: map { (String(transform($0.key)), $0.value) })
  }
}
