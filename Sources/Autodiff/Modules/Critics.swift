import DenseMath

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Value functions: K networks with one output each, of states and actions or of states alone, and
/// their targets where the algorithm has them.
public struct Critics: Module {
  package let stack: NetworkStack

  package init(stack: NetworkStack) {
    require(
      stack.shape.outputSize == 1, "'\(stack.block.name)' has \(stack.shape.outputSize) outputs")
    self.stack = stack
  }

  /// The parameters of all members.
  public var blocks: ParameterBlocks { ParameterBlocks(stack.block) }
  /// K.
  public var count: Int { stack.members }

  /// Q(s, a) of each critic, `[rows, K]`.
  public func callAsFunction(_ observations: Variable, _ actions: Variable) -> Variable {
    stack.call(observations, actions)
  }

  /// Q(s, a) of one of them, `[rows, 1]`.
  public func callAsFunction(
    _ observations: Variable, _ actions: Variable, member: Int
  ) -> Variable {
    observations.checkValid()
    let index = observations.tape.integers(1)
    index[0] = Int32(member)
    return stack.call(
      observations, actions, only: MemberList(indices: UnsafePointer(index), count: 1))
  }

  /// V(s) of each, `[rows, K]`.
  public func callAsFunction(_ observations: Variable) -> Variable { stack.call(observations) }

  /// Q̄(s, a), `[rows, K]`, or of some of them only, `[rows, list.count]`.
  public func target(
    _ observations: Variable, _ actions: Variable, only list: MemberList? = nil
  ) -> Variable {
    stack.call(observations, actions, usesTarget: true, only: list)
  }

  /// V̄(s), `[rows, K]`.
  public func target(_ observations: Variable) -> Variable {
    stack.call(observations, usesTarget: true)
  }

  /// ∂Q/∂a of each critic side by side, `[rows, K · actionSize]`, which can be differentiated again.
  public func actionGradients(_ observations: Variable, _ actions: Variable) -> Variable {
    stack.inputGradients(observations, actions)
  }
}

/// A network without a role, such as an encoder.
public struct FeedForward: Module {
  package let stack: NetworkStack

  package init(stack: NetworkStack) { self.stack = stack }

  /// The parameters of all members.
  public var blocks: ParameterBlocks { ParameterBlocks(stack.block) }

  /// `[rows, outputs]`.
  public func callAsFunction(_ x: Variable, _ y: Variable? = nil) -> Variable { stack.call(x, y) }

  /// The target's outputs, `[rows, outputs]`.
  public func target(_ x: Variable, _ y: Variable? = nil) -> Variable {
    stack.call(x, y, usesTarget: true)
  }
}

/// A positive number that is learned as its logarithm: SAC's temperature α, CQL's multiplier α′.
public struct PositiveScalar: Module {
  package let block: ParameterBlock

  package init(block: ParameterBlock, initial: Double) {
    require(
      block.count == 1 && block.members == 1,
      "'\(block.name)' is \(block.members) × \(block.count) numbers, not one")
    self.block = block
    set(initial)
  }

  /// The one parameter.
  public var blocks: ParameterBlocks { ParameterBlocks(block) }

  /// The number itself; a constant to every loss.
  public var value: Double { exp(Double(block.values.base[0])) }

  package func set(_ value: Double) {
    require(value > 0 && value.isFinite, "\(block.name) is \(value)")
    block.values.base[0] = Float(log(value))
  }

  /// Its logarithm beside each row of `x`, `[x.rows, 1]`: what a loss trains.
  public func logarithm(for x: Variable) -> Variable {
    x.checkValid()
    return x.tape.parameters(block, rows: x.rows)
  }
}

/// Numbers that are learned without a network, such as log-deviations that do not depend on the state.
package struct ParameterVector: Module {
  package let block: ParameterBlock
  package init(block: ParameterBlock) {
    require(block.members == 1, "'\(block.name)' has \(block.members) members, not one")
    self.block = block
  }
  package var blocks: ParameterBlocks { ParameterBlocks(block) }

  /// Beside each row of `x`, `[x.rows, count]`.
  package func callAsFunction(for x: Variable) -> Variable {
    x.checkValid()
    return x.tape.parameters(block, rows: x.rows)
  }
}

extension Tape {
  /// The parameters of a block in each row.
  func parameters(_ block: ParameterBlock, rows: Int) -> Variable {
    let columns = block.count
    let out = floats(rows * columns)
    for r in 0..<rows { (out + r * columns).update(from: block.values.base, count: columns) }
    guard block.isTrained else { return constant(out, rows: rows, columns: columns) }
    block.reserve(pieces: 1)
    return record(
      out, rows: rows, columns: columns,
      { _, node in
        let n = node.pointee
        for c in 0..<n.columns {
          var sum: Float = 0
          for r in 0..<n.rows { sum += n.gradient[r * n.columns + c] }
          n.y![c] += sum
        }
      }
    ) { $0.y = block.gradient(0, piece: 0) }
  }
}
