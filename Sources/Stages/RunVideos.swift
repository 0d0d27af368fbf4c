import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import Rendering
import Runs

/// Videos that a run keeps of its evaluations (`online.videoInterval`).
///
/// A robot of their own and streams keyed by seed and round: the run's bytes are the same with and without.
enum RunVideos {
  static func file(environmentSteps: Int, in output: String) -> String {
    "\(output)/videos/\(String(format: "%08d", environmentSteps)).mp4"
  }

  /// - Throws: where nothing here draws or stores films, with the package that is missing.
  static func check() throws {
    do { try Film.check() } catch {
      throw RunError.mismatch(
        what: "online.videoInterval", expected: "a way to make videos, or 0", actual: "\(error)")
    }
  }

  /// Films the first episode of an evaluation, the very one whose return is in the table.
  static func film(
    _ policy: any Policy, task: ControlTask, configuration: ExperimentConfiguration, round: Int,
    to path: String, interruption: Interruption
  ) throws {
    let rollouts = try Rollouts(task.kind, pool: WorkerPool(threads: 1))
    let episode = rollouts.episodes(
      policy, count: 1, seed: UInt64(configuration.seed),
      purpose: ControlTask.evaluationPurpose(round: round))[0]
    guard let footage = Footage(episode) else { return }
    _ = try Film(task.kind).write([[footage]], titles: [""], to: path, interruption: interruption)
  }
}
