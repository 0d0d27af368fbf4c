public import Agents
import Autodiff
import Datasets
import DenseMath
public import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A form in which other programs take a policy.
public enum ExportFormat: String, Sendable, CaseIterable {
  /// A graph for onnxruntime and the like, with normaliser, squashing and mixture inside.
  case onnx
  /// The weights, as `numpy.load` reads them.
  case npz
  /// An HDF5 file with `metadata/policy`, as D4RL's own datasets hold the policy that made them.
  case d4rl

  /// Without the dot.
  public var fileExtension: String { self == .d4rl ? "hdf5" : rawValue }
}

/// Hands a policy over to other programs.
public struct PolicyExport {
  private let policy: any Policy
  private let networks: PolicyNetworks
  private let producer: String
  private let metadata: [String: String]

  /// - Parameter producer: the program, `bred 0.1.0`.
  /// - Throws: ``ExchangeError/kind(expected:actual:)`` where the action is not a function of networks alone.
  public init(_ stored: StoredPolicy, producer: String) throws(ExchangeError) {
    policy = stored.policy
    networks = try PolicyNetworks(stored.policy)
    self.producer = producer
    var metadata = ["kind": networks.kind]
    metadata["environment"] = stored.environment
    metadata["algorithm"] = stored.algorithm
    self.metadata = metadata
  }

  /// Kind of the policy, `tanh-gaussian`, `mixture`, ….
  public var kind: String { networks.kind }
  /// Numbers of an observation, before any normaliser.
  public var observationSize: Int { networks.observationSize }
  /// A, numbers of an action.
  public var actionSize: Int { networks.actionSize }

  /// The file appears complete or not at all; one of that name gives way. Equal policies give equal bytes.
  public func write(_ format: ExportFormat, to path: String) throws {
    switch format {
    case .onnx:
      let model = ONNXModel(networks, producer: producer, metadata: metadata)
      try PolicyExport.write(model.bytes(), to: path)
    case .npz: try PolicyExport.write(NumpyArchive(entries()).bytes(), to: path)
    case .d4rl: try writeD4RL(to: path)
    }
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(ExchangeError) {
    do throws(FileError) {
      try AtomicFile.write(to: path) { (output) throws(FileError) in
        var failure: FileError?
        bytes.withUnsafeBytes { buffer in
          do throws(FileError) { try output.write(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
      }
    } catch {
      throw .file(error)
    }
  }

  // MARK: NumPy

  /// The tensors of a policy's file, those of a mixture's members under `member-i/`, and what its metadata say.
  private func entries() -> [String: NumpyArchive.Entry] {
    var result: [String: NumpyArchive.Entry] = [:]
    for (index, member) in networks.members.enumerated() {
      let prefix = networks.members.count > 1 ? "member-\(index)/" : ""
      for (name, tensor) in member.tensors.tensors { result[prefix + name] = .numbers(tensor) }
    }
    let first = networks.members[0]
    if first.role == .policy {
      let bounds = [first.logStdBounds.lower, first.logStdBounds.upper]
      result["log_std_bounds"] = .numbers(Tensor(.float32(bounds)))
    }
    if first.role == .gaussian { result["mean"] = .text(first.squashesMean ? "tanh" : "plain") }
    if let normalizer = networks.normalizer {
      result["normalizer.mean"] = .numbers(Tensor(.float32(normalizer.mean)))
      result["normalizer.std"] = .numbers(Tensor(.float32(normalizer.std)))
    }
    for (key, value) in metadata { result[key] = .text(value) }
    return result
  }

  // MARK: D4RL

  private func writeD4RL(to path: String) throws {
    guard networks.kind == NetworkRole.policy.rawValue,
      !networks.members[0].network.shape.normalizesLayers,
      networks.members[0].logStdBounds == .standard
    else {
      throw ExchangeError.kind(
        expected:
          "one tanh-Gaussian network without layer norm, log σ in [−20, 2], for D4RL's layout",
        actual: networks.kind)
    }
    var metadata = D4RLMetadata()
    metadata.policy = try networks.folded().tensors
    metadata.strings = self.metadata.filter { $0.key != "kind" }
    try metadata.write(to: path)
  }

  // MARK: Examples

  /// Observations and what the policy makes of them, for those who want to check what they have read.
  ///
  /// - Returns: `observation` `[count, observationSize]`, drawn from the normaliser's distribution or a standard
  ///   normal one, and `action`, and for distributions `mean` and `log_std`, each `[count, actionSize]`; what the
  ///   ONNX graph of the policy takes and gives.
  public func examples(_ count: Int, seed: UInt64) -> NamedTensors {
    var stream = RandomStream(seed: seed, purpose: "export/examples")
    let width = networks.observationSize
    var observations = Matrix(rows: count, columns: width)
    for index in observations.elements.indices {
      let (column, draw) = (index % width, Float(stream.normal()))
      observations.elements[index] =
        networks.normalizer.map { $0.mean[column] + $0.std[column] * draw } ?? draw
    }
    var result = NamedTensors()
    result["observation"] = Tensor(
      .float32(observations.elements), shape: [count, width])
    func add(_ name: String, _ values: [Float]) {
      result[name] = Tensor(.float32(values), shape: [count, networks.actionSize])
    }
    add(
      "action",
      (0..<count).flatMap {
        policy.action(for: Array(observations.row($0)), selection: .mean, using: &stream).action
      })
    let seen = networks.normalizer.map { $0(observations) } ?? observations
    if let (mean, logStd) = distribution(seen) {
      add("mean", mean)
      add("log_std", logStd)
    }
    return result
  }

  /// Mean and log σ for normalised observations.
  private func distribution(_ observations: Matrix) -> (mean: [Float], logStd: [Float])? {
    let bare = (policy as? NormalizedPolicy)?.policy ?? policy
    let actions = networks.actionSize
    func halves(_ heads: Matrix, _ bounds: LogStdBounds) -> (mean: [Float], logStd: [Float]) {
      var (mean, logStd): ([Float], [Float]) = ([], [])
      for row in 0..<heads.rows {
        mean += heads.row(row).prefix(actions)
        logStd += heads.row(row).suffix(actions).map { min(max($0, bounds.lower), bounds.upper) }
      }
      return (mean, logStd)
    }
    switch bare {
    case let bare as GaussianPolicy: return halves(bare.heads(for: observations), bare.logStdBounds)
    case let bare as MixturePolicy:
      let any = LogStdBounds(lower: -.infinity, upper: .infinity)
      return halves(bare.heads(for: observations), any)
    case let bare as PlainGaussianPolicy:
      let mean = bare.network.outputs(for: observations).elements
      return (
        bare.squashesMean ? mean.map { tanhf($0) } : mean,
        (0..<observations.rows).flatMap { _ in bare.logStds }
      )
    default: return nil
    }
  }

  /// ``examples(_:seed:)`` as a file that `numpy.load` reads.
  public func writeExamples(_ count: Int, seed: UInt64, to path: String) throws(ExchangeError) {
    let tensors = examples(count, seed: seed).tensors
    try PolicyExport.write(
      NumpyArchive(tensors.mapValues { .numbers($0) }).bytes(), to: path)
  }
}
