import Algorithms
import Autodiff
import Configuration
import Datasets
import DenseMath
import RLCore
import Runs

/// `online.startValues: data-returns`: the number by which a critic is shifted when interaction begins, so that its
/// mean over the data is their mean discounted return.
///
/// CQL lowers Q of all actions alike, by hundreds on some data; while that is unlearned, what was sampled lately
/// looks better than what is good (docs/results/dip.md).
struct StartValues {
  private let known: KnownReturns
  /// Mean discounted return of the data, in the units of the rewards that agents learn from.
  private let mean: Double

  /// - Parameter rewardScale: what rewards are multiplied by for agents.
  /// - Returns: `nil` where critics start as they were learned.
  /// - Throws: ``RunError/inconsistent(path:reason:)`` where no row's return is known.
  init?(
    _ configuration: ExperimentConfiguration, dataset: D4RLDataset, rewardScale: Float
  ) throws {
    guard configuration.stages.contains(.online), configuration.trainsOnline,
      configuration.online.startValues == .dataReturns,
      let settings = configuration.onlineAlgorithm as? any AlgorithmSettings
    else { return nil }
    known = try dataset.knownReturns(discount: settings.discount)
    guard !known.returns.isEmpty else {
      throw RunError.inconsistent(
        path: dataset.path,
        reason: "'online.startValues: data-returns' needs returns, and no episode in these data "
          + "ends, or is long enough that what follows would not count")
    }
    let sum = known.returns.reduce(0) { $0 + Double($1) }
    mean = Double(rewardScale) * sum / Double(known.returns.count)
  }

  /// What is to be added to `critic`, a Q of states and actions.
  func offset(
    of critic: Network, normalizer: ObservationNormalizer?, pool: WorkerPool
  ) -> Float {
    let estimate = ValueEstimate(members: [[critic]], normalizer: normalizer)
    let q = estimate(known.observations, known.actions, pool: pool)
    return Float(mean - q.reduce(0, +) / Double(q.count))
  }
}
