import Environments
import RLCore
import Testing

struct EnvironmentKindTests {
  @Test(arguments: [
    ("halfcheetah", EnvironmentKind.halfcheetah), ("HalfCheetah-v2", .halfcheetah),
    ("half_cheetah", .halfcheetah), ("Hopper-v4", .hopper), ("hopper-medium-v2", .hopper),
    ("hopper-medium-replay-v0", .hopper), ("walker2d-full-replay-v2", .walker2d),
    ("walker_mixed.hdf5", .walker2d), ("walker2d_medium_expert-v2.hdf5", .walker2d),
    ("Walker2d", .walker2d), ("d4rl/hopper/medium-v2", .hopper), ("hopper-v5", .hopperV5),
    ("HalfCheetah-v5", .halfcheetahV5), ("walker2d-v5", .walker2dV5),
    ("mujoco/hopper/medium-v0", .hopperV5), ("mujoco/halfcheetah/expert-v0", .halfcheetahV5),
  ])
  func usualNamesAreUnderstood(name: String, kind: EnvironmentKind) throws {
    #expect(try EnvironmentKind(named: name) == kind)
  }

  @Test(arguments: [
    "", "ant", "hopper-v6", "hopper-tall-v2", "hopperr", "halfcheetah-medium-v2-extra", "-", "v2",
    "mujoco", "hopper-v-1",
  ])
  func othersAreRefusedWithAList(name: String) {
    #expect {
      try EnvironmentKind(named: name)
    } throws: { error in
      let text = "\(error)"
      return text.contains("'\(name)'") && text.contains("halfcheetah, hopper, walker2d")
    }
  }

  @Test func referenceReturnsAreD4RLs() {
    let hopper = EnvironmentKind.hopper.specification
    #expect(hopper.normalizedScore(ofReturn: -20.272305) == 0)
    #expect(hopper.normalizedScore(ofReturn: 3234.3) == 100)
    #expect(abs(hopper.normalizedDeviation(3254.572305) - 100) < 1e-12)
  }
}
