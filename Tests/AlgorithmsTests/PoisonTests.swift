import DenseMath
import RLCore
import TestSupport
import Testing

@testable import Algorithms
@testable import Autodiff

/// Not-a-number and the infinities wherever they can come in: the update that meets them stops, or the one after it.
@Suite struct PoisonTests {
  enum Place: CaseIterable {
    case observation, action, reward, mask, nextObservation
    case weight, target, gradient, firstMoment, secondMoment
    /// Finite numbers of which the loss is not.
    case loss
  }

  private static let isLong = Resources.longTests
  private static let poisons: [Float] = isLong ? [.nan, .infinity, -.infinity] : [.nan, .infinity]
  /// Updates after which every algorithm has stepped everything, delayed policies too.
  private static let patience = 2

  /// Where numbers are put, spread over the whole.
  private static let shares = isLong ? [0, 0.37, 0.61, 0.999] : [0.61]

  private func index(_ share: Double, of count: Int) -> Int { Int(share * Double(count)) }

  private func poison(
    _ agent: Agent, _ batch: inout Batch, _ place: Place, _ value: Float, share: Double,
    block: ParameterBlock
  ) throws {
    func put(into buffer: FloatBuffer) { buffer.base[index(share, of: buffer.count)] = value }
    switch place {
    case .observation:
      batch.observations.elements[index(share, of: batch.observations.elements.count)] = value
    case .action: batch.actions.elements[index(share, of: batch.actions.elements.count)] = value
    case .reward: batch.rewards[index(share, of: batch.size)] = value
    case .mask: batch.masks[index(share, of: batch.size)] = value
    case .nextObservation:
      batch.nextObservations.elements[index(share, of: batch.nextObservations.elements.count)] =
        value
    case .weight: put(into: block.values)
    case .target: if let targets = block.targets { put(into: targets) }
    case .gradient:
      let member = index(share, of: block.members)
      block.gradient(member, piece: 0)[index(share, of: block.count)] = value
    case .firstMoment, .secondMoment:
      put(into: block.optimizer.moment(place == .firstMoment ? 1 : 2))
    case .loss:
      let large: Float = value > 0 ? 3e38 : -3e38
      for row in 0..<batch.size {
        batch.rewards[row] = large
        batch.extras["returnToGo"]![row] = large
      }
    }
  }

  /// - Returns: whether it was noticed.
  private func stops(
    _ agent: Agent, _ place: Place, _ value: Float, share: Double, block number: Int
  ) throws -> Bool {
    var batch = AlgorithmInvariantsTests.batch(agent, step: 2)
    try poison(
      agent, &batch, place, value, share: share, block: agent.parts.blocks[number])
    for _ in 0..<PoisonTests.patience {
      do { _ = try agent.update(on: batch) } catch { return true }
    }
    return false
  }

  /// Parts that the next updates change: not a multiplier of fixed weight, PEX's offline policy, or SPOT's
  /// autoencoder, which learns before.
  private func steppingBlocks(_ agent: Agent) throws -> Set<Int> {
    let counts = agent.parts.blocks.map(\.optimizer.stepCount)
    for _ in 0..<PoisonTests.patience {
      _ = try agent.update(on: AlgorithmInvariantsTests.batch(agent, step: 2))
    }
    return Set(
      counts.indices.filter { agent.parts.blocks[$0].optimizer.stepCount > counts[$0] })
  }

  @Test(arguments: AlgorithmRegistry.names, Place.allCases)
  func isNoticed(name: String, place: Place) throws {
    let agent = try AlgorithmInvariantsTests.agent(name, threads: 1)
    _ = try AlgorithmInvariantsTests.train(agent, steps: 0..<2)
    let healthy = agent.state
    let stepping = try steppingBlocks(agent)
    #expect(!stepping.isEmpty)
    // Behaviour cloning has no rewards, and parts that are there for others may never step.
    if place == .loss, agent.parts.blocks.allSatisfy({ $0.targets == nil }) { return }
    let perBlock = [.weight, .target, .gradient, .firstMoment, .secondMoment].contains(place)
    for number in perBlock ? Array(agent.parts.blocks.indices) : [0] {
      let block = agent.parts.blocks[number]
      if place == .target, block.targets == nil { continue }
      // What never steps is read from files, which refuse such numbers, and never written.
      if perBlock, place != .target, !stepping.contains(number) { continue }
      for value in PoisonTests.poisons {
        // A second moment is a sum of squares.
        if place == .secondMoment, value == -.infinity { continue }
        for share in PoisonTests.shares {
          try agent.restore(healthy)
          #expect(
            try stops(agent, place, value, share: share, block: number),
            "\(value) at \(share) of \(perBlock ? block.name : "the minibatch")")
        }
      }
    }
  }
}
