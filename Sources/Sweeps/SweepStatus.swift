import Foundation
public import Runs

/// How far a sweep is, as its directory says it.
public struct SweepStatus: Sendable {
  /// How a job stands.
  public enum State: String, Codable, Sendable, CaseIterable {
    case done
    /// A process works on it.
    case running
    /// What it needs is done.
    case ready
    /// Something that it needs is not done.
    case waiting
    /// Its last try ended with an error.
    case failed
    /// Something that it needs has failed.
    case blocked
  }

  /// One job and how it stands.
  public struct Entry: Sendable {
    /// The job of the plan.
    public let job: SweepJob
    /// How it stands at the moment of the look.
    public var state: State
    /// The last claim on it; `nil` where nobody has claimed it, or what the claim says cannot be
    /// read.
    public var claim: Claim?
  }

  /// In the order of the plan.
  public var entries: [Entry] = []

  /// - Parameter watch: what has been seen of claims so far.
  init(_ plan: SweepPlan, in output: String, done: inout Set<String>, watch: ClaimWatch) {
    var states: [String: State] = [:]
    for job in plan.jobs {
      var claim: Claim?
      var state: State
      // What is done stays so; a directory that holds something else shows when the job is tried.
      if done.contains(job.id) || (try? JobState.isDone(job, in: output)) == true {
        done.insert(job.id)
        state = .done
      } else {
        let needs = job.needs.map { states[$0] ?? .waiting }
        if needs.contains(where: { $0 == .failed || $0 == .blocked }) {
          state = .blocked
        } else {
          state = needs.allSatisfy { $0 == .done } ? .ready : .waiting
        }
        switch watch.look(JobClaims(job, in: output)).finding {
        case .unclaimed: break
        case .working(let found): (claim, state) = (found, .running)
        case .dead(let found): claim = found
        case .ended(let found):
          claim = found
          if found.state == .failed, state == .ready { state = .failed }
        }
      }
      states[job.id] = state
      entries.append(Entry(job: job, state: state, claim: claim))
    }
  }

  /// The status of a sweep's directory at this moment. Whether a process on another machine still lives takes
  /// a minute of watching to know: it is taken for alive.
  public init(directory: String) throws(RunError) {
    var done: Set<String> = []
    self.init(try SweepPlan.read(directory), in: directory, done: &done, watch: ClaimWatch())
  }

  /// Jobs in this state.
  public func count(_ state: State) -> Int { entries.count { $0.state == state } }

  /// Whether all jobs are done.
  public var isComplete: Bool { entries.allSatisfy { $0.state == .done } }

  /// `12 of 40 done, 2 running, 26 waiting, 0 failed`.
  public var summary: String {
    var text = "\(count(.done)) of \(entries.count) jobs done, \(count(.running)) running, "
    text += "\(count(.waiting) + count(.ready)) waiting, \(count(.failed)) failed"
    let blocked = count(.blocked)
    return blocked > 0 ? text + ", \(blocked) need what has failed" : text
  }
}
