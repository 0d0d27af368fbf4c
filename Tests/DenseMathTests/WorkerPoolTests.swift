import DenseMath
import Synchronization
import Testing

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
}
