package import DenseMath
package import RLCore

/// The columns of a minibatch as memory that kernels read.
package struct BatchViews {
  package let observations: MatrixView
  package let actions: MatrixView
  package let rewards: UnsafePointer<Float>
  package let masks: UnsafePointer<Float>
  package let nextObservations: MatrixView
}

extension Batch {
  /// Calls `body` with views that are valid during the call.
  package func withViews<Result>(_ body: (BatchViews) -> Result) -> Result {
    observations.withView { observations in
      actions.withView { actions in
        nextObservations.withView { nextObservations in
          rewards.withUnsafeBufferPointer { rewards in
            masks.withUnsafeBufferPointer { masks in
              body(
                BatchViews(
                  observations: observations, actions: actions, rewards: rewards.baseAddress!,
                  masks: masks.baseAddress!, nextObservations: nextObservations))
            }
          }
        }
      }
    }
  }
}

/// A minibatch cut into pieces of a size that depends on its shape alone, never on the threads.
package struct Pieces: Sendable {
  package let total: Int
  package let size: Int

  package init(total: Int, size: Int) {
    self.total = total
    self.size = size
  }

  package var count: Int { (total + size - 1) / size }
  package subscript(_ index: Int) -> Range<Int> {
    index * size..<min((index + 1) * size, total)
  }
}

/// Sums that tasks leave behind, one row per task, added up in the order of the tasks.
package final class PartialSums: @unchecked Sendable {
  private let values: UnsafeMutablePointer<Double>
  package let tasks: Int
  package let kinds: Int

  package init(tasks: Int, kinds: Int) {
    self.tasks = tasks
    self.kinds = kinds
    values = .allocate(capacity: tasks * kinds)
    values.initialize(repeating: 0, count: tasks * kinds)
  }

  deinit { values.deallocate() }

  package subscript(task: Int, kind: Int) -> Double {
    get { values[task * kinds + kind] }
    set { values[task * kinds + kind] = newValue }
  }

  package func total(_ kind: Int, tasks range: Range<Int>? = nil) -> Double {
    var sum = 0.0
    for task in range ?? 0..<tasks { sum += values[task * kinds + kind] }
    return sum
  }
}
