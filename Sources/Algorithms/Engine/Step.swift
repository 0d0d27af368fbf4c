public import Autodiff
import DenseMath
public import RLCore

/// One update as the algorithm sees it: losses, gradients, steps.
public final class Step: @unchecked Sendable {
  private let parts: AgentParts
  package let tape: Tape
  /// Updates done before this one.
  public internal(set) var count = 0
  /// Updates that were done when interaction began; `nil` during training on a dataset.
  public internal(set) var onlineSince: Int?
  /// Updates done since interaction began, or since the start of training before it.
  public var sinceSwitch: Int { count - (onlineSince ?? 0) }

  init(_ parts: AgentParts) {
    self.parts = parts
    tape = parts.tape
  }

  // MARK: Losses

  /// Differentiates a loss and steps: the parameters follow at once, targets behind them.
  ///
  /// - Parameters:
  ///   - modules: what is trained; everything else in the loss is a constant.
  ///   - metric: takes the loss's value.
  ///   - loss: evaluated once, on the whole minibatch; its mean over the rows, summed over columns, is
  ///     what decreases.
  /// - Throws: `TrainingError` where that is not finite; nothing
  ///   steps then.
  public func minimize<each M: Module>(
    _ modules: repeat each M, reporting metric: Metric, targetsFollow: Bool = true,
    _ loss: () -> Variable
  ) throws(TrainingError) {
    try gradient(of: repeat each modules, reporting: metric, loss)
    apply(repeat each modules, targetsFollow: targetsFollow)
    try checkParameters()
  }

  /// Adds the gradient of a loss to `modules` without a step, for algorithms that take all gradients
  /// from the parameters before the update.
  public func gradient<each M: Module>(
    of modules: repeat each M, reporting metric: Metric, _ loss: () -> Variable
  ) throws(TrainingError) {
    tape.beginLoss()
    repeat (each modules).blocks.forEach { $0.isTrained = true }
    let value = tape.differentiate(loss())
    repeat (each modules).blocks.forEach { $0.isTrained = false }
    try record(value, in: metric)
  }

  /// The same for a fused loss, which has taken its gradient already.
  public func gradient<each M: Module>(
    of modules: repeat each M, reporting metric: Metric, _ loss: () -> FusedLoss
  ) throws(TrainingError) {
    tape.beginLoss()
    repeat (each modules).blocks.forEach { $0.isTrained = true }
    let value = loss()
    repeat (each modules).blocks.forEach { $0.isTrained = false }
    try record(value.mean, in: metric)
  }

  /// Gradient of a fused loss and one step of the modules' optimisers.
  public func minimize<each M: Module>(
    _ modules: repeat each M, reporting metric: Metric, targetsFollow: Bool = true,
    _ loss: () -> FusedLoss
  ) throws(TrainingError) {
    try gradient(of: repeat each modules, reporting: metric, loss)
    apply(repeat each modules, targetsFollow: targetsFollow)
    try checkParameters()
  }

  private func record(_ value: Double, in metric: Metric) throws(TrainingError) {
    metric.recordLoss(value)
    guard value.isFinite else {
      throw .diverged(metric: metric.name, value: Float(value), updateCount: count)
    }
  }

  // MARK: Steps

  /// Steps all of these with the gradients they have; then their targets follow.
  public func apply<each M: Module>(_ modules: repeat each M, targetsFollow: Bool = true) {
    repeat (each modules).blocks.forEach { step($0, targetsFollow: targetsFollow) }
  }

  /// A loop for each block, so that a member's pieces fall to the thread that took its gradient.
  private func step(_ block: ParameterBlock, targetsFollow: Bool) {
    let pieces = block.optimizer.pieces
    if block.optimizer.needsGathering {
      tape.pool.run(pieces, with: block) { block, piece, _ in
        block.optimizer.gatherPiece(piece, of: block)
      }
    }
    block.optimizer.beginStep()
    tape.pool.run(pieces, with: (block, targetsFollow)) { context, piece, _ in
      let (block, follows) = context
      block.optimizer.stepPiece(piece, of: block, follows: follows)
    }
    block.finishStep()
    if !block.optimizer.isFinite { broken = block }
  }

  /// A block that a step has left with something that is no finite number.
  private var broken: ParameterBlock?

  /// - Throws: `TrainingError.diverged` where a step has broken parameters, of which no loss may tell.
  func checkParameters() throws(TrainingError) {
    guard let block = broken else { return }
    broken = nil
    let bad = block.values.elements.first { !$0.isFinite }
    throw .diverged(
      metric: bad == nil ? "a moment or target of \(block.name)" : "a parameter of \(block.name)",
      value: bad ?? .infinity, updateCount: count)
  }

  // MARK: Constants and random numbers

  /// Standard normal numbers, `[rows, columns]`.
  public func normal(_ noise: Noise, rows: Int, columns: Int) -> Variable {
    noise.normal(tape, rows: rows, columns: columns)
  }

  /// `count` uniform actions on [−1, 1] for each of `rows` states, with their log-density −A·log 2.
  public func uniformActions(_ noise: Noise, rows: Int, count: Int = 1) -> Draw {
    let total = rows * count
    let density = tape.floats(total)
    density.update(repeating: -Float(parts.actionSize) * 0.693_147_18, count: total)
    return Draw(
      actions: noise.uniform(tape, rows: total, columns: parts.actionSize, low: -1, high: 1),
      logProbs: tape.constant(density, rows: total, columns: 1))
  }

  /// `count` different members of `critics`, the same for the whole minibatch (RLPD).
  public func randomMembers(_ noise: Noise, _ count: Int, of critics: Critics) -> MemberList {
    require(
      count >= 1 && count <= critics.count, "\(count) of \(critics.count) members of '\(critics)'")
    var stream = noise.stream(tape)
    let all = tape.integers(critics.count)
    for i in 0..<critics.count { all[i] = Int32(i) }
    if let fixed = noise.fixed {
      for i in 0..<count { all[i] = Int32(fixed[i]) }
      return MemberList(indices: UnsafePointer(all), count: count)
    }
    for i in 0..<count {
      let j = i + stream.index(below: critics.count - i)
      (all[i], all[j]) = (all[j], all[i])
    }
    return MemberList(indices: UnsafePointer(all), count: count)
  }

  /// One of the columns for each row, drawn by softmax(logits), as 1 there and 0 elsewhere: a categorical
  /// choice between policies (PEX). Nothing goes backward through it.
  public func choice(_ noise: Noise, logits: Variable) -> Variable {
    let uniform = noise.uniform(tape, rows: logits.rows, columns: 1, low: 0, high: 1)
    return logits.categorical(uniform)
  }

  /// Given numbers, one row each.
  public func constant(_ values: Double...) -> Variable {
    let out = tape.floats(values.count)
    for (i, value) in values.enumerated() { out[i] = Float(value) }
    return tape.constant(out, rows: values.count, columns: 1)
  }

  /// Tells the replay how often each row of the minibatch should be drawn from now on.
  /// - Parameter priorities: positive numbers, `[rows, 1]`.
  public func report(priorities: Variable) {
    require(
      priorities.columns == 1, "priorities of \(priorities.rows) × \(priorities.columns)")
    if reported.count != priorities.rows {
      reported = [Float](repeating: 0, count: priorities.rows)
    }
    for row in reported.indices { reported[row] = priorities.values[row] }
    hasReported = true
  }

  /// What this update has reported, `nil` for nothing.
  public var priorities: [Float]? { hasReported ? reported : nil }
  private var reported: [Float] = []
  var hasReported = false
}

/// The value of a loss whose gradient was taken while it was computed. It can only be returned from a
/// loss: there is no arithmetic on it that could make that gradient wrong.
public struct FusedLoss {
  /// Mean over the rows, summed over the networks.
  let mean: Double
  package init(mean: Double) { self.mean = mean }
}
