/// Central differences of a scalar function: dᵢ = (f(x + hᵢ·eᵢ) − f(x − hᵢ·eᵢ)) / (x⁺ᵢ − x⁻ᵢ).
///
/// The divisor is the distance between the two points as single precision stores them.
/// - Parameters:
///   - point: x.
///   - indices: positions to vary; `nil` varies all.
///   - step: h, taken relative to max(1, |xᵢ|).
public func centralDifferences(
  at point: [Float], indices: [Int]? = nil, step: Float = 1e-3, _ function: ([Float]) -> Double
) -> [Double] {
  var moved = point
  return (indices ?? Array(point.indices)).map { index in
    let h = step * max(1, abs(point[index]))
    moved[index] = point[index] + h
    let above = (x: moved[index], f: function(moved))
    moved[index] = point[index] - h
    let below = (x: moved[index], f: function(moved))
    moved[index] = point[index]
    return (above.f - below.f) / (Double(above.x) - Double(below.x))
  }
}
