import Agents
import Autodiff
import RLCore

/// A policy as the networks that it consists of: one, or the members of a mixture, behind one normaliser.
struct PolicyNetworks {
  /// All of one kind and of the same sizes; their own normalisers are empty.
  let members: [NetworkFile]
  let normalizer: ObservationNormalizer?

  /// - Throws: ``ExchangeError/kind(expected:actual:)`` for policies that choose among candidates with a critic (BCQ, PEX).
  init(_ policy: any Policy) throws(ExchangeError) {
    let normalized = policy as? NormalizedPolicy
    normalizer = normalized?.normalizer
    let bare = normalized?.policy ?? policy
    let parts: [any Policy] = (bare as? MixturePolicy)?.members ?? [bare]
    let files = parts.compactMap { NetworkFile($0) }
    guard files.count == parts.count else {
      throw .kind(
        expected: "one whose action is a function of the observation and its networks alone",
        actual: "\(type(of: bare)), which draws candidates")
    }
    members = files
  }

  var role: NetworkRole { members[0].role }
  var observationSize: Int { members[0].network.shape.inputSize }
  var actionSize: Int { members[0].actionSize }

  /// The metadata's word for what this is.
  var kind: String { members.count > 1 ? "mixture" : role.rawValue }

  /// The one network with the normaliser in its first layer: W(s − m)/d + b = (W/d)s + (b − W(m/d)).
  ///
  /// - Throws: ``ExchangeError/kind(expected:actual:)`` for a mixture.
  func folded() throws(ExchangeError) -> NetworkFile {
    guard members.count == 1 else {
      throw .kind(expected: "one network", actual: "a mixture of \(members.count)")
    }
    var result = members[0]
    guard let normalizer else { return result }
    var tensors = result.tensors
    guard case .float32(var weight)? = tensors["fc0.weight"]?.elements,
      case .float32(var bias)? = tensors["fc0.bias"]?.elements
    else { preconditionFailure("a network without a first layer") }
    let inputs = observationSize
    for output in bias.indices {
      var shift = Double(bias[output])
      for input in 0..<inputs {
        let place = output * inputs + input
        let scaled = Double(weight[place]) / Double(normalizer.std[input])
        shift -= scaled * Double(normalizer.mean[input])
        weight[place] = Float(scaled)
      }
      bias[output] = Float(shift)
    }
    tensors["fc0.weight"] = Tensor(.float32(weight), shape: [bias.count, inputs])
    tensors["fc0.bias"] = Tensor(.float32(bias))
    do throws(NetworkFileError) {
      result = try NetworkFile(tensors, as: role, file: "the policy")
    } catch {
      throw .kind(expected: "finite weights with the normaliser folded in", actual: "\(error)")
    }
    return result
  }
}
