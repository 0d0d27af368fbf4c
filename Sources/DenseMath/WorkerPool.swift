internal import CVectorKernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A fixed set of threads which share out the indices of one loop at a time.
///
/// The caller works too, so a pool of one thread runs everything inline. Thread t first takes the
/// indices t, t + threads, t + 2·threads, …, in this order, so that loops over the same pieces of data find
/// them in the caches of the cores that had them before; who is done waits a moment and takes what others
/// have left then, from the end. Which thread runs which index is thus left to chance; callers therefore write each index's
/// result to its own place and add such results in a fixed order afterwards, which makes the outcome
/// independent of `threads`.
///
/// A worker without work looks for more for a moment and then sleeps: waking a thread takes the
/// system longer than the gaps between the loops of one update last.
public final class WorkerPool: @unchecked Sendable {
  /// Threads that work on a loop, the caller's included.
  public let threads: Int

  private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var handles: [pthread_t] = []
  /// How long an idle worker looks for work before it sleeps, in nanoseconds.
  private let patience: UInt64
  /// How long one that is done leaves others their share.
  private let hesitation: UInt64

  /// The number of the present loop.
  private let opened = Atomic<UInt64>(0)
  /// What each thread has left of its share, a cache line pair apart. Taking one is a
  /// compare-and-exchange on a word that names its loop, so a worker that wakes up late can neither
  /// disturb the next loop nor hold up the present one.
  private let shares: UnsafeMutablePointer<Atomic<UInt64>>
  private static let stride = 16
  /// Indices of the present loop that are done.
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  // Written before the shares are; read by those who hold an index of this loop.
  private var count = 0
  private var loop: UnsafeRawPointer?
  private var call: (any Invocable.Type)?
  // Guarded by `mutex`.
  private var stopping = false

  /// - Parameter threads: how many; `nil` takes the number of processors online.
  public init(threads: Int? = nil) {
    let threads = threads ?? WorkerPool.processorCount
    precondition(threads >= 1, "a pool needs at least one thread, not \(threads)")
    self.threads = threads
    shares = .allocate(capacity: threads * Self.stride)
    for place in 0..<threads * Self.stride { (shares + place).initialize(to: Atomic(0)) }
    // With more threads than processors, one that only looks keeps another from working.
    let crowded = threads > WorkerPool.processorCount
    patience = crowded ? 0 : 100_000
    hesitation = crowded ? 0 : 30_000
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    pthread_cond_init(done, nil)
    for worker in 1..<max(threads, 1) {
      let start = Unmanaged.passRetained(Start(pool: self, worker: worker))
      var handle = pthread_t()
      let status = pthread_create(
        &handle, nil,
        { argument in
          let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
          let pool = start.pool
          start.pool = nil
          pool!.work(as: start.worker)
          return nil
        }, start.toOpaque())
      precondition(status == 0, "cannot start worker thread \(worker): error \(status)")
      handles.append(handle)
    }
  }

  // A thread keeps its pool alive, so none is left here.
  deinit {
    for condition in [wake, done] {
      pthread_cond_destroy(condition)
      condition.deallocate()
    }
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    shares.deinitialize(count: threads * Self.stride)
    shares.deallocate()
  }

  /// Stops the threads; the pool runs nothing afterwards.
  ///
  /// Only pools made for a short purpose (tests, benchmarks) need this: the threads of a pool that
  /// lives as long as the process end with it.
  public func shutDown() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
    for handle in handles { pthread_join(handle, nil) }
    handles = []
  }

  public static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// Calls `body(index, worker)` once for each index in 0 ..< count and returns when all are done.
  ///
  /// With several threads each call makes one small heap allocation; ``run(_:with:_:)`` makes none.
  /// - Parameter body: `worker` lies in 0 ..< threads and names scratch memory that no other
  ///   running call uses. Must not call `run` on the same pool.
  public func run(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    if threads == 1 || count <= 1 || handles.isEmpty {
      for index in 0..<count { body(index, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      share(count, Loop(context: (), body: { _, index, worker in body(index, worker) }))
    }
  }

  /// The same without a heap allocation, for a closure that captures nothing: what it needs it is
  /// given as `context`.
  package func run<Context>(
    _ count: Int, with context: Context,
    _ body: @escaping (_ context: Context, _ index: Int, _ worker: Int) -> Void
  ) {
    if threads == 1 || count <= 1 || handles.isEmpty {
      for index in 0..<count { body(context, index, 0) }
      return
    }
    share(count, Loop(context: context, body: body))
  }

  private func share<Context>(_ count: Int, _ loop: Loop<Context>) {
    precondition(count <= threads * Share.limit, "a loop over \(count) indices")
    withUnsafePointer(to: loop) { loop in
      self.count = count
      self.loop = UnsafeRawPointer(loop)
      call = Loop<Context>.self
      finished.store(0, ordering: .relaxed)
      let number = opened.load(ordering: .relaxed) &+ 1
      for worker in 0..<threads {
        let indices = (count - worker + threads - 1) / threads
        shares[worker * Self.stride].store(
          Share(loop: number, first: 0, end: max(indices, 0)).word, ordering: .releasing)
      }
      opened.store(number, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
      }
      work(on: 0, loop: number)
      waitUntilFinished()
      self.loop = nil
      call = nil
    }
  }

  /// Runs the worker's own share of a loop and then what others are late with.
  private func work(on worker: Int, loop number: UInt64) {
    while let index = take(from: worker, ofOwn: true, loop: number) { run(index, worker) }
    if hesitation > 0, !othersStayBehind(worker, loop: number) { return }
    for distance in 1..<threads {
      let other = (worker + distance) % threads
      while let index = take(from: other, ofOwn: false, loop: number) { run(index, worker) }
    }
  }

  /// Whether others still have untouched indices after a moment. To take them at once would save less
  /// than it costs to fetch their data from another core, now and when they go back.
  private func othersStayBehind(_ worker: Int, loop number: UInt64) -> Bool {
    let start = WorkerPool.nanoseconds()
    repeat {
      let isBehind = (1..<threads).contains { distance in
        let other = shares + (worker + distance) % threads * Self.stride
        return !Share(word: other.pointee.load(ordering: .relaxed)).isDone(ofLoop: number)
      }
      if !isBehind { return false }
      for _ in 0..<32 { bk_relax() }
    } while WorkerPool.nanoseconds() - start < hesitation
    return true
  }

  private func take(from owner: Int, ofOwn: Bool, loop number: UInt64) -> Int? {
    let place = shares + owner * Self.stride
    var seen = place.pointee.load(ordering: .acquiring)
    while true {
      var share = Share(word: seen)
      if share.isDone(ofLoop: number) { return nil }
      let turn = ofOwn ? share.first : share.end - 1
      if ofOwn { share.first += 1 } else { share.end -= 1 }
      let (taken, original) = place.pointee.weakCompareExchange(
        expected: seen, desired: share.word, ordering: .acquiringAndReleasing)
      if taken { return owner + threads * turn }
      seen = original
    }
  }

  private func run(_ index: Int, _ worker: Int) {
    let count = count
    call!.call(loop!, index, worker)
    let last = finished.add(1, ordering: .sequentiallyConsistent).newValue == count
    if last && callerSleeps.load(ordering: .sequentiallyConsistent) {
      pthread_mutex_lock(mutex)
      pthread_cond_signal(done)
      pthread_mutex_unlock(mutex)
    }
  }

  /// The others are at most one index away from the end, so the caller looks for longer than a
  /// worker would, but gives its processor to whoever wants it.
  private func waitUntilFinished() {
    let start = WorkerPool.nanoseconds()
    while finished.load(ordering: .acquiring) < count {
      for _ in 0..<32 { bk_relax() }
      let waited = WorkerPool.nanoseconds() - start
      if waited > patience { sched_yield() }
      if waited > 2_000_000 {
        pthread_mutex_lock(mutex)
        callerSleeps.store(true, ordering: .sequentiallyConsistent)
        while finished.load(ordering: .sequentiallyConsistent) < count {
          pthread_cond_wait(done, mutex)
        }
        callerSleeps.store(false, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(mutex)
      }
    }
  }

  private func work(as worker: Int) {
    var seen: UInt64 = 0
    while true {
      if !waitsBriefly(forLoopAfter: seen) {
        pthread_mutex_lock(mutex)
        sleepers.add(1, ordering: .sequentiallyConsistent)
        while opened.load(ordering: .sequentiallyConsistent) == seen && !stopping {
          pthread_cond_wait(wake, mutex)
        }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        let stop = stopping
        pthread_mutex_unlock(mutex)
        if stop { return }
      }
      seen = opened.load(ordering: .acquiring)
      work(on: worker, loop: seen)
    }
  }

  /// Looks for a new loop until patience runs out.
  private func waitsBriefly(forLoopAfter seen: UInt64) -> Bool {
    let start = WorkerPool.nanoseconds()
    repeat {
      for _ in 0..<32 {
        if opened.load(ordering: .acquiring) != seen { return true }
        bk_relax()
      }
    } while WorkerPool.nanoseconds() - start < patience
    return false
  }

  private static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  private final class Start {
    var pool: WorkerPool?
    let worker: Int
    init(pool: WorkerPool, worker: Int) {
      self.pool = pool
      self.worker = worker
    }
  }
}

/// What a thread has left of its share: turns `first` ..< `end`, of the loop whose number it carries.
private struct Share {
  var loop: UInt64
  var first: Int
  var end: Int

  /// Indices that one thread's share can hold.
  static let limit = 1 << 20 - 1

  init(loop: UInt64, first: Int, end: Int) {
    self.loop = loop & Share.loops
    self.first = first
    self.end = end
  }

  private static let loops: UInt64 = 0xFF_FFFF

  /// Nothing is left, or the share belongs to a later loop already.
  func isDone(ofLoop number: UInt64) -> Bool {
    first >= end || loop != number & Share.loops
  }

  init(word: UInt64) {
    loop = word >> 40
    first = Int(word >> 20 & 0xF_FFFF)
    end = Int(word & 0xF_FFFF)
  }

  var word: UInt64 { loop << 40 | UInt64(first) << 20 | UInt64(end) }
}

/// A loop's body without its type: a metatype is two words, an existential value would be boxed.
private protocol Invocable {
  static func call(_ loop: UnsafeRawPointer, _ index: Int, _ worker: Int)
}

private struct Loop<Context>: Invocable {
  let context: Context
  let body: (Context, Int, Int) -> Void

  static func call(_ loop: UnsafeRawPointer, _ index: Int, _ worker: Int) {
    let loop = loop.assumingMemoryBound(to: Loop.self)
    loop.pointee.body(loop.pointee.context, index, worker)
  }
}
