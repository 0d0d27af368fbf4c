/// Recognises weights of other programs by the names of their tensors.
enum ForeignWeights {
  /// The program, or kind of program, whose names these are.
  static func program(ofNames names: [String]) -> String? {
    func has(_ prefix: String) -> Bool { names.contains { $0.hasPrefix(prefix) } }
    func holds(_ part: String) -> Bool { names.contains { $0.contains(part) } }
    // JAX keeps [in, out] kernels; all others here keep PyTorch's [out, in] weights.
    if names.contains(where: { $0.hasSuffix("kernel") }) || holds("Dense_0") {
      return "a JAX program (Flax), whose kernels are [in, out]"
    }
    if holds("latent_pi.") || holds("mlp_extractor.") || holds("action_net.")
      || holds("qf0.") || has("q_networks.")
    {
      return "Stable-Baselines3"
    }
    if holds("_encoder.") || has("_q_funcs") || has("_mu.") || has("_logstd.") { return "d3rlpy" }
    if has("base_network.") || holds("log_std_multiplier") { return "CORL (CQL, Cal-QL)" }
    if has("trunk.") && has("log_sigma.") { return "CORL (SAC-N, EDAC)" }
    if has("_mlp.") && names.contains("_log_std") { return "CORL (AWAC)" }
    if has("net.net.") || holds("q1.net.") || holds("v.net.") { return "CORL (IQL)" }
    if has("mu_layer.") || holds("log_std_layer.") || holds(".pi.") { return "Spinning Up" }
    if has("fc_mean.") || has("fc_mu.") || has("fc_logstd.") { return "CleanRL" }
    if has("preprocess.") { return "Tianshou" }
    if has("net.") || has("network.") || has("critic.") {
      return "CORL, or another program with one torch.nn.Sequential"
    }
    if has("0.") { return "a plain torch.nn.Sequential" }
    return nil
  }
}
