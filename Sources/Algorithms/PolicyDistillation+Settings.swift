extension PolicyDistillation {
  /// When distillation stops, and the optimiser's numbers.
  public struct Configuration: Sendable, Codable, Equatable {
    /// At most this many epochs (1000 in the paper).
    public var epochs = 1000
    /// Minibatches in an epoch.
    public var stepsPerEpoch = 1000
    /// Epochs without improvement after which training stops.
    public var patience = 20
    /// Share of the states held out, in (0, 1).
    public var validationFraction = 0.1
    /// States in a minibatch.
    public var batchSize = 256
    /// Adam rate.
    public var learningRate = 3e-4

    public init() {}
  }

  /// What one epoch achieved; losses are means per state.
  public struct Report: Sendable, Equatable {
    /// From 1.
    public var epoch: Int
    /// Over the epoch's minibatches, each before its step.
    public var trainingLoss: Double
    /// Over all held-out states, after the epoch.
    public var validationLoss: Double
    /// Whether no epoch before had a lower validation loss.
    public var isBest: Bool
  }
}
