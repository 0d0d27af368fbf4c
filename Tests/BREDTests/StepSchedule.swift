import BRED

/// The online share rises in equal steps instead of along a line.
struct StepSchedule: MixingSchedule {
  /// ρ₀ in [0, 1].
  let initialFraction: Double
  /// t_final > 0, in environment steps.
  let finalStep: Int
  /// How many steps lead from ρ₀ to 1.
  let stairs: Int

  func onlineFraction(at environmentSteps: Int) -> Double {
    let climbed = min(stairs, stairs * environmentSteps / finalStep)
    return initialFraction + (1 - initialFraction) * Double(climbed) / Double(stairs)
  }
}
