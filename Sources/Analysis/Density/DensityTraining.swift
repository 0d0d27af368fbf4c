import Agents
import Algorithms
import DenseMath
import RLCore
import Runs

/// Training of a study's model, which stands in a file on its way: what is stopped goes on from it, and a model
/// that is trained judges other rows.
struct DensityTraining {
  let model: Agent
  /// x = (s, a), a row each.
  let rows: Matrix
  let options: DensityStudy.Options
  /// What the model depends on, by name.
  let identity: [String: String]

  /// The sum of losses since the last hundredth update, and the mean of the hundred before it.
  private var (sum, last) = (0.0, Double.nan)

  /// Updates between two checkpoints.
  private static let interval = 1000

  init(
    _ model: Agent, on rows: Matrix, _ options: DensityStudy.Options, identity: [String: String]
  ) {
    self.model = model
    self.rows = rows
    self.options = options
    self.identity = identity
  }

  /// - Parameters:
  ///   - checkpoint: a file, which need not be there.
  ///   - progress: called after every hundredth update and the last, with their number and the loss.
  /// - Returns: the mean loss of the last hundred updates, or of those after the last full hundred.
  /// - Throws: `RunError`, `TrainingError`; `Interrupted` after a checkpoint.
  mutating func run(
    checkpoint: String?, interruption: Interruption, progress: (Int, Double) -> Void
  ) throws -> Double {
    if let checkpoint { try restore(checkpoint) }
    let key = RandomStream.Key(seed: options.seed, purpose: "analysis/density/minibatch")
    var batch = Batch(size: options.batchSize, observationSize: rows.columns, actionSize: 1)
    while model.updateCount < options.updates {
      var stream = key.stream(step: UInt64(model.updateCount))
      let width = rows.columns
      for row in 0..<batch.size {
        let source = stream.index(below: rows.rows)
        for c in 0..<width {
          batch.observations.elements[row * width + c] = rows.elements[source * width + c]
        }
      }
      sum += try model.update(on: batch).values[0]
      let count = model.updateCount
      if count % 100 == 0 {
        (sum, last) = (0, sum / 100)
        progress(count, last)
      }
      let isStopping = interruption.isRequested && count < options.updates
      if let checkpoint,
        isStopping || count % DensityTraining.interval == 0 || count == options.updates
      {
        try write(checkpoint)
      }
      if isStopping { throw Interrupted(directory: checkpoint ?? "") }
    }
    let rest = options.updates % 100
    guard rest != 0 else { return last }
    progress(options.updates, sum / Double(rest))
    return sum / Double(rest)
  }

  private mutating func restore(_ path: String) throws(RunError) {
    guard try RunDirectory.exists(path) else { return }
    let state: NamedTensors
    do { state = try SafetensorsFile.read(path) } catch {
      throw .checkpointRefused(path: path, reason: "\(error)")
    }
    let different = identity.keys.filter { state.metadata[$0] != identity[$0] }.sorted()
    guard different.isEmpty else {
      throw .configurationChanged(
        path: path,
        keys: different.map { "\($0): \(identity[$0]!), there \(state.metadata[$0] ?? "none")" })
    }
    do throws(StateError) {
      let losses = try state.doubles("losses", count: 2)
      try model.restore(state.part("model"))
      (sum, last) = (losses[0], losses[1])
    } catch {
      throw .checkpointRefused(path: path, reason: "\(error)")
    }
    guard model.updateCount <= options.updates else {
      throw .mismatch(
        what: "\(path): updates", expected: "at most \(options.updates)",
        actual: "\(model.updateCount)")
    }
  }

  private func write(_ path: String) throws(RunError) {
    var state = NamedTensors(tensors: ["losses": Tensor(.float64([sum, last]))])
    state.add(model.state, under: "model")
    state.metadata.merge(identity) { _, new in new }
    do { try SafetensorsFile.write(state, to: path) } catch {
      throw .cannotWrite(path: path, reason: "\(error)")
    }
  }
}
