public import Autodiff
public import DenseMath
public import RLCore

/// What the critics of one agent, or of several together, say of an action:
/// Q(s, a) = (1/N) Σᵢ minⱼ Qᵢⱼ(s, a), with member i's critics Qᵢⱼ. Its policy follows this in BRED (eq. 10).
public struct ValueEstimate: Sendable {
  /// Qᵢⱼ by member.
  private let members: [[Network]]
  private let normalizer: ObservationNormalizer?

  /// - Parameters:
  ///   - members: the critics of each member, none without any; all of states and actions of one size.
  ///   - normalizer: what observations go through first.
  public init(members: [[Network]], normalizer: ObservationNormalizer?) {
    require(
      !members.isEmpty && members.allSatisfy { !$0.isEmpty }, "an estimate needs critics")
    self.members = members
    self.normalizer = normalizer
  }

  /// The critics of agents as they stand now; one that took over N others counts as N.
  ///
  /// - Returns: `nil` where an agent has no critics of states and actions.
  public init?(agents: [Agent]) {
    var members: [[Network]] = []
    for agent in agents {
      guard let critics = agent.networks("critic"),
        critics[0].shape.inputSize == agent.parts.observationSize + agent.parts.actionSize
      else { return nil }
      let share = max(1, critics.count / agent.parts.ensembleSize)
      for start in stride(from: 0, to: critics.count, by: share) {
        members.append(Array(critics[start..<min(start + share, critics.count)]))
      }
    }
    guard let first = agents.first else { return nil }
    self.init(members: members, normalizer: first.parts.normalizer)
  }

  /// Rows that one thread takes at a time.
  private static let piece = 128

  /// Q of each row, the same for any number of threads.
  ///
  /// - Parameters:
  ///   - observations: as the robot gives them, `[rows, observationSize]`.
  ///   - actions: `[rows, actionSize]`.
  public func callAsFunction(
    _ observations: Matrix, _ actions: Matrix, pool: WorkerPool
  ) -> [Double] {
    require(
      observations.rows == actions.rows,
      "\(observations.rows) observations and \(actions.rows) actions")
    let rows = observations.rows
    let seen = normalizer.map { $0(observations) } ?? observations
    var inputs = Matrix(rows: rows, columns: seen.columns + actions.columns)
    inputs.elements.removeAll(keepingCapacity: true)
    for row in 0..<rows {
      inputs.elements += seen.row(row)
      inputs.elements += actions.row(row)
    }
    let critics = members.flatMap { $0 }
    let pieces = (rows + ValueEstimate.piece - 1) / ValueEstimate.piece
    var values = [[Float]](repeating: [], count: critics.count * pieces)
    values.withUnsafeMutableBufferPointer { values in
      // Each index writes its own element.
      nonisolated(unsafe) let values = values
      pool.run(critics.count * pieces) { index, _ in
        let (critic, piece) = (index / pieces, index % pieces)
        let range = piece * ValueEstimate.piece..<min(rows, (piece + 1) * ValueEstimate.piece)
        let width = inputs.columns
        let part = Matrix(
          rows: range.count, columns: width,
          elements: Array(inputs.elements[range.lowerBound * width..<range.upperBound * width]))
        values[index] = critics[critic].outputs(for: part).elements
      }
    }
    func value(_ critic: Int, _ row: Int) -> Double {
      Double(
        values[critic * pieces + row / ValueEstimate.piece][row % ValueEstimate.piece])
    }
    var result = [Double](repeating: 0, count: rows)
    var first = 0
    for member in members {
      for row in 0..<rows {
        var least = value(first, row)
        for critic in first + 1..<first + member.count { least = min(least, value(critic, row)) }
        result[row] += least / Double(members.count)
      }
      first += member.count
    }
    return result
  }
}

/// How much Q depends on what the policy happens to draw (BRED, appendix K): the variance of Q(s, a) over
/// actions a ~ π(·∣s), averaged over states.
public enum QVariance {
  /// Of each state.
  public static let actionCount = 10

  /// Whether a policy draws from a distribution of its own; noise for exploration is none.
  public static func isDefined(for policy: any Policy) -> Bool {
    switch policy {
    case let normalized as NormalizedPolicy: isDefined(for: normalized.policy)
    case let mean as MeanPolicy: mean.members.allSatisfy { isDefined(for: $0) }
    default: !(policy is DeterministicPolicy)
    }
  }

  /// - Parameters:
  ///   - observations: as the robot gives them, `[rows, observationSize]`.
  ///   - key: names the random numbers, with `step`.
  ///   - step: every one has random numbers of its own.
  /// - Returns: the mean over rows of the unbiased variance over actions.
  public static func measure(
    _ policy: any Policy, _ value: ValueEstimate, observations: Matrix, key: RandomStream.Key,
    step: Int, pool: WorkerPool
  ) -> Double {
    let (rows, count) = (observations.rows, actionCount)
    var drawn = [[Float]](repeating: [], count: rows)
    drawn.withUnsafeMutableBufferPointer { drawn in
      // Each row writes its own element.
      nonisolated(unsafe) let drawn = drawn
      pool.run(rows) { row, _ in
        var stream = key.stream(step: UInt64(step) * UInt64(rows) + UInt64(row))
        let state = Array(observations.row(row))
        drawn[row] = draws(policy, for: state, using: &stream)
      }
    }
    var repeated = Matrix(rows: rows * count, columns: observations.columns)
    repeated.elements.removeAll(keepingCapacity: true)
    for row in 0..<rows {
      for _ in 0..<count { repeated.elements += observations.row(row) }
    }
    let actions = Matrix(
      rows: rows * count, columns: policy.actionSize, elements: drawn.flatMap { $0 })
    let q = value(repeated, actions, pool: pool)
    var sum = 0.0
    for row in 0..<rows {
      let values = q[row * count..<(row + 1) * count]
      let mean = values.reduce(0, +) / Double(count)
      sum += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)
    }
    return sum / Double(rows)
  }

  /// ``actionCount`` actions side by side; a distribution that is known is computed once for all.
  private static func draws(
    _ policy: any Policy, for state: [Float], using stream: inout RandomStream
  ) -> [Float] {
    let row = Matrix(rows: 1, columns: state.count, elements: state)
    switch policy {
    case let normalized as NormalizedPolicy:
      return draws(normalized.policy, for: normalized.normalizer(state), using: &stream)
    case let gaussian as GaussianPolicy:
      return draws(gaussian.heads(for: row), gaussian.logStdBounds, using: &stream)
    case let mixture as MixturePolicy:
      return draws(mixture.heads(for: row), mixture.members[0].logStdBounds, using: &stream)
    default:
      return (0..<actionCount).flatMap { _ in
        policy.action(for: state, selection: .sample, using: &stream).action
      }
    }
  }

  private static func draws(
    _ head: Matrix, _ bounds: LogStdBounds, using stream: inout RandomStream
  ) -> [Float] {
    head.elements.withUnsafeBufferPointer { head in
      (0..<actionCount).flatMap { _ in
        TanhGaussian.choose(
          head: head.baseAddress!, actionSize: head.count / 2, bounds: bounds, selection: .sample,
          using: &stream
        ).action
      }
    }
  }
}
