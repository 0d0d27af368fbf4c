/// Central differences of a scalar function: dᵢ = (f(x + h·eᵢ) − f(x − h·eᵢ)) / 2h.
///
/// For a function computed in double precision; with the standard step the differences of smooth
/// functions of order 1 are good to about 1e-9.
/// - Parameters:
///   - point: x.
///   - indices: positions to vary; `nil` varies all.
///   - step: h, taken relative to max(1, |xᵢ|).
public func centralDifferences(
  at point: [Double], indices: [Int]? = nil, step: Double = 1e-6, _ function: ([Double]) -> Double
) -> [Double] {
  var moved = point
  return (indices ?? Array(point.indices)).map { index in
    let h = step * max(1, abs(point[index]))
    moved[index] = point[index] + h
    let above = function(moved)
    moved[index] = point[index] - h
    let below = function(moved)
    moved[index] = point[index]
    return (above - below) / (2 * h)
  }
}
