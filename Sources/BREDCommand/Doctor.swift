import ArgumentParser
import DenseMath
import Foundation
import Reports
import Runs

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Report versions, processor and libraries, and what to do about what is missing.",
    discussion: "Examples:\n  bred doctor\n  bred doctor --json")

  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  mutating func run() throws {
    let report = Diagnosis()
    if json {
      try Console.print(JSONText.line(report))
    } else {
      for (name, value) in report.lines {
        try Console.print(name.padding(toLength: 22, withPad: " ", startingAt: 0) + value)
      }
      for problem in report.problems { try Console.print("\n! \(problem)") }
      if report.problems.isEmpty { try Console.print("\nEverything is in order.") }
    }
    if report.failed { throw ExitCode(1) }
  }
}
