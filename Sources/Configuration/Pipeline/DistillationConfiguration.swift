/// N policies into one, by BRED's eq. 8 on the dataset's states.
public struct DistillationConfiguration: Codable, Sendable, Equatable {
  /// Most epochs, ≥ 1. 1000, with early stopping (BRED, appendix A).
  public var epochs = 1000
  /// Minibatches per epoch, ≥ 1. 1000 (ours).
  public var epochSteps = 1000
  /// Epochs without a better validation loss after which training stops, ≥ 1. 20 (ours).
  public var patience = 20
  /// Share of the dataset's states held out for validation, (0, 0.9]. 0.1 (ours).
  public var validationFraction = 0.1
  /// States per minibatch, 1…65,536. 256 (ours).
  public var batchSize = 256
  /// Adam's step size, (0, 1]. 3e-4 (ours).
  public var learningRate = 3e-4
  /// Epochs between checkpoints, ≥ 1. Ours.
  public var checkpointInterval = 1

  public init() {}
}
