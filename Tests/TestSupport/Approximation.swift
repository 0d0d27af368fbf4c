/// Largest difference between two arrays on the scale of the larger of them.
///
/// maxᵢ |aᵢ − bᵢ| / max(1, maxᵢ |bᵢ|) with `expected` as b; infinite where the counts differ or a
/// value is not a number. One scale for the whole array, so that elements which nearly cancel are
/// judged by the size of what they were made from.
public func normalizedError<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(
  _ actual: some Sequence<A>, _ expected: some Sequence<B>, floor: Double = 1
) -> Double {
  let actual = actual.map { Double($0) }
  let expected = expected.map { Double($0) }
  guard actual.count == expected.count else { return .infinity }
  var scale = floor
  var difference = 0.0
  for (a, b) in zip(actual, expected) {
    guard a.isFinite, b.isFinite else { return .infinity }
    scale = max(scale, abs(b))
    difference = max(difference, abs(a - b))
  }
  return difference / scale
}

/// The same for single numbers.
public func normalizedError(_ actual: Double, _ expected: Double, floor: Double = 1) -> Double {
  normalizedError([actual], [expected], floor: floor)
}
