import Foundation
import RLCore

/// A policy kept along the way of soft actor-critic, and what it earns.
struct RecipeCandidate: Equatable {
  /// Epochs of `online.blockSteps` environment steps behind it: D4RL's `metadata/iteration`.
  let iteration: Int
  /// Undiscounted return with sampled actions: what its dataset would hold.
  let mean: Double
  let std: Double
  /// D4RL's score of the mean.
  let score: Double
}

/// Which candidates are D4RL's `medium` and `expert`.
struct RecipeChoice: Equatable {
  let medium: RecipeCandidate
  let expert: RecipeCandidate

  /// The expert is the candidate with the highest score, the later of two equals; the medium is the
  /// first whose score reaches `mediumFraction` of the expert's.
  ///
  /// - Parameter candidates: by iteration; at least one.
  init(_ candidates: [RecipeCandidate], mediumFraction: Double) {
    precondition(!candidates.isEmpty, "a choice among no candidates")
    let expert = candidates.dropFirst().reduce(candidates[0]) { $1.score >= $0.score ? $1 : $0 }
    // An expert without a positive score is at least itself's own medium.
    let medium = candidates.first {
      $0.score >= mediumFraction * expert.score || $0 == expert
    }
    (self.medium, self.expert) = (medium ?? expert, expert)
  }

  static func csv(_ candidates: [RecipeCandidate]) -> String {
    (["iteration,return_mean,return_std,normalized_score"]
      + candidates.map { "\($0.iteration),\($0.mean),\($0.std),\($0.score)" })
      .joined(separator: "\n") + "\n"
  }
}
