public import RLCore

/// One transition with what is known of how it came about.
public struct ReplayRow: Sendable, Equatable {
  /// s, `[observationSize]`.
  public var observation: [Float]
  /// a, `[actionSize]`.
  public var action: [Float]
  /// r of this step, undiscounted.
  public var reward: Float
  /// A real end of the task, never a time limit.
  public var terminated: Bool
  /// s′, `[observationSize]`.
  public var nextObservation: [Float]
  /// The episode was cut here, by its time limit or by the end of a collection.
  public var truncated: Bool
  /// log π(a∣s) of the policy that acted.
  public var logProb: Float
  /// State of the simulator before the step; where the buffer keeps none, `nil`.
  public var physicalState: PhysicalState?
  /// Discounted return of its episode from here on; 0 where the buffer keeps none.
  public var returnToGo: Float = 0

  public init(
    observation: [Float], action: [Float], reward: Float, terminated: Bool,
    nextObservation: [Float], truncated: Bool = false, logProb: Float = 0,
    physicalState: PhysicalState? = nil
  ) {
    self.observation = observation
    self.action = action
    self.reward = reward
    self.terminated = terminated
    self.nextObservation = nextObservation
    self.truncated = truncated
    self.logProb = logProb
    self.physicalState = physicalState
  }
}

/// Columns beside the transitions: never in a minibatch, but in checkpoints and recorded datasets.
struct RecordColumns: Sendable {
  let positionSize: Int
  let velocitySize: Int
  private var truncated: [Bool]
  private var logProbs: [Float]
  /// qpos and qvel, row after row, in the simulator's precision.
  private var positions: [Double]
  private var velocities: [Double]

  init(capacity: Int, positionSize: Int, velocitySize: Int) {
    self.positionSize = positionSize
    self.velocitySize = velocitySize
    truncated = [Bool](repeating: false, count: capacity)
    logProbs = [Float](repeating: 0, count: capacity)
    positions = [Double](repeating: 0, count: capacity * positionSize)
    velocities = [Double](repeating: 0, count: capacity * velocitySize)
  }

  private var keepsState: Bool { positionSize + velocitySize > 0 }

  mutating func store(_ row: ReplayRow, at index: Int) {
    truncated[index] = row.truncated
    logProbs[index] = row.logProb
    guard keepsState else { return }
    guard let state = row.physicalState, state.position.count == positionSize,
      state.velocity.count == velocitySize
    else {
      preconditionFailure("each row needs a state of sizes \(positionSize), \(velocitySize)")
    }
    for k in 0..<positionSize { positions[index * positionSize + k] = state.position[k] }
    for k in 0..<velocitySize { velocities[index * velocitySize + k] = state.velocity[k] }
  }

  func fill(_ row: inout ReplayRow, from index: Int) {
    row.truncated = truncated[index]
    row.logProb = logProbs[index]
    guard keepsState else { return }
    row.physicalState = PhysicalState(
      position: Array(positions[index * positionSize..<(index + 1) * positionSize]),
      velocity: Array(velocities[index * velocitySize..<(index + 1) * velocitySize]))
  }

  func state(count: Int) -> NamedTensors {
    NamedTensors(tensors: [
      "truncated": Tensor(.uint8(truncated.prefix(count).map { $0 ? 1 : 0 })),
      "logProbs": Tensor(.float32(Array(logProbs.prefix(count)))),
      "positions": Tensor(
        .float64(Array(positions.prefix(count * positionSize))), shape: [count, positionSize]),
      "velocities": Tensor(
        .float64(Array(velocities.prefix(count * velocitySize))), shape: [count, velocitySize]),
    ])
  }

  mutating func restore(_ state: NamedTensors, count: Int) throws(StateError) {
    let truncated = try state.flags("truncated", count: count)
    let logProbs = try state.floats("logProbs", count: count)
    let positions = try state.doubles("positions", count: count * positionSize)
    let velocities = try state.doubles("velocities", count: count * velocitySize)
    self.truncated.replaceSubrange(0..<count, with: truncated)
    self.logProbs.replaceSubrange(0..<count, with: logProbs)
    self.positions.replaceSubrange(0..<positions.count, with: positions)
    self.velocities.replaceSubrange(0..<velocities.count, with: velocities)
  }
}

extension NamedTensors {
  /// Truth values stored as bytes 0 and 1.
  func flags(_ name: String, count: Int) throws(StateError) -> [Bool] {
    guard let tensor = tensors[name] else { throw .missing(name: name) }
    guard case .uint8(let values) = tensor.elements else {
      throw .wrongType(name: name, expected: "uint8")
    }
    guard values.count == count else {
      throw .wrongCount(name: name, expected: count, actual: values.count)
    }
    return values.map { $0 != 0 }
  }
}
