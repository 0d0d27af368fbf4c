#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How the share of online rows in a minibatch changes with time.
///
/// A new schedule is a new type with this one function; give it to `BalancedSampler`.
public protocol MixingSchedule: Sendable {
  /// ρ_t in [0, 1].
  /// - Parameter environmentSteps: t, online environment steps taken so far.
  func onlineFraction(at environmentSteps: Int) -> Double
}

/// ρ_t = ρ₀ + (1 − ρ₀)·min(t, t_final)/t_final: BRED eq. 7.
public struct LinearSchedule: MixingSchedule, Equatable {
  /// ρ₀ in [0, 1].
  public let initialFraction: Double
  /// t_final > 0, in environment steps; 125,000 in the paper.
  public let finalStep: Int

  /// - Throws: ``ReplayError/fractionOutOfRange(name:value:)`` unless ρ₀ lies in [0, 1],
  ///   ``ReplayError/finalStepNotPositive(value:)``.
  public init(initialFraction: Double, finalStep: Int = 125_000) throws(ReplayError) {
    try validate(initialFraction, finalStep)
    self.initialFraction = initialFraction
    self.finalStep = finalStep
  }

  public func onlineFraction(at environmentSteps: Int) -> Double {
    initialFraction + (1 - initialFraction) * progress(environmentSteps, finalStep)
  }
}

/// ρ_t = ρ₀^(1 − min(t, t_final)/t_final): geometric interpolation from ρ₀ to 1.
///
/// Ours: appendix I of the paper describes an exponential schedule without giving its formula. With
/// ρ₀ = 0 the share stays 0 and becomes 1 at t_final.
public struct ExponentialSchedule: MixingSchedule, Equatable {
  /// ρ₀ in [0, 1].
  public let initialFraction: Double
  /// t_final > 0, in environment steps.
  public let finalStep: Int

  /// - Throws: ``ReplayError/fractionOutOfRange(name:value:)`` unless ρ₀ lies in [0, 1],
  ///   ``ReplayError/finalStepNotPositive(value:)``.
  public init(initialFraction: Double, finalStep: Int = 125_000) throws(ReplayError) {
    try validate(initialFraction, finalStep)
    self.initialFraction = initialFraction
    self.finalStep = finalStep
  }

  public func onlineFraction(at environmentSteps: Int) -> Double {
    pow(initialFraction, 1 - progress(environmentSteps, finalStep))
  }
}

/// ρ_t = ρ for ever.
public struct ConstantSchedule: MixingSchedule, Equatable {
  /// ρ in [0, 1]; one half in RLPD.
  public let fraction: Double

  /// - Throws: ``ReplayError/fractionOutOfRange(name:value:)`` unless ρ lies in [0, 1].
  public init(fraction: Double) throws(ReplayError) {
    try validate(fraction, 1)
    self.fraction = fraction
  }

  public func onlineFraction(at environmentSteps: Int) -> Double { fraction }
}

private func progress(_ step: Int, _ finalStep: Int) -> Double {
  Double(min(max(step, 0), finalStep)) / Double(finalStep)
}

private func validate(_ fraction: Double, _ finalStep: Int) throws(ReplayError) {
  // Written so that NaN fails.
  guard fraction >= 0 && fraction <= 1 else {
    throw .fractionOutOfRange(name: "the initial online fraction", value: fraction)
  }
  guard finalStep > 0 else { throw .finalStepNotPositive(value: finalStep) }
}
