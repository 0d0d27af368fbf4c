#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif
import Synchronization

/// A fixed set of threads which share out the indices of one loop at a time.
///
/// The caller works too, so a pool of one thread runs everything inline. Which thread runs which
/// index is left to chance; callers therefore write each index's result to its own place and add
/// such results in a fixed order afterwards, which makes the outcome independent of `threads`.
/// Idle workers sleep.
public final class WorkerPool: @unchecked Sendable {
  /// Threads that work on a loop, the caller's included.
  public let threads: Int

  private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var handles: [pthread_t] = []

  // Guarded by `mutex`, except that workers read the job between the two barriers of one loop.
  private let generation = Atomic<Int>(0)
  private let nextIndex = Atomic<Int>(0)
  private let working = Atomic<Int>(0)
  private var count = 0
  private var job: Job?
  private var stopping = false

  /// - Parameter threads: how many; `nil` takes the number of processors online.
  public init(threads: Int? = nil) {
    let threads = threads ?? WorkerPool.processorCount
    precondition(threads >= 1, "a pool needs at least one thread, not \(threads)")
    self.threads = threads
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
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
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    wake.deallocate()
    mutex.deallocate()
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
  /// - Parameter body: `worker` lies in 0 ..< threads and names scratch memory that no other
  ///   running call uses. Must not call `run` on the same pool.
  public func run(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    if threads == 1 || count <= 1 || handles.isEmpty {
      for index in 0..<count { body(index, 0) }
      return
    }
    withoutActuallyEscaping(body) { body in
      pthread_mutex_lock(mutex)
      job = Job(body: body)
      self.count = count
      nextIndex.store(0, ordering: .relaxed)
      working.store(handles.count, ordering: .relaxed)
      generation.add(1, ordering: .releasing)
      pthread_cond_broadcast(wake)
      pthread_mutex_unlock(mutex)

      drain(worker: 0)
      // The others are at most one index away from the end.
      var spins = 0
      while working.load(ordering: .acquiring) > 0 {
        spins += 1
        if spins > 2_000 { sched_yield() }
      }
      job = nil
    }
  }

  private func drain(worker: Int) {
    guard let body = job?.body else { return }
    while true {
      let index = nextIndex.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      body(index, worker)
    }
  }

  private func work(as worker: Int) {
    var seen = 0
    while true {
      // A short look before sleeping: the next loop of an update usually follows within microseconds.
      var spins = 0
      while generation.load(ordering: .acquiring) == seen && spins < 4_000 { spins += 1 }
      if generation.load(ordering: .acquiring) == seen {
        pthread_mutex_lock(mutex)
        while generation.load(ordering: .acquiring) == seen && !stopping {
          pthread_cond_wait(wake, mutex)
        }
        let stop = stopping
        pthread_mutex_unlock(mutex)
        if stop { return }
      }
      seen = generation.load(ordering: .acquiring)
      drain(worker: worker)
      working.subtract(1, ordering: .releasing)
    }
  }

  /// A closure in a structure: an optional closure by itself would be boxed on the heap at each loop.
  private struct Job {
    let body: (Int, Int) -> Void
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
