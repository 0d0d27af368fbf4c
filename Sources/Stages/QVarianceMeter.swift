import Algorithms
import Configuration
import DenseMath
import RLCore
import Replay

/// `online.qVariance`: the column `q_variance`, measured before each update on that update's own states.
///
/// Draws from a stream of its own and changes nothing that training sees.
final class QVarianceMeter {
  static let column = "q_variance"

  private let key: RandomStream.Key
  private let pool: WorkerPool
  private var batch: Batch
  private var sum = 0.0
  private var count = 0

  init(_ team: AgentTeam, seed: UInt64, purpose: String, pool: WorkerPool) {
    key = RandomStream.Key(seed: seed, purpose: "\(purpose)/q-variance")
    self.pool = pool
    let agent = team.agents[0]
    batch = Batch(
      size: agent.batchSize, observationSize: agent.parts.observationSize,
      actionSize: agent.parts.actionSize,
      extraColumns: type(of: agent.algorithm).extraColumns)
  }

  /// Whether the agents can be measured.
  static func isDefined(for agents: [Agent]) -> Bool {
    QVariance.isDefined(for: ActingEnsemble.policy(of: agents))
      && ValueEstimate(agents: agents) != nil
  }

  /// - Parameter fill: draws the minibatch that the first agent will learn from next.
  func measure(_ agents: [Agent], fill: (inout Batch) throws -> Void) throws {
    try fill(&batch)
    sum += QVariance.measure(
      ActingEnsemble.policy(of: agents), ValueEstimate(agents: agents)!,
      observations: batch.observations, key: key, step: agents[0].updateCount, pool: pool)
    count += 1
  }

  /// The mean since the last reset, `nil` before any measurement.
  var mean: Double? { count > 0 ? sum / Double(count) : nil }

  func reset() { (sum, count) = (0, 0) }

  var state: NamedTensors {
    NamedTensors(tensors: [
      "sum": Tensor(.float64([sum])), "count": Tensor(.int64([Int64(count)])),
    ])
  }

  func restore(_ state: NamedTensors) throws(StateError) {
    sum = try state.doubles("sum", count: 1)[0]
    count = Int(try state.integers("count", count: 1)[0])
  }
}
