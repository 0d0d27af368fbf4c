import Autodiff
public import DenseMath
public import RLCore

/// Independent agents of one algorithm, trained side by side on all threads.
///
/// Each agent has its own parameters, minibatches, temperature and random numbers, and agent i is bit for
/// bit the one it would be alone. With few threads the agents take turns, all threads working on one
/// update; with many, the threads are split into groups and each group trains its share of the agents.
public final class AgentTeam {
  /// In the order in which the initialiser made them.
  public let agents: [Agent]
  /// Agents at work at once.
  package let groups: Int
  private let outer: WorkerPool
  private var batches: [Batch]

  /// - Parameters:
  ///   - members: N ≥ 1.
  ///   - pool: its threads are shared out.
  ///   - make: agent i, for the threads it is given.
  public init<Failure: Error>(
    members: Int, pool: WorkerPool, extraColumns: [ExtraColumn] = [],
    _ make: (_ member: Int, _ pool: WorkerPool) throws(Failure) -> Agent
  ) throws(Failure) {
    require(members >= 1, "a team of \(members)")
    groups = AgentTeam.groups(members: members, threads: pool.threads)
    let inner: [WorkerPool]
    if groups == 1 {
      outer = WorkerPool(threads: 1)
      inner = [pool]
    } else {
      outer = WorkerPool(threads: groups)
      // The first groups take what does not divide evenly.
      inner = (0..<groups).map { [groups] group in
        WorkerPool(threads: (pool.threads + groups - 1 - group) / groups)
      }
    }
    var agents: [Agent] = []
    for member in 0..<members { agents.append(try make(member, inner[member % groups])) }
    self.agents = agents
    batches = agents.map { agent in
      Batch(
        size: agent.batchSize, observationSize: agent.parts.observationSize,
        actionSize: agent.parts.actionSize, extraColumns: extraColumns)
    }
  }

  /// How many agents should work at once: g groups of equal size lose where g does not divide N, one
  /// group where an update has fewer pieces than threads.
  package static func groups(members: Int, threads: Int) -> Int {
    func speed(_ groups: Int) -> Double {
      let rounds = (members + groups - 1) / groups
      let each = Double(threads / groups)
      // An update of twin critics has eight to ten pieces of about equal size.
      let useful = min(each, 8)
      return Double(members) / Double(rounds) * useful / (1 + 0.03 * (useful - 1))
    }
    return (1...max(1, min(members, threads))).max { speed($0) < speed($1) } ?? 1
  }

  /// `count` updates of every agent.
  ///
  /// - Parameters:
  ///   - fill: draws the next minibatch of an agent; called on its thread.
  ///   - done: gets the metrics of each update, on the agent's thread.
  /// - Throws: the error of the agent with the lowest number.
  public func update(
    _ count: Int,
    fill: (_ member: Int, _ agent: Agent, _ batch: inout Batch) throws -> Void,
    done: (_ member: Int, _ metrics: Metrics) -> Void
  ) throws {
    var failures = [(any Error)?](repeating: nil, count: agents.count)
    batches.withUnsafeMutableBufferPointer { batches in
      failures.withUnsafeMutableBufferPointer { failures in
        // Each agent's thread touches the agent's own elements only.
        nonisolated(unsafe) let (batches, failures) = (batches, failures)
        outer.run(groups) { group, _ in
          for member in Swift.stride(from: group, to: agents.count, by: groups) {
            do {
              for _ in 0..<count {
                try fill(member, agents[member], &batches[member])
                done(member, try agents[member].update(on: batches[member]))
              }
            } catch {
              failures[member] = error
            }
          }
        }
      }
    }
    if let failure = failures.compactMap({ $0 }).first { throw failure }
  }
}
