import BRED
import Foundation

/// Behaviour cloning: the policy that makes the dataset's actions most likely.
///
///     L = mean_s Σ_k [ ½((z_k − m_k(s))/σ_k(s))² + log σ_k(s) ],   z = artanh(a)
///
/// which is −log π(a∣s) of a tanh-Gaussian policy up to terms without parameters.
final class BehaviorCloning: Learner {
  let batchesPerUpdate = 1
  let metricNames = ["loss"]
  private(set) var updateCount = 0
  private let actor: TrainableNetwork
  private let pass: NetworkPass
  private let adam: AdamConfiguration

  init(observationSize: Int, actionSize: Int, batchSize: Int, learningRate: Float, seed: UInt64) {
    let shape = GaussianPolicy.shape(
      observationSize: observationSize, actionSize: actionSize, hiddenSizes: [256, 256])
    actor = TrainableNetwork(
      .policy(shape, actionSize: actionSize, seed: seed, purpose: "cloning/actor"))
    pass = NetworkPass(shape: shape, maximumRows: batchSize)
    adam = AdamConfiguration(learningRate: learningRate)
  }

  var policy: any Policy { GaussianPolicy(network: Network(copyOf: actor.network)) }

  func update(on batches: [Batch]) throws(TrainingError) -> Metrics {
    let batch = batches[0]
    let actionSize = batch.actions.columns
    let heads = pass.forward(actor.network, batch.observations)
    var gradient = Matrix(rows: heads.rows, columns: heads.columns)
    var loss = 0.0
    let share = 1 / Float(batch.size)
    for row in 0..<batch.size {
      for k in 0..<actionSize {
        let z = atanh(max(-0.999_999, min(0.999_999, batch.actions[row, k])))
        let mean = heads[row, k]
        let logStd = max(-20, min(2, heads[row, actionSize + k]))
        let error = (mean - z) * exp(-logStd)
        loss += Double(share * (0.5 * error * error + logStd))
        gradient[row, k] = share * error * exp(-logStd)
        gradient[row, actionSize + k] = share * (1 - error * error)
      }
    }
    guard loss.isFinite else {
      throw .diverged(metric: "loss", value: Float(loss), updateCount: updateCount)
    }
    pass.backward(actor, batch.observations, outputGradient: gradient)
    actor.step(adam)
    updateCount += 1
    var metrics = Metrics(names: metricNames)
    metrics.values[0] = loss
    return metrics
  }

  var state: NamedTensors {
    var state = actor.state
    state["updateCount"] = Tensor(.int64([Int64(updateCount)]))
    return state
  }

  func restore(_ state: NamedTensors) throws(StateError) {
    let count = try state.integers("updateCount", count: 1)[0]
    try actor.restore(state)
    updateCount = Int(count)
  }
}
