import DenseMath
import Environments
import Physics
import RLCore

/// Control steps of a robot, next to `mj_step` in a plain loop over the same states and actions.
enum EnvironmentBenchmarks {
  /// A fixed course of random actions, with the states from which its episodes start.
  private struct Course {
    static let steps = 1000
    var actions: [[Double]] = []
    var starts: [Int: PhysicalState] = [:]

    init(_ environment: any Environment) {
      var stream = RandomStream(seed: 1, purpose: "benchmark/course")
      var ended = true
      for step in 0..<Course.steps {
        if ended {
          _ = environment.reset(using: &stream)
          starts[step] = environment.physicalState
        }
        let action = (0..<environment.specification.actionSize).map { _ in stream.uniform(-1, 1) }
        actions.append(action)
        ended = environment.step(action).episodeEnded
      }
    }
  }

  static func step(
    _ kind: EnvironmentKind, model: PhysicsModel, frameSkip: Int
  ) throws -> BenchmarkCase {
    let environment = try kind.makeEnvironment()
    let course = Course(environment)
    var bare = try PhysicsState(model: model)
    return BenchmarkCase(
      name: "env-step-\(kind.rawValue)", iterations: 2, operationsPerCall: Course.steps,
      operation: {
        for step in 0..<Course.steps {
          if let start = course.starts[step] { _ = environment.reset(to: start) }
          _ = environment.step(course.actions[step])
        }
      },
      floor: {
        for step in 0..<Course.steps {
          if let start = course.starts[step] {
            bare.reset(position: start.position, velocity: start.velocity)
          }
          bare.setControl(course.actions[step])
          bare.stepBare(frameSkip)
        }
      })
  }

  /// All workers step a robot of their own; beside it, one does so alone. Time per step, so the ratio
  /// is 1/threads where they do not hinder each other.
  static func workers(_ kind: EnvironmentKind, pool: WorkerPool) throws -> BenchmarkCase {
    let environments = try (0..<pool.threads).map { _ in try kind.makeEnvironment() }
    let course = Course(environments[0])
    func run(_ environment: any Environment) {
      for step in 0..<Course.steps {
        if let start = course.starts[step] { _ = environment.reset(to: start) }
        _ = environment.step(course.actions[step])
      }
    }
    // Three turns for each worker: one that begins late can leave a turn to another.
    let turns = 3
    return BenchmarkCase(
      name: "env-workers-\(kind.rawValue)", iterations: 2,
      operationsPerCall: turns * pool.threads * Course.steps,
      floorOperationsPerCall: turns * Course.steps,
      operation: { pool.run(turns * pool.threads) { _, worker in run(environments[worker]) } },
      floor: { for _ in 0..<turns { run(environments[0]) } })
  }

  static func step(_ kind: EnvironmentKind) throws -> BenchmarkCase {
    switch kind.robot {
    case .halfcheetah:
      try step(
        kind, model: HalfCheetahRobot.model.get(), frameSkip: HalfCheetahRobot.frameSkip)
    case .hopper: try step(kind, model: HopperRobot.model.get(), frameSkip: HopperRobot.frameSkip)
    default:
      try step(kind, model: Walker2dRobot.model.get(), frameSkip: Walker2dRobot.frameSkip)
    }
  }
}
