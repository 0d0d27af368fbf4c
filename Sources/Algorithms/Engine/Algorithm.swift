public import Autodiff
import DenseMath
public import RLCore

/// Settings of an algorithm: a group with a size of minibatches.
public protocol AlgorithmSettings: SettingGroup {
  /// B, transitions in a minibatch.
  var batchSize: Int { get }
  /// γ, discount per step; what returns-to-go of a dataset are made with.
  var discount: Double { get }
}

extension AlgorithmSettings {
  public var discount: Double { 0.99 }
}

/// A way of learning from minibatches, offline or online, written for one agent.
///
/// An algorithm declares its settings, makes its parts in `init` and states its losses in
/// ``update(_:_:)``. Gradients, threads, ensembles, checkpoints, files, configuration and command line
/// come from the engine (`docs/algorithms/writing-a-learner.md`). It knows nothing of
/// environments, files or clocks.
public protocol Algorithm: AnyObject, SendableMetatype {
  /// Everything that may be set, declared once with range, unit and source.
  associatedtype Settings: AlgorithmSettings

  /// Name in configurations and agent files: `cql`.
  static var name: String { get }
  /// One line for lists: what it is, and the paper.
  static var summary: String { get }
  /// Whether one agent can take over the critics of several offline agents (``AgentParts/ensembleSize``).
  static var takesEnsemble: Bool { get }
  /// Columns of a minibatch that it asks for beside the transition.
  static var extraColumns: [ExtraColumn] { get }
  /// Whether it says after each update how often the minibatch's rows should come (``Agent/priorities``).
  static var reportsPriorities: Bool { get }
  /// Name of the offline agents' part with whose networks one of its own begins; `nil`: it begins afresh.
  static func source(ofPart part: String) -> String?

  /// Makes its networks, numbers and metrics from `parts`, which keeps them.
  /// - Throws: ``AlgorithmError`` where it cannot begin so, such as an ensemble that it does not take.
  init(_ settings: Settings, _ parts: AgentParts) throws(AlgorithmError)

  /// One gradient step on a minibatch.
  func update(_ batch: Rows, _ step: Step) throws(TrainingError)

  /// The policy that acts; what is handed out is a copy that later updates do not change.
  var policy: any Policy { get }

  /// Called once, when training on the dataset ends and interaction begins.
  func beginOnline()
}

extension Algorithm {
  public static var takesEnsemble: Bool { false }
  public static var extraColumns: [ExtraColumn] { [] }
  public static var reportsPriorities: Bool { false }
  public static func source(ofPart part: String) -> String? { part }
  public func beginOnline() {}
}

/// An algorithm cannot be set up as it was asked to be.
public enum AlgorithmError: Error, Equatable, CustomStringConvertible {
  case unknown(name: String, known: [String])
  /// Settings of another algorithm.
  case wrongSettings(algorithm: String, actual: String)
  /// The task or the data lack something that the algorithm needs.
  case needs(algorithm: String, what: String)
  /// Weights that do not fit: names part, expected and actual.
  case mismatch(algorithm: String, part: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .unknown(let name, let known):
      "there is no algorithm '\(name)'; known: \(known.joined(separator: ", "))"
    case .wrongSettings(let algorithm, let actual):
      "'\(algorithm)' was given settings of another algorithm (\(actual))"
    case .needs(let algorithm, let what): "'\(algorithm)' needs \(what)"
    case .mismatch(let algorithm, let part, let expected, let actual):
      "part '\(part)' of '\(algorithm)': expected \(expected), found \(actual)"
    }
  }
}

/// The rows of a minibatch inside an update.
public struct Rows {
  /// s, `[rows, observationSize]`.
  public let observations: Variable
  /// a, `[rows, actionSize]`.
  public let actions: Variable
  /// r, `[rows, 1]`.
  public let rewards: Variable
  /// 0 where the episode really ended, else 1, `[rows, 1]`.
  public let masks: Variable
  /// s′, `[rows, observationSize]`.
  public let nextObservations: Variable
  private let extras: [String: [Float]]
  private let tape: Tape

  /// - Throws: `TrainingError`: whatever the algorithm does with
  ///   it, a NaN must not come near the parameters.
  init(
    _ batch: Batch, on tape: Tape, _ normalizer: ObservationNormalizer? = nil
  ) throws(TrainingError) {
    func copy(
      _ name: String, _ values: [Float], columns: Int, _ normalizer: ObservationNormalizer? = nil
    ) throws(TrainingError) -> Variable {
      let memory = tape.floats(values.count)
      var worst: UInt32 = 0
      values.withUnsafeBufferPointer { source in
        for i in source.indices {
          memory[i] = source[i]
          worst = max(worst, source[i].bitPattern & 0x7fff_ffff)
        }
      }
      guard worst < 0x7f80_0000 else {
        throw .nonFiniteInput(
          column: name, row: values.firstIndex { !$0.isFinite }! / columns,
          updateCount: Int(tape.step))
      }
      normalizer?.normalize(memory, rows: batch.size)
      return tape.constant(memory, rows: batch.size, columns: columns)
    }
    observations = try copy(
      "observations", batch.observations.elements, columns: batch.observations.columns, normalizer)
    actions = try copy("actions", batch.actions.elements, columns: batch.actions.columns)
    rewards = try copy("rewards", batch.rewards, columns: 1)
    masks = try copy("masks", batch.masks, columns: 1)
    nextObservations = try copy(
      "nextObservations", batch.nextObservations.elements,
      columns: batch.nextObservations.columns, normalizer)
    for (name, values) in batch.extras {
      if let row = values.firstIndex(where: { !$0.isFinite }) {
        throw .nonFiniteInput(column: name, row: row, updateCount: Int(tape.step))
      }
    }
    extras = batch.extras
    self.tape = tape
  }

  /// Transitions in the minibatch, B.
  public var count: Int { rewards.rows }

  /// A further column of the minibatch, `[rows, 1]`, such as `ExtraColumn/returnToGo`.
  public subscript(name: String) -> Variable {
    guard let values = extras[name] else {
      refuse(
        "the minibatch has no column '\(name)', only \(extras.keys.sorted())")
    }
    require(values.count == count, "\(values.count) values of '\(name)' for \(count) rows")
    let memory = tape.floats(count)
    values.withUnsafeBufferPointer { memory.update(from: $0.baseAddress!, count: count) }
    return tape.constant(memory, rows: count, columns: 1)
  }

  /// A further column of the minibatch, `[rows, 1]`, which ``Algorithm/extraColumns`` asked for.
  public subscript(column: ExtraColumn) -> Variable { self[column.rawValue] }
}
