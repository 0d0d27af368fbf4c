import Autodiff
public import RLCore

/// SAC-N (An et al. 2021, arXiv:2110.01548, section 3): SAC with the minimum over N critics, N large. It is
/// ``EnsembleDiversifiedActorCritic`` without its diversity term, under a name of its own because the tasks'
/// numbers of critics are others.
public final class SACN: Algorithm {
  public static let name = "sac-n"
  public static let summary = "SAC with the minimum over N critics (An et al. 2021)"

  public struct Settings: AlgorithmSettings {
    @Setting(1...65_536, "Transitions in a minibatch.", symbol: "B", source: "EDAC's code")
    public var batchSize = 256
    @Setting(0...1, "Discount per step.", symbol: "γ", source: "EDAC's code")
    public var discount = 0.99
    @Setting(
      above: 0, through: 1, "Rate at which targets follow.", symbol: "τ", source: "EDAC's code")
    public var tau = 0.005
    @Setting(
      2...1000, "Critics.", symbol: "N",
      source: "CORL's configs for SAC-N: halfcheetah 10, walker2d 20, hopper 200 to 500")
    public var critics = 10
    @Setting(
      above: 0, through: 1, "Adam's step size for policy and temperature.", source: "EDAC's code")
    public var policyLearningRate = 3e-4
    @Setting(above: 0, through: 1, "Adam's step size for the critics.", source: "EDAC's code")
    public var criticLearningRate = 3e-4
    @Setting(
      above: 0, through: 1000, "Temperature at the start.", symbol: "α", source: "EDAC's code")
    public var initialTemperature = 1.0
    @Setting(
      -1000...1000, "Entropy that the temperature is tuned to; left open: −actionSize.",
      symbol: "H̄", source: "SAC, appendix D")
    public var targetEntropy: Double? = nil

    public init() {}
  }

  private let whole: EnsembleDiversifiedActorCritic

  public init(_ settings: Settings, _ parts: AgentParts) {
    var whole = EnsembleDiversifiedActorCritic.Settings()
    whole.diversity = 0
    (whole.batchSize, whole.critics) = (settings.batchSize, settings.critics)
    (whole.discount, whole.tau) = (settings.discount, settings.tau)
    whole.policyLearningRate = settings.policyLearningRate
    whole.criticLearningRate = settings.criticLearningRate
    whole.initialTemperature = settings.initialTemperature
    whole.targetEntropy = settings.targetEntropy
    self.whole = EnsembleDiversifiedActorCritic(whole, parts)
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    try whole.update(batch, step)
  }

  public var policy: any Policy { whole.policy }
}
