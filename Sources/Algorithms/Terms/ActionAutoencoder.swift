package import Autodiff

/// A conditional variational autoencoder of the data's actions: a model of the policy that made them, used
/// by BCQ (Fujimoto et al. 2019, arXiv:1812.02900) and SPOT (Wu et al. 2022, arXiv:2202.06239).
///
///     q(z∣s, a) = N(μ, σ²),  (μ, log σ) = encoder(s, a),  log σ clipped to [−4, 15]
///     â         = tanh(decoder(s, z)),  z of twice the size of an action
package struct ActionAutoencoder: Module {
  private let encoder: FeedForward
  private let decoder: FeedForward
  package let latentSize: Int

  /// - Parameter width: units of each of the two hidden layers of encoder and decoder.
  package init(_ parts: AgentParts, width: Int, optimizer: OptimizerSettings) {
    latentSize = 2 * parts.actionSize
    encoder = parts.network(
      "encoder", inputSize: parts.observationSize + parts.actionSize, outputSize: 2 * latentSize,
      hiddenSizes: [width, width], initialization: .torch, optimizer: optimizer)
    decoder = parts.network(
      "decoder", inputSize: parts.observationSize + latentSize, outputSize: parts.actionSize,
      hiddenSizes: [width, width], initialization: .torch, optimizer: optimizer)
  }

  package var blocks: ParameterBlocks {
    ParameterBlocks(encoder.stack.block, decoder.stack.block)
  }

  /// â of given z, `[rows, actionSize]`.
  package func decode(_ observations: Variable, _ latent: Variable) -> Variable {
    decoder(observations, latent).tanh()
  }

  /// One action of the modelled policy for each row, z standard normal but clipped to ±0.5.
  package func sample(_ observations: Variable, _ noise: Noise, _ step: Step) -> Variable {
    let latent = step.normal(noise, rows: observations.rows, columns: latentSize)
    return decode(observations, latent.clamped(-0.5, 0.5))
  }

  /// How badly an action fits, `[rows, 1]`: mean_k (â − a)² + β·KL(q ∥ N(0, 1)), the latter
  /// ½·mean[μ² + σ² − 1 − log σ²]. A multiple of the negative evidence bound, up to a constant.
  /// Gradients go to the autoencoder where it is trained, and to the actions.
  package func misfit(
    _ observations: Variable, _ actions: Variable, divergenceWeight: Double, _ noise: Noise,
    _ step: Step
  ) -> Variable {
    let code = encoder(observations, actions)
    let mean = code.columns(0..<latentSize)
    let logStd = code.columns(latentSize..<2 * latentSize).clamped(-4, 15)
    let deviation = logStd.exponential()
    let epsilon = step.normal(noise, rows: observations.rows, columns: latentSize)
    let error = decode(observations, mean + deviation * epsilon).squaredError(to: actions).mean()
    let divergence = 0.5 * (mean.squared() + deviation.squared() - 1 - 2 * logStd).mean()
    return error + divergenceWeight * divergence
  }

  /// The decoder as it stands now.
  package var snapshot: Network { decoder.stack.snapshot(0) }
}
