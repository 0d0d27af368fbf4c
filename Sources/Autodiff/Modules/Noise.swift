package import DenseMath

/// Random numbers of one purpose of one agent, different in each update.
///
/// A number is a function of (seed, purpose, update, place), so it depends neither on threads nor on
/// what else is drawn, and a checkpoint needs to keep none of it. Asking twice in one update gives
/// the same numbers twice: use one noise for each draw.
public final class Noise: @unchecked Sendable {
  private let key: RandomStream.Key
  /// Tests put known numbers here.
  package var fixed: [Float]?

  package init(seed: UInt64, purpose: String) {
    key = RandomStream.Key(seed: seed, purpose: purpose)
  }

  /// Standard normal numbers, `[rows, columns]`.
  package func normal(_ tape: Tape, rows: Int, columns: Int) -> Variable {
    fill(tape, rows, columns) { out in
      key.stream(step: tape.step).fillNormal(out, count: rows * columns, fill: 0)
    }
  }

  /// Uniform numbers on [low, high), `[rows, columns]`.
  package func uniform(
    _ tape: Tape, rows: Int, columns: Int, low: Float, high: Float
  ) -> Variable {
    fill(tape, rows, columns) { out in
      key.stream(step: tape.step).fillUniform(
        out, count: rows * columns, low: low, high: high, fill: 0)
    }
  }

  /// A stream of this purpose for the update at hand.
  package func stream(_ tape: Tape) -> RandomStream { key.stream(step: tape.step) }

  private func fill(
    _ tape: Tape, _ rows: Int, _ columns: Int, _ draw: (Floats) -> Void
  ) -> Variable {
    let out = tape.floats(rows * columns)
    if let fixed {
      require(
        fixed.count == rows * columns, "\(fixed.count) given numbers for \(rows) × \(columns)")
      fixed.withUnsafeBufferPointer { out.update(from: $0.baseAddress!, count: $0.count) }
    } else {
      draw(out)
    }
    return tape.constant(out, rows: rows, columns: columns)
  }
}

/// Actions with their log-densities.
public struct Draw {
  /// `[rows, actionSize]`.
  public let actions: Variable
  /// log π(a∣s), `[rows, 1]`.
  public let logProbs: Variable

  /// Actions from elsewhere, as fused terms take them.
  public init(actions: Variable, logProbs: Variable) {
    self.actions = actions
    self.logProbs = logProbs
  }

  /// The same numbers, through which no gradient goes.
  public var detached: Draw { Draw(actions: actions.detached, logProbs: logProbs.detached) }
}
