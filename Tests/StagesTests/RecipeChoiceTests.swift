import Testing

@testable import Stages

@Suite struct RecipeChoiceTests {
  private func candidates(_ scores: [Double]) -> [RecipeCandidate] {
    scores.enumerated().map { index, score in
      RecipeCandidate(iteration: 10 * (index + 1), mean: 30 * score, std: 1, score: score)
    }
  }

  /// Expert: the best; medium: the first with a third of its score.
  @Test(arguments: [
    ([1, 29, 31, 50, 90, 80], 30, 50), ([40, 5, 90], 10, 30), ([10, 20, 90, 90], 30, 40),
    ([7], 10, 10), ([-3, -2, -5], 20, 20),
  ])
  func choice(scores: [Double], medium: Int, expert: Int) {
    let choice = RecipeChoice(candidates(scores), mediumFraction: 1.0 / 3)
    #expect(choice.medium.iteration == medium)
    #expect(choice.expert.iteration == expert)
  }

  @Test func table() {
    #expect(
      RecipeChoice.csv(candidates([2, 4]))
        == "iteration,return_mean,return_std,normalized_score\n10,60.0,1.0,2.0\n20,120.0,1.0,4.0\n")
  }
}
