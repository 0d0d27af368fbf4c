import Foundation

/// What a training stage spends its time on.
package enum Activity: String, CaseIterable {
  /// Gradient steps alone: what `bred benchmark` measures.
  case updates
  /// Putting minibatches together.
  case sampling
  /// Steps of the robot that fill the replay buffer.
  case collection
  case evaluation
  /// `progress.csv` and TensorBoard's events.
  case records
  case checkpoints
}

/// Wall time by activity, since this process took the stage up: a resumed run counts anew.
package final class ActivityClock {
  private var nanoseconds = [UInt64](repeating: 0, count: Activity.allCases.count)
  private let start = DispatchTime.now().uptimeNanoseconds

  package func measure<Result, Failure: Error>(
    _ activity: Activity, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let before = DispatchTime.now().uptimeNanoseconds
    defer {
      nanoseconds[Activity.allCases.firstIndex(of: activity)!] +=
        DispatchTime.now().uptimeNanoseconds - before
    }
    return try body()
  }

  /// Seconds by activity; `other` is what none of them accounts for.
  var seconds: [String: Double] {
    func rounded(_ nanoseconds: UInt64) -> Double { Double(nanoseconds / 1000) / 1e6 }
    let total = DispatchTime.now().uptimeNanoseconds - start
    var result = Dictionary(
      uniqueKeysWithValues: zip(Activity.allCases, nanoseconds).map {
        ($0.rawValue, rounded($1))
      })
    let known = nanoseconds.reduce(0, +)
    result["other"] = rounded(total > known ? total - known : 0)
    return result
  }
}
