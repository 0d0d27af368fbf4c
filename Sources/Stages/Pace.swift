import Foundation
import Runs

/// Time spent on updates alone: sampling included, evaluation and files left out.
struct Pace {
  private var seconds = 0.0
  private var start: UInt64?

  mutating func resume() { start = DispatchTime.now().uptimeNanoseconds }

  mutating func pause() {
    guard let start else { return }
    seconds += Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    self.start = nil
  }

  /// `count` per second, rounded for the table.
  func rate(of count: Int) -> Double {
    seconds > 0 ? (100 * Double(count) / seconds).rounded() / 100 : .nan
  }
}

/// What a person wants to read about an epoch.
enum EpochLine {
  static func text(
    _ values: [String: Double], _ evaluation: EvaluationResult?, names: [String]
  ) -> String {
    var parts: [String] = []
    if let evaluation {
      parts.append(String(format: "return %.0f ± %.0f", evaluation.mean, evaluation.std))
      parts.append(String(format: "score %.1f", evaluation.normalizedScore))
    }
    for name in names {
      guard let value = values[name], value.isFinite else { continue }
      parts.append(String(format: "%@ %.4g", name, value))
    }
    if let rate = values["updates_per_second"], rate.isFinite {
      parts.append(String(format: "%.1f updates/s", rate))
    }
    return parts.joined(separator: ", ")
  }
}
