import Environments
import Foundation
import Physics
import RLCore
import Testing

/// Sameness with Gymnasium's v4 and v5 tasks; `Tests/Fixtures/environments/generate.py` made the fixtures.
struct ConformanceTests {
  /// Largest differences over steps that both took from the same states.
  private func compare(_ kind: EnvironmentKind, _ steps: [RecordedStep]) throws
    -> (observation: Double, reward: Double, terminations: Int)
  {
    let environment = try kind.makeEnvironment()
    var largest = (observation: 0.0, reward: 0.0, terminations: 0)
    for recorded in steps {
      _ = environment.reset(to: recorded.state)
      let step = environment.step(recorded.action)
      #expect(!step.unstable)
      #expect(step.observation.count == recorded.observation.count)
      for (ours, theirs) in zip(step.observation, recorded.observation) {
        let difference = abs(ours - theirs)
        largest.observation = difference.isNaN ? .nan : max(difference, largest.observation)
      }
      let difference = abs(step.reward - recorded.reward)
      largest.reward = difference.isNaN ? .nan : max(difference, largest.reward)
      if step.terminated != recorded.terminated { largest.terminations += 1 }
    }
    return largest
  }

  @Test(arguments: EnvironmentKind.allCases)
  func singleStepsEqualGymnasiums(kind: EnvironmentKind) throws {
    let steps = try Fixtures.steps(of: kind)
    #expect(steps.count == 238)
    if kind.specification.canTerminate {
      #expect(steps.contains { $0.terminated } && steps.contains { !$0.terminated })
    }
    let largest = try compare(kind, steps)
    #expect(largest.observation < 1e-9)
    #expect(largest.reward < 1e-9)
    #expect(largest.terminations == 0)
  }

  /// Version 5's fixtures are not version 4's: the fall pays nothing, and Walker2d's feet grip otherwise.
  @Test(arguments: [EnvironmentKind.hopper, .walker2d])
  func versionsDiffer(kind: EnvironmentKind) throws {
    let largest = try compare(kind, Fixtures.steps(of: kind.versionFive))
    #expect(largest.reward > 0.5 && largest.terminations == 0)
    #expect(largest.observation < 1e-9 || kind == .walker2d && largest.observation > 1e-3)
  }

  /// The comparison above sees a millionth of a torque.
  @Test(arguments: EnvironmentKind.allCases)
  func aSlightlyOtherActionIsNoticed(kind: EnvironmentKind) throws {
    var steps = try Fixtures.steps(of: kind)
    for index in steps.indices {
      for element in steps[index].action.indices { steps[index].action[element] *= 1 - 1e-6 }
    }
    let largest = try compare(kind, steps)
    #expect(largest.observation > 1e-9)
    #expect(largest.reward > 1e-9)
  }

  /// All states of `generate.py --full DIRECTORY`, with BRED_CONFORMANCE=DIRECTORY.
  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["BRED_CONFORMANCE"] != nil),
    arguments: EnvironmentKind.allCases)
  func manySingleStepsEqualGymnasiums(kind: EnvironmentKind) throws {
    let folder = URL(filePath: ProcessInfo.processInfo.environment["BRED_CONFORMANCE"]!)
    let steps = try Fixtures.steps(of: kind, in: folder)
    #expect(steps.count >= 5_000)
    let largest = try compare(kind, steps)
    print(
      "\(kind): \(steps.count) steps, largest difference in observation \(largest.observation), "
        + "in reward \(largest.reward), \(largest.terminations) terminations differ")
    #expect(largest.observation < 1e-9)
    #expect(largest.reward < 1e-9)
    #expect(largest.terminations == 0)
  }

  /// Our text, compiled by the library at hand, against Gymnasium's, compiled by MuJoCo 2.3.7.
  @Test(arguments: EnvironmentKind.allCases)
  func compiledModelEqualsGymnasiums(kind: EnvironmentKind) throws {
    let model =
      switch kind {
      case .halfcheetah: try HalfCheetahRobot.model.get()
      case .hopper: try HopperRobot.model.get()
      case .walker2d: try Walker2dRobot.model.get()
      case .halfcheetahV5: try HalfCheetahV5Robot.model.get()
      case .hopperV5: try HopperV5Robot.model.get()
      case .walker2dV5: try Walker2dV5Robot.model.get()
      }
    let theirs = try Fixtures.model(of: kind)
    var compared = 0
    for (name, ours) in model.numericFields {
      // Sizes of MuJoCo's own memory, which change with its version.
      if ["nstack", "nbuffer", "njmax", "nconmax", "nemax", "nD"].contains(name) { continue }
      if name == "tex_rgb" {
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in ours { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        #expect(try String(digest) == Fixtures.textureDigest(of: kind))
        continue
      }
      guard let expected = theirs[name] else { continue }
      #expect(ours.count == expected.count, "\(name)")
      // What the compiler derives is rounded differently from one build of MuJoCo to the next.
      let equal = zip(ours, expected).allSatisfy { abs($0 - $1) <= 1e-14 * max(1, abs($1)) }
      #expect(equal, "\(name): \(ours) should be \(expected)")
      compared += ours.count
    }
    #expect(compared > 900)
  }
}
