internal import CVectorKernels
public import RLCore
public import DenseMath

/// The moment-matched mixture of several tanh-Gaussian policies, BRED eq. 9, before the squashing:
/// μ̄ = (1/N) Σ μᵢ and σ̄² = (1/N) Σ σᵢ² + (1/N) Σ (μᵢ − μ̄)².
public struct MixturePolicy: Policy {
  /// The N policies, at least one; the first one's bounds of log σ hold for all.
  public let members: [GaussianPolicy]

  /// - Precondition: there is a member.
  public init(members: [GaussianPolicy]) {
    precondition(!members.isEmpty, "a mixture needs members")
    self.members = members
  }

  public var observationSize: Int { members[0].observationSize }
  public var actionSize: Int { members[0].actionSize }

  /// (μ̄, log σ̄) for each observation, `[rows, 2·actionSize]`.
  public func heads(for observations: Matrix) -> Matrix {
    let bounds = members[0].logStdBounds
    let heads = members.flatMap { $0.heads(for: observations).elements }
    var mixture = Matrix(rows: observations.rows, columns: 2 * actionSize)
    bk_mixture_heads(
      heads, observations.rows * 2 * actionSize, members.count, &mixture.elements,
      observations.rows, actionSize, bounds.lower, bounds.upper)
    return mixture
  }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    let head = heads(for: Matrix(rows: 1, columns: observation.count, elements: observation))
    return head.elements.withUnsafeBufferPointer { head in
      TanhGaussian.choose(
        head: head.baseAddress!, actionSize: actionSize, bounds: members[0].logStdBounds,
        selection: selection, using: &generator)
    }
  }
}
