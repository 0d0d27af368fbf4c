import ArgumentParser
import Environments
import Foundation
import RLCore
import Runs

struct EnvironmentList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the robots with their sizes and reference returns.",
    discussion: """
      Gymnasium's versions 2 to 4 are one task, D4RL's. Version 5, in which Minari's current datasets were \
      recorded, pays no healthy reward for the step of a fall, and Walker2d's feet grip alike.

      Example:
        bred environment list --json
      """)

  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  mutating func run() throws {
    let robots = EnvironmentKind.allCases.map(EnvironmentRecord.init)
    if json {
      try Console.print(JSONText.line(["environments": robots]))
      return
    }
    try Console.print(
      "name            version  observation  action  episode  can fall  random return  expert return"
    )
    for robot in robots {
      let name =
        robot.name.padding(toLength: 16, withPad: " ", startingAt: 0)
        + (robot.version == 5 ? "      5" : " 2 to 4")
      try Console.print(
        name
          + String(
            format: "%13d%8d%9d  %8@%15.1f%15.1f", robot.observationSize, robot.actionSize,
            robot.maximumEpisodeSteps, robot.canTerminate ? "yes" : "no", robot.randomReturn,
            robot.expertReturn))
    }
  }
}

struct EnvironmentDescribe: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "describe", abstract: "Describe one robot: what each number means.",
    discussion:
      "Examples:\n  bred environment describe hopper\n  bred environment describe Walker2d-v4 --json"
  )

  @Argument(help: "hopper, walker2d or halfcheetah; with -v5 behind it for version 5.")
  var name: String

  @Flag(name: .long, help: "Print one JSON object on standard output.")
  var json = false

  mutating func run() throws {
    let kind = try EnvironmentKind(named: name)
    var record = EnvironmentRecord(kind)
    record.observations = kind.observationTable.map(QuantityRecord.init)
    record.actions = kind.actionTable.map(QuantityRecord.init)
    if json {
      try Console.print(JSONText.line(record))
      return
    }
    try Console.print(
      "\(record.name): at most \(record.maximumEpisodeSteps) steps an episode, "
        + (record.canTerminate ? "ends when the robot falls" : "never ends early"))
    try Console.print(
      "returns of D4RL's references: random \(record.randomReturn), expert \(record.expertReturn)")
    for (title, rows) in [("observation", record.observations), ("action", record.actions)] {
      try Console.print("\n\(title)")
      for (index, row) in (rows ?? []).enumerated() {
        let meaning = row.meaning.padding(
          toLength: max(36, row.meaning.count), withPad: " ", startingAt: 0)
        let joint = row.joint.padding(
          toLength: max(16, row.joint.count), withPad: " ", startingAt: 0)
        try Console.print(String(format: "%3d  ", index) + meaning + " " + joint + " " + row.unit)
      }
    }
  }
}

struct EnvironmentRecord: Encodable {
  var name: String
  /// Gymnasium's; 4 stands for 2 to 4.
  var version: Int
  var observationSize: Int
  var actionSize: Int
  var positionSize: Int
  var velocitySize: Int
  var maximumEpisodeSteps: Int
  var canTerminate: Bool
  var randomReturn: Double
  var expertReturn: Double
  var observations: [QuantityRecord]?
  var actions: [QuantityRecord]?

  init(_ kind: EnvironmentKind) {
    let specification = kind.specification
    version = kind.version
    name = specification.name
    observationSize = specification.observationSize
    actionSize = specification.actionSize
    positionSize = specification.positionSize
    velocitySize = specification.velocitySize
    maximumEpisodeSteps = specification.maximumEpisodeSteps
    canTerminate = specification.canTerminate
    randomReturn = specification.randomReturn
    expertReturn = specification.expertReturn
  }
}

struct QuantityRecord: Encodable {
  var meaning: String
  var joint: String
  var unit: String

  init(_ quantity: Quantity) {
    meaning = quantity.meaning
    joint = quantity.joint
    unit = quantity.unit
  }
}
