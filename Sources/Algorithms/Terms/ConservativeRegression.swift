internal import CVectorKernels
package import Autodiff
import DenseMath

/// The critics' loss of CQL with its gradient, in one pass over blocks of states:
///
///     (Q(s, a) − y)² + w·[T·log Σᵢ exp((Q(s, aᵢ) − log μ(aᵢ))/T) − Q(s, a)]
///
/// (Kumar et al. 2020, arXiv:2006.04779, eq. 4, with the factors of the authors' code). Nothing of all
/// rows × actions is ever stored, the state part of the first layer is computed once per state, and
/// units that are off for all actions of a state and rows whose softmax weight is below float rounding are
/// left out; the result equals the dense computation to rounding. Shared by CQL, CQL fine-tuning and Cal-QL,
/// whose floor under the Q of the policy's actions is an option of the call.
package final class ConservativeRegression: @unchecked Sendable {
  /// What the log-sum-exp runs over.
  package enum Candidates {
    /// Importance-sampled: each Q corrected by its action's log-density (CQL(H)).
    case corrected
    /// No correction, and the dataset's action joins the sum (CQL(ρ)).
    case plain
  }

  private let critics: Critics
  private let candidates: Candidates
  /// n, actions of each of the three kinds.
  private let samples: Int
  private let temperature: Float
  private let actionSize: Int
  private let workers: [Worker]
  /// Whether rows without gradient get no backward pass; tests switch it off.
  package var skipsRows = true

  /// States that one task works on.
  private static let pieceStates = 64
  /// Sums that a task keeps.
  private static let kinds = 5
  /// 30 rows of this weight together are below half a unit in the last place of 1.
  private static let negligibleWeight: Float = 0x1p-30

  private final class Worker: @unchecked Sendable {
    let pass: AdaptivePass
    let actions, q, rowGradient, logits, softmax, logSumExp: FloatBuffer
    let kept: UnsafeMutablePointer<Int32>

    init(_ pass: AdaptivePass, perState: Int, actionSize: Int) {
      self.pass = pass
      let rows = pass.maximumRows
      actions = FloatBuffer(count: rows * actionSize)
      (q, rowGradient) = (FloatBuffer(count: rows), FloatBuffer(count: rows))
      (logits, softmax) = (FloatBuffer(count: rows), FloatBuffer(count: rows))
      logSumExp = FloatBuffer(count: rows / perState)
      kept = .allocate(capacity: rows)
      kept.initialize(repeating: 0, count: rows)
    }

    deinit { kept.deallocate() }
  }

  package init(
    _ critics: Critics, actionSize: Int, samples: Int, temperature: Double, candidates: Candidates
  ) {
    self.critics = critics
    self.samples = samples
    self.temperature = Float(temperature)
    self.candidates = candidates
    self.actionSize = actionSize
    let perState = 1 + 3 * samples
    let shape = critics.stack.shape
    workers = (0..<critics.stack.workers).map { _ in
      Worker(
        AdaptivePass(
          shape: shape, actionSize: actionSize, maximumStates: Self.pieceStates,
          repeats: perState, maximumRows: max(256, perState)),
        perState: perState, actionSize: actionSize)
    }
  }

  /// Tests and benchmarks take one pass throughout with it.
  package var forcedPass: PassKind? {
    didSet { for worker in workers { worker.pass.forced = forcedPass } }
  }
  /// What the passes over all actions have done so far.
  package var tally: PassTally { workers.reduce(into: PassTally()) { $0 += $1.pass.tally } }

  /// What the last evaluation found; sums over pieces are added in order.
  package struct Findings {
    /// Mean over states of the squared error, of R, and of Q(s, a), one per critic.
    package var squaredErrors, regularizers, values: Variable
    /// Share of rows that got no backward pass.
    package var skipped: Double
    /// Share of the policy's actions whose Q is below the floor.
    package var floored: Double
    package let loss: FusedLoss
  }

  /// One evaluation, as the tasks see it.
  private struct Job {
    let term: ConservativeRegression
    let observations, actions, y: Variable
    let weight: Float
    let draws: (uniform: Draw, current: Draw, next: Draw)
    let floor: Variable?
    /// Sums of each task: squared error, R, Q, rows left out, rows below the floor.
    let sums: UnsafeMutablePointer<Double>
    let pieces: Int

    func draw(_ kind: Int) -> Draw {
      kind == 0 ? draws.uniform : kind == 1 ? draws.current : draws.next
    }
  }

  /// - Parameters:
  ///   - y: the TD target, `[rows, 1]`, a constant.
  ///   - weight: w of the regulariser.
  ///   - against: uniform actions, those of π(·∣s) and of π(·∣s′), n each for every row.
  ///   - floor: what counts in place of a lesser Q of the policy's actions, `[rows, 1]`; Q gets no gradient
  ///     there (Nakamoto et al. 2023, arXiv:2303.05479).
  package func callAsFunction(
    _ observations: Variable, _ actions: Variable, to y: Variable, weight: Double,
    against draws: (uniform: Draw, current: Draw, next: Draw), floor: Variable? = nil
  ) -> Findings {
    let (tape, stack) = (observations.tape, critics.stack)
    require(stack.block.isTrained, "CQL's loss of '\(stack.block.name)' outside its training")
    require(!y.isRecorded, "CQL's loss takes a constant target; detach it")
    let (rows, members) = (y.rows, stack.members)
    let pieces = (rows + Self.pieceStates - 1) / Self.pieceStates
    stack.block.reserve(pieces: pieces)
    let sums = tape.doubles(Self.kinds * members * pieces)
    let job = Job(
      term: self, observations: observations, actions: actions, y: y, weight: Float(weight),
      draws: draws, floor: floor, sums: sums, pieces: pieces)
    tape.pool.run(members * pieces, with: job) { job, task, worker in
      job.term.fit(job, task: task, worker: job.term.workers[worker])
    }
    let count = Double(rows)
    func total(_ kind: Int, _ member: Int) -> Double {
      (0..<pieces).reduce(0) { $0 + sums[Self.kinds * (member * pieces + $1) + kind] }
    }
    func column(_ kind: Int) -> Variable {
      let out = tape.floats(members)
      for member in 0..<members { out[member] = Float(total(kind, member) / count) }
      return tape.constant(out, rows: members, columns: 1)
    }
    func mean(_ kind: Int) -> Double { (0..<members).reduce(0) { $0 + total(kind, $1) } / count }
    return Findings(
      squaredErrors: column(0), regularizers: column(1), values: column(2),
      skipped: mean(3) / Double(members * (1 + 3 * samples)),
      floored: mean(4) / Double(members * 2 * samples),
      loss: FusedLoss(mean: mean(0) + weight * mean(1)))
  }

  private func fit(_ job: Job, task: Int, worker: Worker) {
    let (member, piece) = (task / job.pieces, task % job.pieces)
    let states = piece * Self.pieceStates..<min((piece + 1) * Self.pieceStates, job.y.rows)
    let gradient = critics.stack.block.gradient(member, piece: piece)
    let network = critics.stack.view(member)
    let observations = job.observations.view.rows(states)
    let (pass, perState) = (worker.pass, 1 + 3 * samples)
    let sums = job.sums + Self.kinds * task
    pass.begin(network, observations: observations)
    pass.clearGradient(states: states.count)
    var start = 0
    while start < states.count {
      let block = start..<min(start + pass.blockStates, states.count)
      let first = states.lowerBound + start
      gather(job, first: first, count: block.count, into: worker.actions.base)
      pass.forward(
        network, states: block, repeats: perState, actions: worker.actions.base,
        into: worker.q.base)
      let kept = differentiate(job, first: first, count: block.count, worker, sums)
      pass.backward(
        network, states: block, repeats: perState, actions: worker.actions.base,
        rowGradient: worker.rowGradient.base, rows: worker.kept, count: kept, into: gradient)
      start = block.upperBound
    }
    pass.finish(network, observations: observations, into: gradient)
  }

  /// The actions of each state side by side: the data's, n uniform, n of π(·∣s), n of π(·∣s′).
  private func gather(_ job: Job, first: Int, count: Int, into out: Floats) {
    let each = samples * actionSize
    var place = out
    for row in first..<first + count {
      place.update(from: job.actions.values + row * actionSize, count: actionSize)
      place += actionSize
      for kind in 0..<3 {
        place.update(from: job.draw(kind).actions.values + row * each, count: each)
        place += each
      }
    }
  }

  /// ∂loss/∂Q of every row of the block, and the list of rows that matter.
  /// - Returns: how many these are.
  private func differentiate(
    _ job: Job, first: Int, count: Int, _ worker: Worker, _ sums: UnsafeMutablePointer<Double>
  ) -> Int {
    let (n, perState) = (samples, 1 + 3 * samples)
    let includesData = candidates == .plain
    let entries = includesData ? perState : perState - 1
    let (q, logits) = (worker.q.base, worker.logits.base)
    func floor(_ i: Int) -> Float { job.floor?.values[first + i] ?? -.infinity }
    for i in 0..<count {
      let row = logits + i * entries
      let (values, least) = (q + i * perState, floor(i))
      if includesData {
        row.update(from: values, count: perState)
        for j in 1 + n..<perState where values[j] < least { row[j] = least }
        continue
      }
      for kind in 0..<3 {
        let density = job.draw(kind).logProbs.values + (first + i) * n
        for j in 0..<n {
          let value = values[1 + kind * n + j]
          row[kind * n + j] = (kind > 0 && value < least ? least : value) - density[j]
        }
      }
    }
    bk_softmax_rows(logits, worker.softmax.base, worker.logSumExp.base, temperature, count, entries)
    let (scale, weight) = (1 / Float(job.y.rows), job.weight)
    var kept = 0
    for i in 0..<count {
      let (own, value) = (i * perState, q[i * perState])
      let error = value - job.y.values[first + i]
      sums[0] += Double(error * error)
      sums[1] += Double(worker.logSumExp.base[i] - value)
      sums[2] += Double(value)
      let shares = worker.softmax.base + i * entries
      worker.rowGradient.base[own] =
        scale * (2 * error + weight * ((includesData ? shares[0] : 0) - 1))
      worker.kept[kept] = Int32(own)
      kept += 1
      let sampled = includesData ? shares + 1 : shares
      let least = floor(i)
      for j in 0..<perState - 1 {
        if j >= n && q[own + 1 + j] < least {
          sums[4] += 1
          continue
        }
        // Written so that a NaN is kept and noticed.
        if skipsRows && sampled[j] < Self.negligibleWeight { continue }
        worker.rowGradient.base[own + 1 + j] = scale * weight * sampled[j]
        worker.kept[kept] = Int32(own + 1 + j)
        kept += 1
      }
    }
    sums[3] += Double(count * perState - kept)
    return kept
  }
}
