import CVectorKernels
import DenseMath
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension Double {
  static func exp(_ x: Double) -> Double { x.exponential }
  static func log(_ x: Double) -> Double { x.logarithm }
  private var exponential: Double { pow(M_E, self) }
  private var logarithm: Double { log2(self) * M_LN2 }
}

/// Elementary functions and the tanh-Gaussian density against double precision.
@Suite struct PolicyKernelTests {
  @Test func elementaryFunctions() {
    let points = stride(from: -30.0, through: 30.0, by: 0.0371).map { Float($0) }
    var y = [Float](repeating: 0, count: points.count)
    bk_tanh(points, &y, points.count)
    for (x, value) in zip(points, y) {
      #expect(abs(Double(value) - tanh(Double(x))) < 2e-7 * max(abs(tanh(Double(x))), 1e-3))
    }
    bk_exp(points, &y, points.count)
    for (x, value) in zip(points, y) {
      #expect(abs(Double(value) / Double.exp(Double(x)) - 1) < 5e-7)
    }
    var special: [Float] = [0, 0, 0]
    bk_exp([-.infinity, -200, .nan], &special, 3)
    #expect(special[0] < 2e-38 && special[1] < 2e-38 && special[2].isNaN)
  }

  @Test(arguments: [1, 2, 3, 6, 11], [1, 10])
  func samplesAndDensities(actions: Int, repeats: Int) {
    let states = 9
    var stream = RandomStream(seed: 5, purpose: "head")
    let head = (0..<states * 2 * actions).map { _ in Float(2.5 * stream.normal()) }
    let noise = (0..<states * repeats * actions).map { _ in Float(stream.normal()) }
    var drawn = [Float](repeating: 0, count: noise.count)
    var logProb = [Float](repeating: 0, count: states * repeats)
    bk_tanh_gaussian(head, noise, &drawn, &logProb, states, repeats, actions, -3, 2)
    for row in 0..<states * repeats {
      var expected = 0.0
      for k in 0..<actions {
        let at = row / repeats * 2 * actions
        let l = min(max(Double(head[at + actions + k]), -3), 2)
        let e = Double(noise[row * actions + k])
        let z = Double(head[at + k]) + Double.exp(l) * e
        #expect(abs(Double(drawn[row * actions + k]) - tanh(z)) < 1e-5)
        let softplus = max(-2 * z, 0) + log1p(Double.exp(-abs(2 * z)))
        expected +=
          -0.5 * e * e - l - 0.5 * Double.log(2 * Double.pi)
          - 2 * (Double.log(2) - z - softplus)
      }
      #expect(abs(Double(logProb[row]) - expected) < 2e-6 * max(abs(expected), 10))
    }
  }

  @Test func densityIntegratesToOne() {
    // ∫ π(a) da over (−1, 1) for one action, by the midpoint rule.
    let head: [Float] = [0.3, -0.4]
    let points = 20_000
    var total = 0.0
    for i in 0..<points {
      let a = Float(-1 + (2 * Double(i) + 1) / Double(points))
      var logProb: Float = 0
      bk_tanh_gaussian_log_prob(head, [a], &logProb, 1, 1, -20, 2)
      total += Double.exp(Double(logProb)) * 2 / Double(points)
    }
    #expect(abs(total - 1) < 1e-3)
  }

  /// Densities of given actions and both pullbacks work on pieces of many states; each state must get what it
  /// gets alone.
  @Test(arguments: [1, 2, 3, 6, 11]) func eachStateGetsItsOwn(actions: Int) {
    let states = 70
    var stream = RandomStream(seed: 6, purpose: "head")
    let head = (0..<states * 2 * actions).map { _ in Float(2.5 * stream.normal()) }
    let noise = (0..<states * actions).map { _ in Float(stream.normal()) }
    let action = noise.map { Float(tanh(Double($0))) }
    let given = (0..<states).map { _ in Float(stream.normal()) }
    let gradient = (0..<states * actions).map { _ in Float(stream.normal()) }

    func passes(_ states: Range<Int>) -> [Float] {
      func part(_ x: [Float], _ width: Int) -> [Float] {
        Array(x[states.lowerBound * width..<states.upperBound * width])
      }
      let (count, head) = (states.count, part(head, 2 * actions))
      let (noise, action) = (part(noise, actions), part(action, actions))
      var logProb = [Float](repeating: 0, count: count)
      bk_tanh_gaussian_log_prob(head, action, &logProb, count, actions, -3, 2)
      var (ofDensity, ofDraw, ofDrawAlone) = (head, head, head)
      bk_tanh_gaussian_log_prob_vjp(
        head, action, part(given, 1), &ofDensity, count, actions, -3, 2)
      bk_tanh_gaussian_vjp(
        head, noise, action, part(gradient, actions), part(given, 1), &ofDraw, count, actions, -3,
        2)
      bk_tanh_gaussian_vjp(
        head, noise, action, part(gradient, actions), nil, &ofDrawAlone, count, actions, -3, 2)
      return (0..<count).flatMap { s in
        let heads = 2 * actions * s..<2 * actions * (s + 1)
        return [logProb[s]] + ofDensity[heads] + ofDraw[heads] + ofDrawAlone[heads]
      }
    }
    let together = passes(0..<states)
    let alone = (0..<states).flatMap { passes($0..<$0 + 1) }
    #expect(together.count == alone.count)
    for (x, y) in zip(together, alone) { #expect(abs(x - y) <= 1e-5 * max(abs(y), 1)) }
  }

  @Test func mixtureHasTheMomentsOfItsMembers() {
    // Two members, one action: means 1 and 3, deviations e⁰ and e¹.
    let heads: [Float] = [1, 0, 3, 1]
    var mixture: [Float] = [0, 0]
    bk_mixture_heads(heads, 2, 2, &mixture, 1, 1, -20, 2)
    let variance = (1 + Double.exp(2)) / 2 + 1
    #expect(mixture[0] == 2)
    #expect(abs(Double(mixture[1]) - 0.5 * Double.log(variance)) < 1e-6)
  }

  /// Against central differences of the formula in double precision; log σ within its bounds and beyond.
  @Test func mixtureGradient() {
    let (members, states, actions, low, high) = (3, 4, 2, -1.0, 0.5)
    let width = 2 * actions
    var stream = RandomStream(seed: 7, purpose: "mixture")
    let heads = (0..<members * states * width).map { _ in 1.2 * stream.normal() }
    let given = (0..<states * width).map { _ in stream.normal() }

    /// Σ given · (μ̄, log σ̄); heads are [member, state, μ and log σ of each action].
    func total(_ heads: [Double]) -> Double {
      var sum = 0.0
      for s in 0..<states {
        for k in 0..<actions {
          let ours = (0..<members).map { ($0 * states + s) * width + k }
          let mean = ours.reduce(0) { $0 + heads[$1] } / Double(members)
          let variance = ours.reduce(0) {
            let sigma = Double.exp(min(max(heads[$1 + actions], low), high))
            return $0 + (heads[$1] - mean) * (heads[$1] - mean) + sigma * sigma
          }
          sum += given[s * width + k] * mean
          sum += given[s * width + actions + k] * 0.5 * Double.log(variance / Double(members))
        }
      }
      return sum
    }

    let floats = heads.map(Float.init)
    var mixture = [Float](repeating: 0, count: states * width)
    bk_mixture_heads(
      floats, states * width, members, &mixture, states, actions, Float(low), Float(high))
    for member in 0..<members {
      let own = Array(floats[member * states * width..<(member + 1) * states * width])
      var gradient = own
      bk_mixture_backward(
        own, mixture, given.map(Float.init), members, &gradient, states, actions, Float(low),
        Float(high))
      for i in 0..<states * width {
        var (up, down) = (heads, heads)
        up[member * states * width + i] += 1e-5
        down[member * states * width + i] -= 1e-5
        let expected = (total(up) - total(down)) / 2e-5
        #expect(abs(Double(gradient[i]) - expected) < 2e-5 * max(abs(expected), 1))
      }
    }
    #expect(heads.contains { $0 < low } && heads.contains { $0 > high })
  }

  /// All of the above with each instruction set that this processor has.
  @Test(arguments: BLAS.vectorInstructionSets) func everyInstructionSet(name: String) {
    BLAS.withVectorInstructionSet(name) {
      elementaryFunctions()
      for actions in [1, 6, 11] { samplesAndDensities(actions: actions, repeats: 10) }
      densityIntegratesToOne()
      eachStateGetsItsOwn(actions: 6)
      mixtureHasTheMomentsOfItsMembers()
      mixtureGradient()
      RandomStreamTests().momentsOfTheFills()
    }
  }
}
