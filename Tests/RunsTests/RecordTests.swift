import RLCore
import Testing

@testable import Runs

/// Numbers that runs keep: means over epochs, scores over evaluations.
@Suite struct RecordTests {
  private func metrics(_ values: Double...) -> Metrics {
    var metrics = Metrics(names: ["a", "b"])
    metrics.values = values
    return metrics
  }

  @Test func epochsAreAveragedByThemselves() throws {
    var average = EpochAverage(names: ["a", "b"])
    #expect(average.values.isEmpty)
    average.add(metrics(1, 10))
    average.add(metrics(2, 30))
    var copy = EpochAverage(names: ["a", "b"])
    try copy.restore(average.state)
    for var one in [average, copy] {
      one.add(metrics(6, 50))
      #expect(one.values == ["a": 3, "b": 30] && one.count == 3)
      one.reset()
      one.add(metrics(4, 5))
      #expect(one.values == ["a": 4, "b": 5])
    }
  }

  private func evaluation(_ returns: Double...) -> EvaluationResult {
    EvaluationResult(
      specification: EnvironmentSpecification(
        name: "test", observationSize: 1, actionSize: 1, positionSize: 1, velocitySize: 1,
        maximumEpisodeSteps: 10, canTerminate: true, randomReturn: 10, expertReturn: 30),
      returns: returns, lengths: returns.map { _ in 5 })
  }

  @Test func evaluationsHaveMeanDeviationAndScore() {
    let found = evaluation(12, 16, 20)
    #expect(found.mean == 16 && found.normalizedScore == 30)
    // n in the denominator.
    #expect(abs(found.std - (32.0 / 3).squareRoot()) < 1e-12)
  }

  @Test func theBestScoreStaysAndTheLastIsTheLast() throws {
    var scores = ScoreRecord()
    scores.add(evaluation(12), step: 1)
    scores.add(evaluation(20), step: 2)
    var copy = ScoreRecord()
    try copy.restore(scores.state)
    for var one in [scores, copy] {
      one.add(evaluation(14), step: 3)
      #expect([one.firstScore, one.bestScore, one.finalScore] == [10, 50, 20])
      #expect([one.bestReturn, one.finalReturn] == [20, 14])
      #expect([one.bestStep, one.finalStep] == [2, 3])
    }
  }
}
