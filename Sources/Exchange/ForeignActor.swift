public import Agents
public import Autodiff
import RLCore

/// An actor that another program trained, from the tensors of its state dictionary.
///
/// Known are the networks of rlkit, CORL, Stable-Baselines3 and d3rlpy (`ActorLayout`), with ReLU between
/// their layers and actions in [−1, 1]; a file of weights cannot say otherwise.
public struct ForeignActor: Sendable {
  /// The actor under this package's names, its normaliser included.
  public let network: NetworkFile
  /// Whose names these are.
  public let program: String
  /// Tensors of the file beside the actor's, such as critics.
  public let leftAside: [String]

  /// Names of the programs, for messages.
  public static var programs: [String] { ActorLayout.all.map(\.name) }

  /// - Parameters:
  ///   - path: a safetensors file. `normalizer.mean` and `normalizer.std` in it are what the actor does to
  ///     observations first.
  ///   - logStdBounds: range of log σ; `nil`: the program's default.
  /// - Throws: ``ExchangeError``, naming the tensors found and wanted.
  public static func read(
    _ path: String, logStdBounds: LogStdBounds? = nil
  ) throws(ExchangeError) -> ForeignActor {
    let tensors: NamedTensors
    do throws(SafetensorsError) { tensors = try SafetensorsFile.read(path) } catch {
      throw .weights(error)
    }
    return try ForeignActor(tensors, file: path, logStdBounds: logStdBounds)
  }

  init(
    _ tensors: NamedTensors, file: String, logStdBounds: LogStdBounds? = nil
  ) throws(ExchangeError) {
    for prefix in ["", "actor.", "policy."] {
      var inside = NamedTensors()
      for (name, tensor) in tensors.tensors where name.hasPrefix(prefix) {
        inside[String(name.dropFirst(prefix.count))] = tensor
      }
      guard let layout = ActorLayout.all.first(where: { $0.isRecognized(in: inside) }) else {
        continue
      }
      let beside = ["normalizer.mean", "normalizer.std"]
      for name in beside { inside[name] = tensors[name] }
      let outside = tensors.tensors.keys.filter { !$0.hasPrefix(prefix) && !beside.contains($0) }
      let translation = try layout.translate(
        inside, prefix: prefix, file: file, logStdBounds: logStdBounds)
      do throws(NetworkFileError) {
        network = try NetworkFile(translation.tensors, as: layout.role, file: file)
      } catch {
        throw translation.theirs(error)
      }
      program = layout.name
      leftAside = outside.sorted()
      return
    }
    throw .unknownLayout(
      file: file, found: tensors.tensors.keys.sorted(), known: ForeignActor.programs)
  }
}
