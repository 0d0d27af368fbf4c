import DenseMath
import Foundation
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 3, 8]) func runsEveryIndexOnce(threads: Int) {
    let pool = WorkerPool(threads: threads)
    defer { pool.shutDown() }
    for count in [0, 1, 2, 7, 1000] {
      let buffer = FloatBuffer(count: max(count, 1))
      let strangers = Atomic<Int>(0)
      pool.run(count) { index, worker in
        buffer.base[index] += Float(index + 1)
        if worker < 0 || worker >= threads { strangers.add(1, ordering: .relaxed) }
      }
      #expect(Array(buffer.elements.prefix(count)) == (0..<count).map { Float($0 + 1) })
      #expect(strangers.load(ordering: .relaxed) == 0)
    }
  }

  @Test func survivesManyShortLoops() {
    let pool = WorkerPool(threads: 4)
    defer { pool.shutDown() }
    let total = Atomic<Int>(0)
    for _ in 0..<20_000 { pool.run(3) { index, _ in total.add(index, ordering: .relaxed) } }
    #expect(total.load(ordering: .relaxed) == 60_000)
  }

  #if os(Linux)
    /// Who makes a pool for each of a thousand experiments need not think of its threads.
    @Test func threadsEndWithTheirPool() {
      /// `123/task/456`
      func thread() -> String {
        var text = [CChar](repeating: 0, count: 64)
        readlink("/proc/thread-self", &text, text.count - 1)
        return text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
      }
      // ThreadSanitizer knows this lock, and not the standard library's.
      let lock = NSLock()
      nonisolated(unsafe) var threads: Set<String> = []
      do {
        let pool = WorkerPool(threads: 3)
        let present = Atomic<Int>(0)
        // Nobody goes on before all three are there.
        pool.run(3) { _, _ in
          lock.withLock { _ = threads.insert(thread()) }
          present.add(1, ordering: .sequentiallyConsistent)
          while present.load(ordering: .sequentiallyConsistent) < 3 { sched_yield() }
        }
      }
      #expect(threads.count == 3)
      // The caller's is left.
      #expect(threads.count { access("/proc/\($0)", F_OK) == 0 } == 1)
    }
  #endif

  @Test func workersNeverShareScratch() {
    let pool = WorkerPool(threads: 4)
    defer { pool.shutDown() }
    let busy = (0..<4).map { _ in FloatBuffer(count: 1) }
    let clashes = Atomic<Int>(0)
    pool.run(2000) { _, worker in
      if busy[worker].base[0] != 0 { clashes.add(1, ordering: .relaxed) }
      busy[worker].base[0] = 1
      busy[worker].base[0] = 0
    }
    #expect(clashes.load(ordering: .relaxed) == 0)
  }

  /// Pauses long enough for the workers to fall asleep, and loops longer than the caller's patience.
  @Test(arguments: [2, 5]) func wakesSleepersAndTheCaller(threads: Int) {
    let pool = WorkerPool(threads: threads)
    defer { pool.shutDown() }
    let done = Atomic<Int>(0)
    for round in 0..<12 {
      usleep(round % 3 == 0 ? 2_000 : 0)
      pool.run(threads + 1, with: round) { round, index, _ in
        if index == 1 { usleep(round % 2 == 0 ? 6_000 : 10) }
      }
      pool.run(3) { _, _ in done.add(1, ordering: .relaxed) }
    }
    #expect(done.load(ordering: .relaxed) == 36)
  }

  @Test func contextReachesEveryIndex() {
    let pool = WorkerPool(threads: 3)
    defer { pool.shutDown() }
    let buffer = FloatBuffer(count: 100)
    for factor in 1...50 {
      pool.run(100, with: (buffer, Float(factor))) { context, index, _ in
        context.0.base[index] += context.1 * Float(index)
      }
    }
    #expect(buffer.elements == (0..<100).map { Float($0 * 1275) })
  }

  /// One thread is held up by its first index: the others do the rest of its share.
  @Test(arguments: [2, 3]) func helpsAThreadThatIsHeldUp(threads: Int) {
    let pool = WorkerPool(threads: threads)
    defer { pool.shutDown() }
    let others = Atomic<Int>(0)
    let waited = Atomic<Bool>(false)
    pool.run(12) { index, _ in
      guard index == 0 else {
        others.add(1, ordering: .sequentiallyConsistent)
        return
      }
      for _ in 0..<20_000 where others.load(ordering: .sequentiallyConsistent) < 11 { usleep(500) }
      waited.store(
        others.load(ordering: .sequentiallyConsistent) == 11, ordering: .sequentiallyConsistent)
    }
    let helped = waited.load(ordering: .sequentiallyConsistent)
    #expect(helped)
  }
}
