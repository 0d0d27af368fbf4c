import Foundation
import Runs
import TestSupport
import Testing

@testable import Sweeps

@Suite struct ClaimTests {
  let folder = TemporaryDirectory()
  private var claims: JobClaims {
    let job = try! SweepPlan(
      SweepFile(path: "s.yaml", yaml: "{tasks: [hopper], methods: [sac], seeds: [0]}")
    ).jobs[0]
    return JobClaims(job, in: folder.path)
  }

  @Test func oneOfManyGetsAJob() async throws {
    let claims = claims
    let taken = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<16 { group.addTask { (try? claims.take(1)) ?? nil != nil } }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(taken == 1)
    #expect(claims.generation == 1)
    // Nothing else was left, by the fifteen others either: one file, which says whose it is.
    #expect(try FileManager.default.contentsOfDirectory(atPath: claims.folder) == ["1.json"])
    #expect(claims.read(1)?.worker.process == getpid())
    #expect(try claims.take(2) != nil)
    #expect(try claims.take(2) == nil)
  }

  @Test func aLivingClaimIsLeftAlone() throws {
    let claims = claims
    let watch = ClaimWatch()
    #expect(watch.look(claims).finding == .unclaimed)
    let held = try #require(try claims.take(1))
    guard case .working(let claim) = watch.look(claims).finding else {
      Issue.record("not working")
      return
    }
    #expect(claim.worker.process == getpid())
    // Others watch this number.
    let before = try #require(claims.read(1)).beat
    #expect(held.beat())
    #expect(try #require(claims.read(1)).beat == before + 1)
    try held.end(.failed, message: "why")
    guard case .ended(let last) = watch.look(claims).finding else {
      Issue.record("not ended")
      return
    }
    #expect(last.state == .failed && last.message == "why")
  }

  /// The number of a process that has ended, even where another process has it now.
  @Test func aClaimDiesWithItsProcess() throws {
    let claims = claims
    _ = try claims.take(1)
    var claim = try #require(claims.read(1))
    claim.worker.started = "1"
    try claims.write(claim, 1)
    guard case (1, .dead(let found)) = ClaimWatch().look(claims) else {
      Issue.record("not dead")
      return
    }
    #expect(found?.worker.started == "1")
  }

  /// Of another machine nothing is known but its signs of life.
  @Test func aClaimFromElsewhereDiesInSilence() throws {
    let claims = claims
    _ = try claims.take(1)
    var claim = try #require(claims.read(1))
    claim.worker.machine = "elsewhere"
    claim.worker.started = "1"
    try claims.write(claim, 1)
    var now = ContinuousClock.now
    let watch = ClaimWatch(now: { now })
    func isDead() -> Bool {
      if case .dead = watch.look(claims).finding { true } else { false }
    }
    #expect(!isDead())
    now += .seconds(59)
    #expect(!isDead())
    claim.beat += 1
    try claims.write(claim, 1)
    now += .seconds(2)
    #expect(!isDead())
    now += .seconds(61)
    #expect(isDead())
  }

  @Test func whoIsOvertakenNoticesIt() throws {
    let claims = claims
    let first = try #require(try claims.take(1))
    #expect(first.beat())
    let second = try #require(try claims.take(2))
    #expect(!first.beat())
    #expect(second.beat())
  }
}
