import DenseMath
import Foundation
import Logging
import RLCore
import Runs
import TestSupport
import Testing

@testable import Sweeps

@Suite struct SweepStatusTests {
  private let folder = TemporaryDirectory()

  /// Five agents, a start that needs all of them, a run that needs the start.
  private func plan() throws -> SweepPlan {
    let data = folder.file("data.hdf5")
    try "data".write(toFile: data, atomically: true, encoding: .utf8)
    return try SweepPlan(
      SweepFile(
        path: "s.yaml",
        yaml: "{tasks: [hopper-medium-v2], methods: [bred], seeds: [0], "
          + "datasets: {hopper-medium-v2: \(data)}}"))
  }

  private func states(
    _ plan: SweepPlan, done: [SweepJob]
  ) -> (agents: [SweepStatus.State], start: SweepStatus.State, run: SweepStatus.State) {
    var done = Set(done.map(\.id))
    let status = SweepStatus(plan, in: folder.path, done: &done, watch: ClaimWatch())
    func states(_ kind: SweepJob.Kind) -> [SweepStatus.State] {
      status.entries.filter { $0.job.kind == kind }.map(\.state)
    }
    return (states(.agent), states(.start)[0], states(.run)[0])
  }

  @Test func jobsWaitForAllThatTheyNeed() throws {
    let plan = try plan()
    let agents = plan.jobs(.agent)
    let none = states(plan, done: [])
    #expect(
      none.agents.allSatisfy { $0 == .ready } && none.start == .waiting && none.run == .waiting)
    let part = states(plan, done: Array(agents.dropLast()))
    #expect(part.agents.last == .ready && part.start == .waiting && part.run == .waiting)
    let all = states(plan, done: agents)
    #expect(all.start == .ready && all.run == .waiting)
    #expect(states(plan, done: agents + plan.jobs(.start)).run == .ready)
  }

  @Test func whatLeansOnAFailureIsBlocked() throws {
    let plan = try plan()
    let claims = JobClaims(plan.jobs(.agent)[1], in: folder.path)
    try #require(try claims.take(1)).end(.failed, message: "why")
    let found = states(plan, done: [])
    #expect(found.agents[1] == .failed && found.agents[0] == .ready)
    #expect(found.start == .blocked && found.run == .blocked)
  }

  @Test func aJobDoesNotBeginBeforeWhatItNeeds() throws {
    let plan = try plan()
    try plan.write(to: folder.path)
    let execution = try JobExecution(
      folder.path, pool: WorkerPool(threads: 1), interruption: Interruption(),
      logger: Logger(label: "test"), reporter: ProgressReporter(style: .quiet))
    guard case .notNow(let reason) = try execution.run(plan.jobs(.start)[0].id) else {
      Issue.record("it began")
      return
    }
    #expect(reason.contains("which is not done"))
  }

  /// A directory that holds another run is not this job, done.
  @Test func anotherRunIsNotTheJob() throws {
    let jobs = try SweepPlan(
      SweepFile(path: "s.yaml", yaml: "{tasks: [hopper], methods: [sac], seeds: [0, 1]}")
    ).jobs(.run)
    let directory = folder.file(jobs[0].directory)
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    #expect(try !JobState.isDone(jobs[0], in: folder.path))
    try "{}".write(toFile: "\(directory)/summary.json", atomically: true, encoding: .utf8)
    for (job, isRight) in [(jobs[0], true), (jobs[1], false)] {
      try job.yaml.write(toFile: "\(directory)/config.yaml", atomically: true, encoding: .utf8)
      #expect((try? JobState.isDone(jobs[0], in: folder.path)) == (isRight ? true : nil))
    }
  }
}
