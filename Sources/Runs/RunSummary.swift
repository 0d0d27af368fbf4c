package import Configuration
import RLCore

/// The scores a run has seen: the last, and the best with where it was reached.
package struct ScoreRecord: Equatable {
  var finalReturn = Double.nan
  var finalScore = Double.nan
  var finalStep = 0
  var bestReturn = Double.nan
  var bestScore = Double.nan
  var bestStep = 0
  var firstScore = Double.nan

  package init() {}

  package mutating func add(_ result: EvaluationResult, step: Int) {
    finalReturn = result.mean
    finalScore = result.normalizedScore
    finalStep = step
    if firstScore.isNaN { firstScore = finalScore }
    if bestScore.isNaN || finalScore > bestScore {
      bestReturn = result.mean
      bestScore = finalScore
      bestStep = step
    }
  }

  var state: NamedTensors {
    NamedTensors(tensors: [
      "values": Tensor(
        .float64([finalReturn, finalScore, bestReturn, bestScore, firstScore])),
      "steps": Tensor(.int64([Int64(finalStep), Int64(bestStep)])),
    ])
  }

  mutating func restore(_ state: NamedTensors) throws(StateError) {
    let values = try state.doubles("values", count: 5)
    let steps = try state.integers("steps", count: 2)
    (finalReturn, finalScore, bestReturn) = (values[0], values[1], values[2])
    (bestScore, firstScore) = (values[3], values[4])
    (finalStep, bestStep) = (Int(steps[0]), Int(steps[1]))
  }
}

/// `summary.json` of one stage.
package struct RunSummary: Codable {
  package var stage: String
  package var environment: String
  package var seed: Int
  package var firstScore: Double?
  package var finalReturn: Double?
  package var finalScore: Double?
  package var finalStep: Int
  package var bestReturn: Double?
  package var bestScore: Double?
  package var bestStep: Int
  package var wallSeconds: [String: Double]
  package var numbers: [String: Double]
  /// Wall time of the process that finished the stage, by ``Activity`` and `other`.
  package var activitySeconds: [String: Double]?

  /// That of a run directory or a stage's; `nil` where there is none that can be read.
  package init?(in directory: String) {
    guard let found: RunSummary = JSONText.read("\(directory)/summary.json") else { return nil }
    self = found
  }

  package init(
    stage: String, configuration: ExperimentConfiguration, scores: ScoreRecord,
    wallSeconds: [String: Double], numbers: [String: Double],
    activitySeconds: [String: Double]? = nil
  ) {
    func known(_ value: Double) -> Double? { value.isFinite ? value : nil }
    self.stage = stage
    environment = configuration.environment
    seed = configuration.seed
    firstScore = known(scores.firstScore)
    finalReturn = known(scores.finalReturn)
    finalScore = known(scores.finalScore)
    finalStep = scores.finalStep
    bestReturn = known(scores.bestReturn)
    bestScore = known(scores.bestScore)
    bestStep = scores.bestStep
    self.wallSeconds = wallSeconds
    self.activitySeconds = activitySeconds
    self.numbers = numbers.filter { $0.value.isFinite }
  }
}
