internal import CVectorKernels
package import DenseMath
package import Networks
import RLCore

/// One agent of a CQL ensemble and its share of an update, cut into pieces that run at once.
package final class CQLMember: @unchecked Sendable {
  private typealias CQL = ConservativeQLearning
  let configuration: ConservativeQLearning.Configuration
  package let actor: TrainableNetwork
  package let critics: [TrainableNetwork]
  package private(set) var temperature: LogScalar
  /// α′ of the Lagrange version.
  package private(set) var multiplier: LogScalar

  /// Pieces of the minibatch for the actor, and smaller chunks of states for the critics.
  let pieces: Pieces
  let chunks: Pieces
  package let current: ActorDraws
  package let next: ActorDraws
  /// The regulariser's draws: noise, actions and log-densities, `[batchSize, n, actionSize]`.
  package let uniformActions: FloatBuffer
  package let currentSampleNoise: FloatBuffer
  package let nextSampleNoise: FloatBuffer
  let currentSamples: FloatBuffer
  let nextSamples: FloatBuffer
  let currentSampleLogProbs: FloatBuffer
  let nextSampleLogProbs: FloatBuffer
  /// y, `[batchSize]`.
  package let targets: FloatBuffer
  private let actionGradient: FloatBuffer
  private let cloningLogProbs: FloatBuffer
  private let noiseKey: RandomStream.Key
  private let actorSums: PartialSums
  private let criticSums: PartialSums

  private enum ActorSum: Int, CaseIterable { case pull, target }
  private enum CriticSum: Int, CaseIterable { case squaredError, regularizer, q, skipped }

  init(
    configuration: ConservativeQLearning.Configuration, observationSize: Int, actionSize: Int,
    seed: UInt64
  ) {
    self.configuration = configuration
    let batchSize = configuration.batchSize
    pieces = Pieces(total: batchSize, size: 128)
    chunks = Pieces(total: batchSize, size: 64)
    let policyShape = GaussianPolicy.shape(
      observationSize: observationSize, actionSize: actionSize,
      hiddenSizes: configuration.hiddenSizes)
    let criticShape = NetworkShape(
      inputSize: observationSize + actionSize, hiddenSizes: configuration.hiddenSizes,
      outputSize: 1)
    actor = TrainableNetwork(
      .policy(policyShape, actionSize: actionSize, seed: seed, purpose: "cql/actor"),
      parts: pieces.count)
    critics = (0..<2).map { [chunks] in
      TrainableNetwork(
        .critic(criticShape, seed: seed, purpose: "cql/critic-\($0)"), parts: chunks.count,
        hasTarget: true)
    }
    temperature = LogScalar(logarithm: configuration.initialLogTemperature)
    switch configuration.conservatism {
    case .lagrange(_, _, .scaled): multiplier = LogScalar(logarithm: 1)
    default: multiplier = LogScalar(logarithm: 0)
    }
    current = ActorDraws(
      policy: policyShape, batchSize: batchSize, bounds: configuration.logStdBounds)
    next = ActorDraws(
      policy: policyShape, batchSize: batchSize, bounds: configuration.logStdBounds,
      backward: false)
    let samples = batchSize * configuration.sampledActions
    uniformActions = FloatBuffer(count: samples * actionSize)
    currentSampleNoise = FloatBuffer(count: samples * actionSize)
    nextSampleNoise = FloatBuffer(count: samples * actionSize)
    currentSamples = FloatBuffer(count: samples * actionSize)
    nextSamples = FloatBuffer(count: samples * actionSize)
    currentSampleLogProbs = FloatBuffer(count: samples)
    nextSampleLogProbs = FloatBuffer(count: samples)
    targets = FloatBuffer(count: batchSize)
    actionGradient = FloatBuffer(count: batchSize * actionSize)
    cloningLogProbs = FloatBuffer(count: batchSize)
    noiseKey = RandomStream.Key(seed: seed, purpose: "cql/noise")
    actorSums = PartialSums(tasks: pieces.count, kinds: ActorSum.allCases.count)
    criticSums = PartialSums(tasks: 2 * chunks.count, kinds: CriticSum.allCases.count)
  }

  private var actionSize: Int { current.actionSize }
  private var samples: Int { configuration.sampledActions }

  // MARK: Drawing

  static let noiseKinds = 5

  func drawNoise(kind: Int, step: UInt64) {
    let stream = noiseKey.stream(step: step)
    let part = UInt64(kind)
    switch kind {
    case 0: stream.fillNormal(current.noise.base, count: current.noise.count, part: part)
    case 1: stream.fillNormal(next.noise.base, count: next.noise.count, part: part)
    case 2:
      stream.fillUniform(
        uniformActions.base, count: uniformActions.count, low: -1, high: 1, part: part)
    case 3:
      stream.fillNormal(currentSampleNoise.base, count: currentSampleNoise.count, part: part)
    default: stream.fillNormal(nextSampleNoise.base, count: nextSampleNoise.count, part: part)
    }
  }

  func drawCurrent(_ batch: BatchViews, rows: Range<Int>) {
    current.forward([actor], observations: batch.observations, rows: rows)
    current.draw(rows: rows)
    let first = rows.lowerBound * samples
    current.drawMore(
      rows: rows, repeats: samples, noise: currentSampleNoise.base + first * actionSize,
      actions: currentSamples.base + first * actionSize,
      logProbs: currentSampleLogProbs.base + first)
  }

  func drawNext(_ batch: BatchViews, rows: Range<Int>) {
    next.forward([actor], observations: batch.nextObservations, rows: rows)
    next.draw(rows: rows)
    let first = rows.lowerBound * samples
    next.drawMore(
      rows: rows, repeats: samples, noise: nextSampleNoise.base + first * actionSize,
      actions: nextSamples.base + first * actionSize, logProbs: nextSampleLogProbs.base + first)
  }

  // MARK: Targets and actor

  func computeTargets(_ batch: BatchViews, piece: Int, scratch: CQLScratch) {
    let rows = pieces[piece]
    switch configuration.backup {
    case .deterministic, .entropy:
      scratch.twins.softTargets(
        critics, batch: batch, rows: rows, next: next, discount: configuration.discount,
        entropyWeight: configuration.backup == .entropy ? temperature.value : 0)
      (targets.base + rows.lowerBound).update(
        from: scratch.twins.targets.base, count: rows.count)
    case .minimumOfMaxima, .maximumOfMinima:
      scratch.maximumTargets(
        critics, batch: batch, rows: rows, actions: nextSamples.base,
        inner: configuration.backup == .minimumOfMaxima ? .maximum : .minimum,
        discount: configuration.discount, into: targets.base)
    }
    var sum = 0.0
    for row in rows { sum += Double(targets.base[row]) }
    actorSums[piece, ActorSum.target.rawValue] = sum
  }

  /// ∂ minⱼ Qⱼ(s, ã)/∂ã, or the likelihood of the data's actions while the policy clones them.
  func followCritics(_ batch: BatchViews, piece: Int, clones: Bool, scratch: CriticScratch) {
    let rows = pieces[piece]
    if clones {
      current.logProb(ofGiven: batch.actions, rows: rows, into: cloningLogProbs.base)
      var sum = 0.0
      for row in rows { sum += Double(cloningLogProbs.base[row]) }
      actorSums[piece, ActorSum.pull.rawValue] = sum
    } else {
      scratch.evaluateDrawn(critics, batch: batch, rows: rows, current: current)
      actorSums[piece, ActorSum.pull.rawValue] = scratch.twinMinimumGradient(
        critics, rows: rows, current: current, into: actionGradient.base)
    }
  }

  func improveActor(_ batch: BatchViews, piece: Int, clones: Bool) {
    current.backward(
      clones ? .cloning(actions: batch.actions) : .value(actionGradient: actionGradient.base),
      policy: [actor], observations: batch.observations, rows: pieces[piece],
      temperature: temperature.value, part: piece)
  }

  // MARK: Critics

  /// ∂L_Q/∂R: the weight of the regulariser.
  private var regularizerWeight: Float {
    switch configuration.conservatism {
    case .fixed(let weight): weight
    case .lagrange(let weight, _, _): weight * min(multiplier.value, 1e6)
    }
  }

  func fitCritic(twin: Int, _ batch: BatchViews, chunk: Int, scratch: CQLScratch) {
    let result = scratch.fit(
      critics[twin], part: chunk, batch: batch, states: chunks[chunk], member: self,
      regularizerWeight: regularizerWeight)
    let task = twin * chunks.count + chunk
    criticSums[task, CriticSum.squaredError.rawValue] = result.squaredError
    criticSums[task, CriticSum.regularizer.rawValue] = result.regularizer
    criticSums[task, CriticSum.q.rawValue] = result.q
    criticSums[task, CriticSum.skipped.rawValue] = Double(result.skippedRows)
  }

  /// Rⱼ of the last update, for one twin.
  package func regularizer(twin: Int) -> Double {
    criticSums.total(
      CriticSum.regularizer.rawValue, tasks: twin * chunks.count..<(twin + 1) * chunks.count)
      / Double(configuration.batchSize)
  }

  // MARK: Scalars

  private var targetEntropy: Double { configuration.targetEntropy ?? -Double(actionSize) }

  func stepScalars() {
    temperature.step(
      gradient: -(mean(current.logProbs) + targetEntropy),
      learningRate: Double(configuration.policyLearningRate))
    if case .lagrange = configuration.conservatism {
      multiplier.step(
        gradient: multiplierGradient, learningRate: Double(configuration.criticLearningRate))
    }
  }

  /// Gradient of −½ Σⱼ penaltyⱼ with respect to log α′.
  package var multiplierGradient: Double {
    guard case .lagrange(let weight, let gap, let form) = configuration.conservatism else {
      return 0
    }
    if multiplier.value >= 1e6 { return 0 }
    let alpha = Double(multiplier.value)
    let (w, gap64) = (Double(weight), Double(gap))
    return -0.5
      * (0..<2).reduce(0.0) { sum, twin in
        let value = regularizer(twin: twin)
        return sum + (form == .official ? alpha * (w * value - gap64) : alpha * w * (value - gap64))
      }
  }

  func summarize(updateCount: Int, into values: inout [Double], at offset: Int) {
    let rows = Double(configuration.batchSize)
    let meanLogProb = mean(current.logProbs)
    values[offset] = criticSums.total(CriticSum.squaredError.rawValue) / (2 * rows)
    values[offset + 1] = criticSums.total(CriticSum.regularizer.rawValue) / (2 * rows)
    values[offset + 2] =
      Double(temperature.value) * meanLogProb - actorSums.total(ActorSum.pull.rawValue) / rows
    values[offset + 3] = Double(temperature.value)
    values[offset + 4] = Double(multiplier.value)
    values[offset + 5] = -meanLogProb
    values[offset + 6] = criticSums.total(CriticSum.q.rawValue) / (2 * rows)
    values[offset + 7] = actorSums.total(ActorSum.target.rawValue) / rows
    values[offset + 8] =
      criticSums.total(CriticSum.skipped.rawValue)
      / (2 * rows * Double(configuration.rowsPerState))
  }

  func clearGradients() {
    actor.clearGradient()
    for critic in critics { critic.clearGradient() }
  }

  // MARK: State

  var state: NamedTensors {
    var state = NamedTensors()
    state.add(actor.state, under: "actor")
    state.add(critics[0].state, under: "critic-0")
    state.add(critics[1].state, under: "critic-1")
    state["temperature"] = temperature.state
    state["multiplier"] = multiplier.state
    return state
  }

  func restore(_ state: NamedTensors) throws(StateError) {
    try actor.restore(state.part("actor"))
    try critics[0].restore(state.part("critic-0"))
    try critics[1].restore(state.part("critic-1"))
    try temperature.restore(state, "temperature")
    try multiplier.restore(state, "multiplier")
  }
}
