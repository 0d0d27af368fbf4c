internal import CVectorKernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A fixed set of threads which share out the indices of one loop at a time.
///
/// The caller works too, so a pool of one thread runs everything inline. Each thread begins with its own
/// share of the indices, the same in every loop of that length, and then helps the others. So loops over
/// the members of an ensemble find a member's numbers in the cache of the thread that wrote them last; where
/// processors do not share a cache, fetching these from the other one took a fifth of SAC's update on two threads.
/// Which thread runs which index is left to chance all the same; callers therefore write each index's
/// result to its own place and add such results in a fixed order afterwards, which makes the outcome
/// independent of `threads`.
///
/// A worker without work looks for more for a moment and then sleeps: waking a thread takes the
/// system longer than the gaps between the loops of one update last.
public final class WorkerPool: Sendable {
  private let crew: Crew

  /// - Parameter threads: how many; `nil` takes the number of processors that the process may use
  ///   (``ProcessorBudget``). Where the system gives fewer threads the pool has fewer.
  public init(threads: Int? = nil) {
    let threads = threads ?? WorkerPool.processorCount
    precondition(threads >= 1, "a pool needs at least one thread, not \(threads)")
    crew = Crew(threads: threads)
  }

  // The threads hold the crew, not the pool: they end when nobody has use for it any more.
  deinit { crew.shutDown() }

  /// Threads that work on a loop, the caller's included.
  public var threads: Int { crew.threads }

  /// Processors that this process may use.
  public static var processorCount: Int { ProcessorBudget.current.count }

  /// Stops the threads at once, and not when the pool is released; it runs everything inline afterwards.
  public func shutDown() { crew.shutDown() }

  /// Calls `body(index, worker)` once for each index in 0 ..< count and returns when all are done.
  ///
  /// With several threads each call makes one small heap allocation; `run(_:with:_:)` makes none.
  /// - Parameter body: `worker` lies in 0 ..< threads and names scratch memory that no other
  ///   running call uses. Must not call `run` on the same pool.
  public func run(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    crew.run(count, body)
  }

  /// The same without a heap allocation, for a closure that captures nothing: what it needs it is
  /// given as `context`.
  package func run<Context>(
    _ count: Int, with context: Context,
    _ body: @escaping (_ context: Context, _ index: Int, _ worker: Int) -> Void
  ) {
    crew.run(count, with: context, body)
  }
}

/// The threads of a pool and what they share.
private final class Crew: @unchecked Sendable {
  private(set) var threads: Int

  private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var handles: [pthread_t] = []
  private let capacity: Int
  /// How long an idle worker looks for work before it sleeps.
  private let patience: UInt64

  /// What is left of each thread's share: the number of the loop in the upper half, of indices that
  /// nobody has taken in the lower. Taking one is a compare-and-exchange, so a worker that wakes up late
  /// can neither disturb the next loop nor hold up the present one.
  private let shares: UnsafeMutablePointer<Share>
  /// Number of the present loop; changed when all shares are open.
  private let number = Atomic<UInt64>(0)
  /// Indices of the present loop that are done.
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  // Written before the shares are opened; read by those who hold an index of this loop.
  private var count = 0
  private var loop: UnsafeRawPointer?
  private var call: (any Invocable.Type)?
  // Guarded by `mutex`.
  private var stopping = false

  init(threads: Int) {
    self.threads = threads
    // With more threads than processors, one that only looks keeps another from working.
    patience = threads > WorkerPool.processorCount ? 0 : 100_000
    shares = .allocate(capacity: threads)
    for thread in 0..<threads { (shares + thread).initialize(to: Share()) }
    self.capacity = threads
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
    pthread_cond_init(done, nil)
    for worker in 1..<max(threads, 1) {
      let start = Unmanaged.passRetained(Start(crew: self, worker: worker))
      var handle = pthread_t()
      let status = pthread_create(
        &handle, nil,
        { argument in
          let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
          let crew = start.crew
          start.crew = nil
          crew!.work(as: start.worker)
          return nil
        }, start.toOpaque())
      guard status == 0 else {
        start.release()
        break
      }
      handles.append(handle)
    }
    self.threads = handles.count + 1
  }

  // A thread keeps its crew alive, so none is left here.
  deinit {
    for condition in [wake, done] {
      pthread_cond_destroy(condition)
      condition.deallocate()
    }
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    shares.deinitialize(count: capacity)
    shares.deallocate()
  }

  func shutDown() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
    for handle in handles { pthread_join(handle, nil) }
    handles = []
  }

  func run(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    if threads == 1 || count <= 1 || handles.isEmpty {
      for index in 0..<count { body(index, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      share(count, Loop(context: (), body: { _, index, worker in body(index, worker) }))
    }
  }

  func run<Context>(
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
    precondition(count <= Int(UInt32.max), "a loop over \(count) indices")
    withUnsafePointer(to: loop) { loop in
      self.count = count
      self.loop = UnsafeRawPointer(loop)
      call = Loop<Context>.self
      finished.store(0, ordering: .relaxed)
      let number = number.load(ordering: .relaxed) &+ 1
      for thread in 0..<threads {
        let left = UInt64(share(of: thread, count).count)
        shares[thread].ticket.store(number << 32 | left, ordering: .releasing)
      }
      self.number.store(number, ordering: .sequentiallyConsistent)
      if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(wake)
        pthread_mutex_unlock(mutex)
      }
      work(on: number, as: 0)
      waitUntilFinished()
      self.loop = nil
      call = nil
    }
  }

  private func share(of thread: Int, _ count: Int) -> Range<Int> {
    thread * count / threads..<(thread + 1) * count / threads
  }

  /// Runs a thread's own share, then what is left of the others'.
  private func work(on number: UInt64, as worker: Int) {
    var (done, all) = (0, 0)
    for distance in 0..<threads {
      let thread = (worker + distance) % threads
      while let left = take(from: thread, of: number) {
        all = count
        call!.call(loop!, share(of: thread, all).upperBound - left, worker)
        done += 1
      }
    }
    if done == 0 { return }
    let last = finished.add(done, ordering: .sequentiallyConsistent).newValue == all
    if last && callerSleeps.load(ordering: .sequentiallyConsistent) {
      pthread_mutex_lock(mutex)
      pthread_cond_signal(self.done)
      pthread_mutex_unlock(mutex)
    }
  }

  /// Takes one index of a share: how many were left before; `nil` for none, or where the loop is over.
  private func take(from thread: Int, of number: UInt64) -> Int? {
    var seen = shares[thread].ticket.load(ordering: .acquiring)
    while seen >> 32 == number & 0xFFFF_FFFF && seen & 0xFFFF_FFFF != 0 {
      let (taken, original) = shares[thread].ticket.weakCompareExchange(
        expected: seen, desired: seen - 1, ordering: .acquiringAndReleasing)
      if taken { return Int(seen & 0xFFFF_FFFF) }
      seen = original
    }
    return nil
  }

  /// The others are at most one index away from the end, so the caller looks for longer than a
  /// worker would, but gives its processor to whoever wants it.
  private func waitUntilFinished() {
    let start = Crew.nanoseconds()
    while finished.load(ordering: .acquiring) < count {
      for _ in 0..<32 { bk_relax() }
      let waited = Crew.nanoseconds() - start
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
    var known: UInt64 = 0
    while true {
      if let next = nextLoop(after: known) {
        known = next
        work(on: next, as: worker)
        continue
      }
      pthread_mutex_lock(mutex)
      sleepers.add(1, ordering: .sequentiallyConsistent)
      while number.load(ordering: .sequentiallyConsistent) == known && !stopping {
        pthread_cond_wait(wake, mutex)
      }
      sleepers.subtract(1, ordering: .sequentiallyConsistent)
      let stop = stopping
      pthread_mutex_unlock(mutex)
      if stop { return }
    }
  }

  /// Looks for another loop until patience runs out.
  private func nextLoop(after known: UInt64) -> UInt64? {
    let start = Crew.nanoseconds()
    repeat {
      for _ in 0..<32 {
        let number = number.load(ordering: .acquiring)
        if number != known { return number }
        bk_relax()
      }
    } while Crew.nanoseconds() - start < patience
    return nil
  }

  private static func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  /// A share on cache lines of its own, as processors fetch them in pairs.
  private struct Share: ~Copyable {
    let ticket = Atomic<UInt64>(0)
    private let distance: InlineArray<15, UInt64> = InlineArray(repeating: 0)
  }

  private final class Start {
    var crew: Crew?
    let worker: Int
    init(crew: Crew, worker: Int) {
      self.crew = crew
      self.worker = worker
    }
  }
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
