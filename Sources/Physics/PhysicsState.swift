import CMuJoCo

/// One running simulation of a model: qpos, qvel, ctrl and everything the solver needs.
///
/// Has one owner and is used by one thread at a time; nothing is allocated after `init`.
public struct PhysicsState: ~Copyable {
  /// The model, shared with other simulations and never written.
  public let model: PhysicsModel
  /// For this room alone.
  let data: UnsafeMutablePointer<mjData>

  /// A simulation in the model's initial state, at time zero.
  ///
  /// - Throws: ``PhysicsError/cannotCreateState(source:)`` where MuJoCo has no memory for it.
  public init(model: PhysicsModel) throws(PhysicsError) {
    guard let data = mj_makeData(model.pointer) else {
      throw .cannotCreateState(source: model.source)
    }
    self.model = model
    self.data = data
  }

  deinit { mj_deleteData(data) }

  // MARK: Reading

  /// Simulated seconds since the reset.
  public var time: Double { data.pointee.time }

  /// qpos, `[positionSize]`.
  public var position: [Double] { Array(positions) }
  /// qvel, `[velocitySize]`.
  public var velocity: [Double] { Array(velocities) }

  /// qpos[index], without a copy of the rest.
  public func position(at index: Int) -> Double { positions[index] }

  /// Reads qpos and qvel where they lie.
  public func withState<Result>(
    _ body: (_ position: UnsafeBufferPointer<Double>, _ velocity: UnsafeBufferPointer<Double>)
      throws -> Result
  ) rethrows -> Result {
    try body(UnsafeBufferPointer(positions), UnsafeBufferPointer(velocities))
  }

  // MARK: Changing

  /// Back to the model's initial state: no velocity, no warm start, time zero.
  public mutating func reset() { mj_resetData(model.pointer, data) }

  /// Puts the robot elsewhere, from a clean start, and computes what follows from it.
  ///
  /// Numbers that are not finite are taken as they are, and the next step reports them.
  /// - Parameters:
  ///   - position: qpos, `[positionSize]`.
  ///   - velocity: qvel, `[velocitySize]`.
  public mutating func reset(position: [Double], velocity: [Double]) {
    precondition(
      position.count == model.positionSize && velocity.count == model.velocitySize,
      "a state of \(position.count) positions and \(velocity.count) velocities does not fit a "
        + "model of \(model.positionSize) and \(model.velocitySize)")
    reset()
    for (index, value) in position.enumerated() { positions[index] = value }
    for (index, value) in velocity.enumerated() { velocities[index] = value }
    // The next step reports a bad state; until then keep it away from the solver, which may give up.
    if PhysicsState.firstBad(positions) == nil && PhysicsState.firstBad(velocities) == nil {
      forward()
    }
  }

  /// Kinematics, forces and accelerations of the present state, without moving on.
  public mutating func forward() { mj_forward(model.pointer, data) }

  /// Sets ctrl, held until it is set again; MuJoCo clamps it to each motor's range.
  /// - Parameter control: `[controlSize]`.
  public mutating func setControl(_ control: [Double]) {
    precondition(
      control.count == model.controlSize,
      "\(control.count) controls for a model of \(model.controlSize)")
    for index in 0..<control.count { data.pointee.ctrl[index] = control[index] }
  }

  /// Moves on by `count` physics steps.
  ///
  /// - Returns: MuJoCo's warnings, and whether the state is still a continuation of what was.
  @discardableResult
  public mutating func step(_ count: Int = 1) -> PhysicsWarnings {
    bred_mujoco_clear_warnings(data)
    for _ in 0..<count { mj_step(model.pointer, data) }
    return readWarnings()
  }

  /// `mj_step` in a plain loop, with nothing read before or after: what stepping cannot be faster
  /// than. For benchmarks.
  package mutating func stepBare(_ count: Int) {
    for _ in 0..<count { mj_step(model.pointer, data) }
  }

  private func readWarnings() -> PhysicsWarnings {
    var warnings = PhysicsWarnings()
    func warned(_ kind: mjtWarning) -> Int? {
      let kind = Int32(kind.rawValue)
      return bred_mujoco_warning_count(data, kind) == 0
        ? nil : Int(bred_mujoco_warning_info(data, kind))
    }
    func count(_ kind: mjtWarning) -> Int {
      Int(bred_mujoco_warning_count(data, Int32(kind.rawValue)))
    }
    if let index = warned(mjWARN_BADQPOS) {
      warnings.instability = .position(index: index)
    } else if let index = warned(mjWARN_BADQVEL) {
      warnings.instability = .velocity(index: index)
    } else if let index = warned(mjWARN_BADQACC) {
      warnings.instability = .acceleration(index: index)
    } else if let index = warned(mjWARN_BADCTRL) {
      warnings.instability = .control(index: index)
    } else if let index = PhysicsState.firstBad(positions) {
      // MuJoCo looks at a state when it next starts from it: too late for whoever reads it now.
      warnings.instability = .position(index: index)
    } else if let index = PhysicsState.firstBad(velocities) {
      warnings.instability = .velocity(index: index)
    }
    warnings.singularInertia = count(mjWARN_INERTIA)
    warnings.contactsFull = count(mjWARN_CONTACTFULL)
    warnings.constraintsFull = count(mjWARN_CNSTRFULL)
    return warnings
  }

  /// MuJoCo's own criterion: not a number, or beyond mjMAXVAL = 10¹⁰.
  private static func firstBad(_ values: UnsafeMutableBufferPointer<Double>) -> Int? {
    values.firstIndex { !($0.magnitude <= 1e10) }
  }

  // MARK: Saving

  /// Numbers in a snapshot: time, qpos, qvel and the solver's warm start.
  public var snapshotSize: Int { 1 + model.positionSize + 2 * model.velocitySize }

  /// What is needed to continue bit for bit, `[snapshotSize]`. Controls are not part of it: they
  /// are set before each step.
  public var snapshot: [Double] {
    var values = [time]
    values.reserveCapacity(snapshotSize + 1)
    values += positions
    values += velocities
    values += warmStart
    return values
  }

  /// Continues from a snapshot of a simulation of the same model.
  public mutating func restore(_ snapshot: some RandomAccessCollection<Double>) {
    precondition(
      snapshot.count == snapshotSize,
      "a snapshot of \(snapshot.count) numbers, expected \(snapshotSize)")
    reset()
    var rest = snapshot.makeIterator()
    data.pointee.time = rest.next()!
    for index in positions.indices { positions[index] = rest.next()! }
    for index in velocities.indices { velocities[index] = rest.next()! }
    for index in warmStart.indices { warmStart[index] = rest.next()! }
  }

  private var positions: UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(start: data.pointee.qpos, count: model.positionSize)
  }
  private var velocities: UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(start: data.pointee.qvel, count: model.velocitySize)
  }
  private var warmStart: UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(start: data.pointee.qacc_warmstart, count: model.velocitySize)
  }
}
