import DenseMath
@testable import Autodiff
import Testing

/// Whoever writes a loss wrongly is told what is wrong, with both shapes, in optimised programs too.
///
/// Each mistake ends a process of its own, which is why scenes are made inside.
@Suite struct MisuseTests {
  /// What the process has written to its standard error.
  private static func message(_ result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
  }

  private static func expect(
    _ result: ExitTest.Result?, says parts: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let message = message(result)
    for part in parts {
      #expect(message.contains(part), "\(message)", sourceLocation: sourceLocation)
    }
  }

  // MARK: Shapes

  @Test func shapesOfTwoArguments() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      _ = scene.variable(4, 3) + scene.variable(5, 3)
    }
    Self.expect(result, says: "the sum of 4 × 3 and 5 × 3", "rows must agree")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.variable(4, 2) * scene.variable(4, 3)
    }
    Self.expect(result, says: "the product of 4 × 2 and 4 × 3", "one a multiple of the other")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.variable(4, 0) * scene.variable(4, 3)
    }
    Self.expect(result, says: "the product of 4 × 0 and 4 × 3")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.variable(4, 2).squaredError(to: scene.variable(3, 2))
    }
    Self.expect(result, says: "the squared error of 4 × 2 and 3 × 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.variable(4, 2).joined(with: scene.variable(3, 2))
    }
    Self.expect(result, says: "joining 4 × 2 and 3 × 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.variable(4, 2).categorical(scene.variable(4, 2))
    }
    Self.expect(result, says: "4 × 2 numbers to draw from 4 × 2")
  }

  @Test func squaredErrorOfACallThatWaits() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      let q = scene.critics(scene.variable(4, 3), scene.variable(4, 2))
      _ = q.squaredError(to: scene.variable(5, 1))
    }
    Self.expect(result, says: "the squared error of 4 × 2 and 5 × 1")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let q = scene.critics(scene.variable(4, 3), scene.variable(4, 2))
      _ = q.squaredError(to: scene.variable(4, 0))
    }
    Self.expect(result, says: "the squared error of 4 × 2 and 4 × 0")
  }

  @Test func shapesOfOneArgument() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) { _ = Scene().variable(4, 5).minimum(of: 2) }
    Self.expect(result, says: "minimum of groups of 2 in 4 × 5")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Scene().variable(4, 5).columns(3..<6)
    }
    Self.expect(result, says: "columns 3..<6 of 4 × 5")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Scene().variable(5, 1).gatheringRows(2)
    }
    Self.expect(result, says: "5 rows in groups of 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Scene().variable(5, 2).batchWeights(temperature: 1)
    }
    Self.expect(result, says: "weights of 5 × 2: one column is needed")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Scene().variable(5, 1).meanRowVariance
    }
    Self.expect(result, says: "variance over 1 columns")
  }

  @Test func inputsOfANetwork() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      _ = scene.critics(scene.variable(4, 3), scene.variable(4, 3))
    }
    Self.expect(result, says: "'critic' takes 5 columns, given 4 × 3 and 4 × 3")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.critics(scene.variable(4, 3), scene.variable(6, 2))
    }
    Self.expect(result, says: "given 4 × 3 and 6 × 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.critics(scene.variable(4, 3))
    }
    Self.expect(result, says: "'critic' takes 5 columns, given 4 × 3")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.critics.target(scene.variable(4, 3), scene.variable(4, 2))
    }
    Self.expect(result, says: "'critic' has no targets")
  }

  @Test func membersThatThereAreNot() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      _ = scene.critics.stack.call(
        scene.variable(4, 3), scene.variable(4, 2), only: scene.members([0, 2]))
    }
    Self.expect(result, says: "member 2 of 'critic', which has 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      _ = scene.critics.stack.call(
        scene.variable(4, 3), scene.variable(4, 2), only: scene.members([1, 1]))
    }
    Self.expect(result, says: "member 1 of 'critic' twice")
  }

  @Test func actionsOfAPolicy() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      _ = scene.actor(.tanhGaussian())(scene.variable(4, 3)).logProb(of: scene.variable(4, 1))
    }
    Self.expect(result, says: "log-densities of 4 × 1 actions, the policy has 4 × 2")
    // One column would stand for all of them.
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let actor = scene.actor(.gaussian(mean: .none, logStd: .clamped(-1, 1)))
      _ = actor(scene.variable(4, 3)).logProb(of: scene.variable(4, 1))
    }
    Self.expect(result, says: "log-densities of 4 × 1 actions, the policy has 4 × 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let policy = scene.actor(.tanhGaussian())
      policy.stack.block.isTrained = true
      let now = policy(scene.variable(4, 3))
      _ = now.logProb(of: now.mode)
    }
    Self.expect(result, says: "no gradient towards given actions; detach them")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let actor = scene.actor(.deterministic(explorationNoise: 0.1))
      _ = actor(scene.variable(4, 3)).sample(Noise(seed: 0, purpose: "draw"))
    }
    Self.expect(result, says: "a deterministic policy draws nothing")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let noise = Noise(seed: 0, purpose: "draw")
      noise.fixed = [1, 2, 3]
      _ = scene.actor(.tanhGaussian())(scene.variable(4, 3)).sample(noise)
    }
    Self.expect(result, says: "3 given numbers for 4 × 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = Scene().variable(4, 6).mixture(members: 2, bounds: .standard)
    }
    Self.expect(result, says: "6 columns for the heads of 2 policies")
  }

  @Test func actionGradientsOfVariablesThatAreDifferentiated() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      scene.critics.stack.block.isTrained = true
      let q = scene.critics(scene.variable(4, 3), scene.variable(4, 2))
      _ = scene.critics.actionGradients(scene.variable(4, 3), q)
    }
    Self.expect(result, says: "variables that are themselves being differentiated")
  }

  // MARK: Variables in the wrong place

  @Test func aVariableKeptAfterItsUpdate() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      let kept = scene.variable(4, 3)
      scene.tape.begin(step: 1)
      _ = kept.batchMean
    }
    Self.expect(result, says: "a variable of 4 × 3 was kept after the update that computed it")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let kept = scene.variable(4, 3)
      scene.tape.begin(step: 1)
      _ = scene.variable(4, 3) + kept
    }
    Self.expect(result, says: "a variable of 4 × 3 was kept")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let kept = scene.variable(4, 3)
      scene.tape.begin(step: 1)
      _ = scene.critics(kept, scene.variable(4, 2))
    }
    Self.expect(result, says: "a variable of 4 × 3 was kept")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let kept = scene.variable(4, 1)
      scene.tape.begin(step: 1)
      _ = scene.tape.differentiate(kept)
    }
    Self.expect(result, says: "a variable of 4 × 1 was kept")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let scene = Scene()
      let kept = scene.variable(4, 1)
      scene.tape.begin(step: 1)
      let block = ParameterBlock(
        name: "temperature", members: 1, count: 1, tau: nil, optimizer: .adam(learningRate: 1))
      _ = PositiveScalar(block: block, initial: 1).logarithm(for: kept)
    }
    Self.expect(result, says: "a variable of 4 × 1 was kept")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var scene: Scene? = Scene()
      let kept = scene!.variable(4, 1)
      scene = nil
      let other = Scene()
      _ = other.variable(4, 1) + kept
    }
    Self.expect(result, says: "a variable of 4 × 1 was kept")
  }

  @Test func variablesOfTwoTapes() async {
    var result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let (one, other) = (Scene(), Scene())
      _ = one.variable(4, 3) + other.variable(4, 1)
    }
    Self.expect(result, says: "variables of two agents in one operation: 4 × 3 and 4 × 1")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let (one, other) = (Scene(), Scene())
      _ = one.critics(one.variable(4, 3), other.variable(4, 2))
    }
    Self.expect(result, says: "variables of two agents in one operation: 4 × 3 and 4 × 2")
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let (one, other) = (Scene(), Scene())
      _ = one.tape.differentiate(other.variable(4, 1))
    }
    Self.expect(result, says: "the loss of 4 × 1 belongs to another agent's tape")
    // A network has memory for the threads of its own agent only.
    result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let (one, other) = (Scene(), Scene(threads: 3))
      _ = one.critics(other.variable(4, 3), other.variable(4, 2))
    }
    Self.expect(result, says: "'critic' has memory for 1 threads, the variable's tape 3")
  }

  @Test func anUpdateWithoutEnd() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let scene = Scene()
      scene.critics.stack.block.isTrained = true
      var q = scene.critics(scene.variable(4, 3), scene.variable(4, 2))
      while true { q = q + 1 }
    }
    Self.expect(result, says: "an update of more than 512 operations")
  }

  // MARK: Networks that do not fit

  @Test func networksOfAnotherShape() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let shape = NetworkShape(inputSize: 5, hiddenSizes: [7], outputSize: 1)
      Scene().critics.stack.load([Network(shape: shape), Network(shape: shape)])
    }
    Self.expect(result, says: "hiddenSizes: [7]", "hiddenSizes: [6]")
  }
}

/// An agent's tape with twin critics, one update begun.
private final class Scene {
  let tape: Tape
  let critics: Critics
  private let scratch: [Scratch]

  init(threads: Int = 1) {
    BLAS.prepare()
    tape = Tape(pool: WorkerPool(threads: threads))
    scratch = (0..<threads).map { _ in Scratch() }
    critics = Critics(stack: StackSpec(5, [6], 1, members: 2).stack("critic", scratch: scratch))
    tape.begin(step: 0)
    tape.beginLoss()
  }

  func variable(_ rows: Int, _ columns: Int) -> Variable {
    tape.constant(tape.zeros(rows * columns), rows: rows, columns: columns)
  }

  func members(_ list: [Int]) -> MemberList {
    let memory = tape.integers(list.count)
    for (i, member) in list.enumerated() { memory[i] = Int32(member) }
    return MemberList(indices: UnsafePointer(memory), count: list.count)
  }

  func actor(_ head: PolicyHead) -> Actor {
    let stack = StackSpec(3, [6], head.outputSize(actionSize: 2)).stack("actor", scratch: scratch)
    guard case .gaussian = head else { return Actor(stack: stack, head: head) }
    let block = ParameterBlock(
      name: "log-std", members: 1, count: 2, tau: nil, optimizer: .adam(learningRate: 1))
    return Actor(stack: stack, head: head, freeLogStd: ParameterVector(block: block))
  }
}
