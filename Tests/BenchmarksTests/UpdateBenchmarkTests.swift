import Algorithms
import DenseMath
import Testing

@testable import Benchmarks

/// What is measured, not how long it takes: every algorithm has its update, which runs, and a floor of as many
/// multiply-adds as are counted here by hand.
@Suite struct UpdateBenchmarkTests {
  static let updates = BenchmarkSuite.names.filter { $0.contains("-update") }

  @Test(arguments: AlgorithmRegistry.names)
  func everyAlgorithmHasAnUpdate(name: String) {
    #expect(Self.updates.contains { $0.hasPrefix("\(name)-update") })
  }

  @Test(arguments: updates)
  func updateAndFloorRun(name: String) throws {
    let benchmark = try BenchmarkSuite.benchmark(name, pool: WorkerPool(threads: 1))
    #expect(benchmark.name == name && benchmark.iterations >= 1)
    try benchmark.operation()
    let floor = try #require(benchmark.floor)
    floor()
  }

  /// Multiply-adds of one row through a network: forward, the gradient of its parameters, that of its inputs.
  private struct Row {
    let forward: Int
    let parameters: Int
    let input: Int

    init(_ widths: Int...) {
      forward = zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
      parameters = 2 * forward - widths[0] * widths[1]
      input = forward
    }
  }

  private static func count(_ work: [NetworkPasses]) -> Int {
    work.flatMap(\.tasks).joined().reduce(0) { $0 + $1.m * $1.n * $1.k }
  }

  private let critic = Row(23, 256, 256, 1)
  private let value = Row(17, 256, 256, 1)
  private let actor = Row(17, 256, 256, 6)
  private let gaussian = Row(17, 256, 256, 12)
  private let work = UpdateWork(UpdateSize())

  /// As in docs/numerics.md.
  @Test func floorOfSACAndCQL() {
    let policy = 2 * gaussian.forward + gaussian.parameters
    let online = 3 * critic.forward + critic.parameters + critic.input
    for members in [1, 5] {
      let work = UpdateWork(UpdateSize(members: members)).actorCritic()
      #expect(Self.count(work) == 256 * (2 * members * online + policy))
    }
    let all = 31 * (critic.forward + critic.parameters)
    let rest = 2 * critic.forward + critic.input
    #expect(Self.count(work.conservative()) == 256 * (2 * (all + rest) + policy))
    #expect(
      Self.count(work.conservative(targetActions: 10))
        == 256 * (2 * (all + rest + 9 * critic.forward) + policy))
  }

  @Test func floorOfValueMethods() {
    #expect(Self.count(work.cloning()) == 256 * (gaussian.forward + gaussian.parameters))
    #expect(
      Self.count(work.implicit())
        == 256
        * (4 * critic.forward + 2 * critic.parameters + 3 * value.forward + value.parameters
          + actor.forward + actor.parameters))
    #expect(
      Self.count(work.expansion())
        == 256
        * (10 * critic.forward + 2 * critic.parameters + 3 * value.forward + value.parameters
          + 2 * actor.forward + actor.parameters))
    let deep = Row(17, 256, 256, 256, 256, 6)
    #expect(
      Self.count(work.weighted(policyLayers: 4))
        == 256
        * (8 * critic.forward + 2 * critic.parameters + 2 * deep.forward + deep.parameters))
  }

  @Test func floorOfDeterministicMethods() {
    #expect(
      Self.count(work.delayed())
        == 256
        * (9 * critic.forward + 4 * critic.parameters + critic.input + 3 * actor.forward
          + actor.parameters))
    let (encoder, decoder) = (Row(23, 750, 750, 24), Row(29, 750, 750, 6))
    #expect(
      Self.count(work.support(width: 750))
        == 256 * (encoder.forward + encoder.input + decoder.forward + decoder.input))
    let (wide, perturbation) = (Row(23, 400, 300, 1), Row(23, 400, 300, 6))
    let rows =
      encoder.forward + encoder.parameters + 12 * decoder.forward + decoder.parameters
      + 29 * 750 + 11 * perturbation.forward + perturbation.parameters
    let values = 23 * wide.forward + 2 * wide.parameters + wide.input
    #expect(Self.count(work.constrained(.init())) == 100 * (rows + values))
  }

  @Test func floorOfEnsembles() {
    let deep = Row(23, 256, 256, 256, 1)
    let policy = Row(17, 256, 256, 256, 12)
    // Through the masks once more and each layer's weights, but no output.
    let second = 2 * deep.forward - 256
    #expect(
      Self.count(UpdateWork(UpdateSize(depth: 3)).diversified(critics: 10))
        == 256
        * (10 * (3 * deep.forward + deep.parameters + 2 * deep.input + second)
          + 2 * policy.forward + policy.parameters))
    #expect(
      Self.count(UpdateWork(UpdateSize(members: 5, depth: 3)).actorCritic())
        == 256
        * (10 * (3 * deep.forward + deep.parameters + deep.input)
          + 2 * policy.forward + policy.parameters))
    let one = gaussian.forward + 2 * critic.forward + 10 * (critic.forward + critic.parameters)
    #expect(
      Self.count(work.prior(critics: 10, targets: 2, delay: 20))
        == 256
        * (20 * one + gaussian.forward + gaussian.parameters + 10 * (critic.forward + critic.input))
    )
  }
}
