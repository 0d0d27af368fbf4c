import Configuration

/// A run that is to go on beyond the end it was begun with.
///
/// Nothing but these lengths may grow: all random numbers are keyed by counts and rounds, so what is done
/// already is what a longer run would have done.
package struct Lengthening: Equatable {
  package let key: String
  package let before: Int
  package let now: Int

  private static var lengths: [(key: String, path: WritableKeyPath<ExperimentConfiguration, Int>)] {
    [
      ("offline.gradientSteps", \.offline.gradientSteps),
      ("distillation.epochs", \.distillation.epochs),
      ("online.environmentSteps", \.online.environmentSteps),
    ]
  }

  /// - Returns: the lengths that grow from one configuration to the other, and what else is different.
  static func between(
    _ before: ExperimentConfiguration, _ now: ExperimentConfiguration
  ) -> (longer: [Lengthening], changes: [String]) {
    let different = before.differences(from: now)
    var lengthened = before
    var longer: [Lengthening] = []
    for (key, path) in lengths where before[keyPath: path] < now[keyPath: path] {
      lengthened[keyPath: path] = now[keyPath: path]
      // Lengths of other stages are not among the values that are used.
      guard different.contains(where: { $0.hasPrefix("\(key) (") }) else { continue }
      longer.append(Lengthening(key: key, before: before[keyPath: path], now: now[keyPath: path]))
    }
    return (longer, lengthened.differences(from: now))
  }
}
