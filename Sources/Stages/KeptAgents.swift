import Agents
import Algorithms
package import DenseMath
import Foundation
package import RLCore
import Replay
package import Runs

/// Whole agents that online training keeps on its way (`online.agentInterval`), each with states that it had
/// seen by then.
///
/// ```
/// agents/000010/member-0/…  rows.safetensors
/// ```
package enum KeptAgents {
  /// Rows of the online buffer beside each agent (BRED, appendix L).
  package static let rowCount = 1000
  private static let rowsName = "rows.safetensors"
  private static let stepsName = "environment_steps"

  /// Some rows of an online buffer: where an agent was and what it did there.
  package struct Rows {
    /// Of the agent.
    package let environmentSteps: Int
    /// `[rows, observationSize]`.
    package let observations: Matrix
    /// `[rows, actionSize]`.
    package let actions: Matrix
    package let states: [PhysicalState]
  }

  static func folder(block: Int, in output: String) -> String {
    "\(output)/agents/\(String(format: "%06d", block))"
  }

  /// The kept agents of a run directory, first to last; of a run of several stages those of its online stage.
  package static func folders(in run: String) throws(RunError) -> [String] {
    let places = ["\(run)/agents", "\(run)/\(OnlineStage.name)/agents"]
    for place in places {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []
      let whole = names.sorted().map { "\(place)/\($0)" }.filter {
        FileManager.default.fileExists(atPath: "\($0)/\(rowsName)")
      }
      if !whole.isEmpty { return whole }
    }
    throw .missing(path: places[0], what: "agents that online training kept (online.agentInterval)")
  }

  /// Rows without replacement, of all that the buffer holds; all of them where there are no more.
  ///
  /// They are written last, as the sign that the agent beside them is complete.
  static func writeRows(
    of buffer: ReplayBuffer, environmentSteps: Int, key: RandomStream.Key, to folder: String
  ) throws {
    var stream = key.stream(step: UInt64(environmentSteps))
    let count = min(rowCount, buffer.count)
    let rows = stream.distinct(count, below: buffer.count).sorted().map { buffer[$0] }
    var file = NamedTensors()
    file.metadata[stepsName] = "\(environmentSteps)"
    file["observations"] = Tensor(
      .float32(rows.flatMap(\.observation)), shape: [count, buffer.observationSize])
    file["actions"] = Tensor(.float32(rows.flatMap(\.action)), shape: [count, buffer.actionSize])
    let states = rows.compactMap(\.physicalState)
    file["positions"] = Tensor(
      .float64(states.flatMap(\.position)), shape: [count, states.first?.position.count ?? 0])
    file["velocities"] = Tensor(
      .float64(states.flatMap(\.velocity)), shape: [count, states.first?.velocity.count ?? 0])
    try SafetensorsFile.write(file, to: "\(folder)/\(rowsName)")
  }

  /// When an agent was kept.
  package static func environmentSteps(in folder: String) throws -> Int {
    try steps(SafetensorsFile.read("\(folder)/\(rowsName)"), folder)
  }

  private static func steps(_ file: NamedTensors, _ folder: String) throws(RunError) -> Int {
    guard let steps = file.metadata[stepsName].flatMap({ Int($0) }) else {
      throw .missing(path: "\(folder)/\(rowsName)", what: "'\(stepsName)'")
    }
    return steps
  }

  /// - Throws: where the file is not of this robot.
  package static func readRows(
    in folder: String, task: EnvironmentSpecification
  ) throws -> Rows {
    let path = "\(folder)/\(rowsName)"
    let file = try SafetensorsFile.read(path)
    let count = file["observations"]?.shape.first ?? 0
    let steps = try steps(file, folder)
    guard count > 0 else { throw RunError.missing(path: path, what: "rows") }
    do throws(StateError) {
      let (q, v) = (task.positionSize, task.velocitySize)
      let positions = try file.doubles("positions", count: count * q)
      let velocities = try file.doubles("velocities", count: count * v)
      return Rows(
        environmentSteps: steps,
        observations: Matrix(
          rows: count, columns: task.observationSize,
          elements: try file.floats("observations", count: count * task.observationSize)),
        actions: Matrix(
          rows: count, columns: task.actionSize,
          elements: try file.floats("actions", count: count * task.actionSize)),
        states: (0..<count).map { row in
          PhysicalState(
            position: Array(positions[row * q..<(row + 1) * q]),
            velocity: Array(velocities[row * v..<(row + 1) * v]))
        })
    } catch {
      throw RunError.inconsistent(path: path, reason: "\(error)")
    }
  }
}
