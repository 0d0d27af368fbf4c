import RLCore
import DenseMath
extension OfflineData {
  static func transitions(path: String, rule: NextObservationRule, task: ControlTask) throws -> Transitions {
    let n = 2000
    let s = task.specification
    var g = RandomStream(seed: 1, purpose: "x")
    func m(_ c: Int) -> Matrix { Matrix(rows: n, columns: c, elements: (0..<n*c).map { _ in Float(g.uniform(-1, 1)) }) }
    return Transitions(observations: m(s.observationSize), actions: m(s.actionSize), rewards: (0..<n).map { _ in Float(g.uniform()) }, terminated: (0..<n).map { $0 % 97 == 0 }, nextObservations: m(s.observationSize))
  }
}
enum ReplayDataset {
  static func write(_ r: OnlineReplay, policyOf l: any Learner, task: ControlTask, seed: Int, to: String) throws {}
}
