#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A counter-based stream of random numbers (Philox 4×32-10).
///
/// Every number is a pure function of (seed, purpose, step, position), so two streams never
/// interfere, drawing from one on another thread changes nothing, and a checkpoint needs only the
/// counters. Salmon et al. 2011, *Parallel Random Numbers: As Easy as 1, 2, 3*.
public struct RandomStream: RandomNumberGenerator, Sendable, Codable, Equatable {
  /// Names one purpose of randomness under one seed: hash it once, then ask it for a stream per step.
  public struct Key: Sendable, Codable, Equatable {
    package var low: UInt32
    package var high: UInt32

    /// - Parameters:
    ///   - seed: the experiment's seed.
    ///   - purpose: what the numbers are for, such as `"pretrain/member-0/minibatch"`.
    public init(seed: UInt64, purpose: String) {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a
      for byte in purpose.utf8 {
        hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
      }
      let mixed = Key.mix(Key.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ hash)
      low = UInt32(truncatingIfNeeded: mixed)
      high = UInt32(truncatingIfNeeded: mixed >> 32)
    }

    /// The stream of this purpose at one step of the experiment.
    public func stream(step: UInt64 = 0) -> RandomStream { RandomStream(key: self, step: step) }

    /// SplitMix64's finaliser.
    private static func mix(_ value: UInt64) -> UInt64 {
      var z = value
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  package let key: Key
  package let step: UInt64
  /// Index of the next 128-bit block.
  package var block: UInt64 = 0
  private var pending: UInt64 = 0
  private var hasPending = false

  package init(key: Key, step: UInt64) {
    self.key = key
    self.step = step
  }

  /// The stream of one purpose at one step. Where there are many steps, hash the purpose once:
  /// ``Key``.
  public init(seed: UInt64, purpose: String, step: UInt64 = 0) {
    self.init(key: Key(seed: seed, purpose: purpose), step: step)
  }

  /// The next 64 bits, uniform.
  public mutating func next() -> UInt64 {
    if hasPending {
      hasPending = false
      return pending
    }
    let (a, b, c, d) = RandomStream.philox(key: key, step: step, block: block)
    block += 1
    pending = UInt64(c) | UInt64(d) << 32
    hasPending = true
    return UInt64(a) | UInt64(b) << 32
  }

  /// Uniform on [0, 1), 53 bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform on [lower, upper).
  public mutating func uniform(_ lower: Double, _ upper: Double) -> Double {
    lower + (upper - lower) * uniform()
  }

  /// Standard normal, by the Box–Muller transform (one of the pair is used).
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * Double.pi * uniform())
  }

  /// Uniform on 0 ..< count, without modulo bias worth the name (count ≪ 2⁶⁴).
  public mutating func index(below count: Int) -> Int {
    precondition(count > 0, "cannot draw an index below \(count)")
    return Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// `count` of the numbers below `total`, none twice, in the order in which they were drawn.
  package mutating func distinct(_ count: Int, below total: Int) -> [Int] {
    precondition(count <= total, "cannot draw \(count) of \(total) numbers, none twice")
    var all = Array(0..<total)
    for place in 0..<count { all.swapAt(place, place + index(below: total - place)) }
    return Array(all.prefix(count))
  }

  /// One 128-bit block: Philox 4×32 with ten rounds on counter (block, step).
  @inline(__always)
  package static func philox(
    key: Key, step: UInt64, block: UInt64
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var x0 = UInt32(truncatingIfNeeded: block)
    var x1 = UInt32(truncatingIfNeeded: block >> 32)
    var x2 = UInt32(truncatingIfNeeded: step)
    var x3 = UInt32(truncatingIfNeeded: step >> 32)
    var k0 = key.low
    var k1 = key.high
    for _ in 0..<10 {
      let p0 = UInt64(0xD251_1F53) &* UInt64(x0)
      let p1 = UInt64(0xCD9E_8D57) &* UInt64(x2)
      (x0, x1, x2, x3) = (
        UInt32(truncatingIfNeeded: p1 >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: p1),
        UInt32(truncatingIfNeeded: p0 >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: p0)
      )
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return (x0, x1, x2, x3)
  }
}
