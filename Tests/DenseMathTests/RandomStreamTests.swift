import CVectorKernels
import DenseMath
import Testing

@Suite struct RandomStreamTests {
  @Test func philoxMatchesItsPublishedVector() {
    // Known-answer test of Random123 for Philox 4×32-10: counter and key all ones.
    var key = RandomStream.Key(seed: 0, purpose: "")
    key.low = 0xffff_ffff
    key.high = 0xffff_ffff
    let block = RandomStream.philox(key: key, step: .max, block: .max)
    #expect(block == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
  }

  @Test func streamsDifferByEveryPartOfTheirKey() {
    func first(_ seed: UInt64, _ purpose: String, _ step: UInt64) -> UInt64 {
      var stream = RandomStream(seed: seed, purpose: purpose, step: step)
      return stream.next()
    }
    let values = [
      first(0, "a", 0), first(1, "a", 0), first(0, "b", 0), first(0, "a", 1),
    ]
    #expect(Set(values).count == values.count)
    #expect(first(0, "a", 0) == values[0])
  }

  @Test func momentsOfTheScalarDraws() {
    var stream = RandomStream(seed: 11, purpose: "moments")
    let count = 200_000
    let normals = (0..<count).map { _ in stream.normal() }
    let mean = normals.reduce(0, +) / Double(count)
    let variance = normals.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    #expect(abs(mean) < 5 / Double(count).squareRoot())
    #expect(abs(variance - 1) < 5 * (2 / Double(count)).squareRoot())
    var tally = [Int](repeating: 0, count: 7)
    for _ in 0..<70_000 { tally[stream.index(below: 7)] += 1 }
    let chiSquare = tally.reduce(0.0) { $0 + Double(($1 - 10_000) * ($1 - 10_000)) / 10_000 }
    #expect(chiSquare < 22.5)  // 0.999 quantile of six degrees of freedom
  }

  @Test(arguments: [1, 63, 64, 65, 100_000]) func fillsAreRepeatableAndBounded(count: Int) {
    let stream = RandomStream(seed: 2, purpose: "fill")
    let (first, second) = (FloatBuffer(count: count), FloatBuffer(count: count))
    stream.fillUniform(first.base, count: count, low: -1, high: 1, fill: 0)
    stream.fillUniform(second.base, count: count, low: -1, high: 1, fill: 0)
    #expect(first.elements == second.elements)
    #expect(first.elements.allSatisfy { $0 >= -1 && $0 < 1 })
    stream.fillNormal(second.base, count: count, fill: 1)
    #expect(second.elements.allSatisfy { $0.isFinite })
    #expect(first.elements != second.elements)
  }

  @Test func momentsOfTheFills() {
    let count = 400_000
    let buffer = FloatBuffer(count: count)
    RandomStream(seed: 4, purpose: "fill").fillNormal(buffer.base, count: count, fill: 0)
    func moment(_ power: Int) -> Double {
      buffer.elements.reduce(0.0) { sum, x in
        sum + (0..<power).reduce(1.0) { product, _ in product * Double(x) }
      } / Double(count)
    }
    #expect(abs(moment(1)) < 0.008)
    #expect(abs(moment(2) - 1) < 0.012)
    #expect(abs(moment(3)) < 0.035)
    #expect(abs(moment(4) - 3) < 0.09)
    let tail = buffer.elements.filter { abs($0) > 3 }.count
    #expect(abs(Double(tail) - 0.0026998 * Double(count)) < 170)
    // Neighbours are independent, across the order in which blocks are laid out.
    for lag in [1, 2, 16, 32, 64] {
      var sum = 0.0
      for i in 0..<count - lag { sum += Double(buffer.base[i]) * Double(buffer.base[i + lag]) }
      #expect(abs(sum / Double(count - lag)) < 5 / Double(count).squareRoot())
    }
  }
}
