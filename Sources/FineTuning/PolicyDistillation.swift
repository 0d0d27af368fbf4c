internal import CVectorKernels
public import DenseMath
import Learners
public import Networks
public import RLCore

/// Distils the policies of an ensemble into one, BRED section 4.1, eq. 8.
///
///     minimise over dataset states  E_s[ ‖μ(s) − μ̄(s)‖² + ‖σ(s) − σ̄(s)‖² ]
///
/// where (μ̄, σ̄) are the moments of the members' mixture before the squashing (eq. 9) and the norm runs
/// over action dimensions. The student has one member's architecture and starts as member 0. A
/// fixed share of the states is held out; training stops when their loss has not improved for
/// `patience` epochs, and the best student is kept.
public final class PolicyDistillation {
  public struct Configuration: Sendable, Codable, Equatable {
    /// At most this many epochs (1000 in the paper).
    public var epochs = 1000
    /// Minibatches in an epoch.
    public var stepsPerEpoch = 1000
    /// Epochs without improvement after which training stops.
    public var patience = 20
    /// Share of the states held out, in (0, 1).
    public var validationFraction = 0.1
    public var batchSize = 256
    /// Adam rate.
    public var learningRate: Float = 3e-4

    public init() {}
  }

  /// What one epoch achieved; losses are means per state.
  public struct Report: Sendable, Equatable {
    public var epoch: Int
    public var trainingLoss: Double
    public var validationLoss: Double
    public var isBest: Bool
  }

  public let configuration: Configuration
  public private(set) var epoch = 0
  public private(set) var bestEpoch = 0
  public private(set) var bestLoss = Double.infinity

  package let student: TrainableNetwork
  private let best: Network
  private let bounds: LogStdBounds
  private let actionSize: Int
  private let observations: Matrix
  /// (μ̄, log σ̄) of every state, `[states, 2·actionSize]`, computed once.
  private let targets: FloatBuffer
  /// A fixed random order of the states; the first `validationCount` are held out.
  private let order: [Int32]
  private let validationCount: Int
  private let pool: WorkerPool
  private let pieces: Pieces
  private let pass: DensePass
  private let inputs: FloatBuffer
  private let batchTargets: FloatBuffer
  private let headGradient: FloatBuffer
  private let losses: PartialSums
  private let batchKey: RandomStream.Key

  /// - Parameters:
  ///   - members: policies of one shape, at least one.
  ///   - observations: dataset states, `[≥ 2, observationSize]`.
  ///   - seed: of the split and of the minibatches.
  public init(
    configuration: Configuration, members: [GaussianPolicy], observations: Matrix, seed: UInt64,
    pool: WorkerPool
  ) {
    precondition(!members.isEmpty && observations.rows >= 2)
    BLAS.prepare()
    self.configuration = configuration
    self.observations = observations
    self.pool = pool
    bounds = members[0].logStdBounds
    actionSize = members[0].actionSize
    let shape = members[0].network.shape
    pieces = Pieces(total: configuration.batchSize, size: 128)
    student = TrainableNetwork(Network(copyOf: members[0].network), parts: pieces.count)
    best = Network(copyOf: members[0].network)
    pass = DensePass(shape: shape, maximumRows: configuration.batchSize)
    inputs = FloatBuffer(count: configuration.batchSize * shape.inputSize)
    batchTargets = FloatBuffer(count: configuration.batchSize * shape.outputSize)
    headGradient = FloatBuffer(count: configuration.batchSize * shape.outputSize)
    losses = PartialSums(tasks: pieces.count, kinds: 1)
    targets = PolicyDistillation.mixtureHeads(members, observations: observations, pool: pool)
    order = PolicyDistillation.shuffledIndices(observations.rows, seed: seed)
    validationCount = min(
      max(1, Int(Double(observations.rows) * configuration.validationFraction)),
      observations.rows - 1)
    batchKey = RandomStream.Key(seed: seed, purpose: "distillation/minibatch")
  }

  /// The best policy so far, by the loss on held-out states.
  public var policy: GaussianPolicy {
    GaussianPolicy(network: Network(copyOf: best), logStdBounds: bounds)
  }

  public var isFinished: Bool {
    epoch >= configuration.epochs || (epoch > 0 && epoch - bestEpoch >= configuration.patience)
  }

  /// One epoch of minibatches and the loss on the held-out states afterwards.
  public func runEpoch() throws(TrainingError) -> Report {
    let adam = AdamConfiguration(learningRate: configuration.learningRate)
    var trainingLoss = 0.0
    for _ in 0..<configuration.stepsPerEpoch {
      let loss = update(adam)
      guard loss.isFinite else {
        throw .diverged(
          metric: "distillation_loss", value: Float(loss), updateCount: student.stepCount)
      }
      trainingLoss += loss / Double(configuration.stepsPerEpoch)
    }
    epoch += 1
    let validationLoss = loss(over: 0..<validationCount)
    let isBest = validationLoss < bestLoss
    if isBest {
      bestLoss = validationLoss
      bestEpoch = epoch
      best.parameters = student.network.parameters
    }
    return Report(
      epoch: epoch, trainingLoss: trainingLoss, validationLoss: validationLoss, isBest: isBest)
  }

  /// One gradient step on a random minibatch of the training states.
  /// - Returns: mean loss per state before the step.
  package func update(_ adam: AdamConfiguration) -> Double {
    drawMinibatch()
    pool.run(pieces.count, with: self) { distillation, piece, _ in distillation.fit(piece) }
    pool.run(student.sliceCount, with: (self, adam)) { context, slice, _ in
      context.0.student.stepSlice(slice, context.1)
    }
    student.advance()
    return losses.total(0) / Double(configuration.batchSize)
  }

  /// Loss and gradient of one piece of the minibatch.
  private func fit(_ piece: Int) {
    let shape = student.network.shape
    let batchSize = configuration.batchSize
    let inputs = self.inputs.matrix(rows: batchSize, columns: shape.inputSize)
    let gradient = headGradient.matrix(rows: batchSize, columns: shape.outputSize)
    let rows = pieces[piece]
    let start = rows.lowerBound * shape.outputSize
    pass.forward(student.network, inputs, rows: rows)
    losses[piece, 0] = bk_distillation(
      pass.outputs.base + start, batchTargets.base + start, 1 / Float(batchSize),
      headGradient.base + start, rows.count, actionSize, bounds.lower, bounds.upper)
    pass.backward(
      student.network, inputs, rows: rows, outputGradient: gradient,
      into: student.gradient(part: piece))
  }

  private func drawMinibatch() {
    var stream = batchKey.stream(step: UInt64(student.stepCount))
    let (width, headSize) = (observations.columns, 2 * actionSize)
    observations.elements.withUnsafeBufferPointer { rows in
      for i in 0..<configuration.batchSize {
        let pick = stream.index(below: order.count - validationCount)
        let state = Int(order[validationCount + pick])
        (inputs.base + i * width).update(from: rows.baseAddress! + state * width, count: width)
        (batchTargets.base + i * headSize).update(
          from: targets.base + state * headSize, count: headSize)
      }
    }
  }

  /// Mean loss per state over states at the given positions of the shuffled order.
  private func loss(over positions: Range<Int>) -> Double {
    let blocks = Pieces(total: positions.count, size: 1024)
    let sums = PartialSums(tasks: blocks.count, kinds: 1)
    let (width, headSize) = (observations.columns, 2 * actionSize)
    pool.run(blocks.count) { block, _ in
      let range = blocks[block]
      var states = Matrix(rows: range.count, columns: width)
      var expected = [Float](repeating: 0, count: range.count * headSize)
      for (i, position) in range.enumerated() {
        let state = Int(order[positions.lowerBound + position])
        for c in 0..<width { states[i, c] = observations.elements[state * width + c] }
        for c in 0..<headSize { expected[i * headSize + c] = targets.base[state * headSize + c] }
      }
      let heads = GaussianPolicy(network: student.network, logStdBounds: bounds).heads(for: states)
      sums[block, 0] = bk_distillation(
        heads.elements, expected, 0, nil, range.count, actionSize, bounds.lower, bounds.upper)
    }
    return sums.total(0) / Double(positions.count)
  }

  /// The members' mixture at every state, in blocks shared among the threads.
  private static func mixtureHeads(
    _ members: [GaussianPolicy], observations: Matrix, pool: WorkerPool
  ) -> FloatBuffer {
    let mixture = MixturePolicy(members: members)
    let headSize = 2 * mixture.actionSize
    let width = observations.columns
    let result = FloatBuffer(count: observations.rows * headSize)
    let blocks = Pieces(total: observations.rows, size: 1024)
    pool.run(blocks.count) { block, _ in
      let rows = blocks[block]
      let states = Matrix(
        rows: rows.count, columns: width,
        elements: Array(
          observations.elements[rows.lowerBound * width..<rows.upperBound * width]))
      mixture.heads(for: states).elements.withUnsafeBufferPointer {
        (result.base + rows.lowerBound * headSize).update(from: $0.baseAddress!, count: $0.count)
      }
    }
    return result
  }

  /// Fisher–Yates with a stream of its own.
  private static func shuffledIndices(_ count: Int, seed: UInt64) -> [Int32] {
    var order = (0..<Int32(count)).map { $0 }
    var stream = RandomStream(seed: seed, purpose: "distillation/split")
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, stream.index(below: last + 1))
    }
    return order
  }

  // MARK: State

  public var state: NamedTensors {
    var state = NamedTensors()
    state.add(student.state, under: "student")
    state["best"] = Tensor(.float32(best.parameters))
    state["counters"] = Tensor(.float64([Double(epoch), Double(bestEpoch), bestLoss]))
    return state
  }

  public func restore(_ state: NamedTensors) throws(StateError) {
    let counters = try state.doubles("counters", count: 3)
    let bestParameters = try state.floats("best", count: best.shape.parameterCount)
    try student.restore(state.part("student"))
    best.parameters = bestParameters
    epoch = Int(counters[0])
    bestEpoch = Int(counters[1])
    bestLoss = counters[2]
  }
}
