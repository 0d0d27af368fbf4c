import Foundation
import TestSupport
import Testing

@Suite struct SweepTests {
  let folder = TemporaryDirectory()
  let workshop = Workshop.shared

  /// Two methods that share agents, and one without, two seeds each.
  private func sweep(
    _ name: String = "sweep.yaml", updates: Int = 40, steps: Int = 400, more: String = ""
  ) throws -> String {
    let path = folder.file(name)
    try """
    tasks: [hopper-medium-v2]
    methods: [bred, cql-ft, sac]
    seeds: [0, 1]
    datasets: {hopper-medium-v2: \(workshop.dataset)}
    set:
      networks: {hiddenUnits: 16}
      offline: {members: 2, gradientSteps: \(updates), epochSteps: 10, cql: {batchSize: 16}}
      distillation: {epochs: 3, epochSteps: 10}
      online: {environmentSteps: \(steps), blockSteps: 100, firstBlockMultiplier: 2, sac: {batchSize: 32}}
      evaluation: {episodes: 1}
    \(more)
    """.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// Weights of a folder by path.
  private func weights(_ output: String) -> [String: Data] {
    contents(of: folder.file(output)).filter {
      $0.key.hasSuffix(".safetensors") && $0.key.contains("weights/")
    }
  }

  private func status(_ output: String) throws -> [String: Int] {
    let answer = try CommandRunner.run("sweep", "status", folder.file(output), "--json")
    let object = try JSONSerialization.jsonObject(with: Data(answer.output.utf8))
    return (object as? [String: Any])?["counts"] as? [String: Int] ?? [:]
  }

  /// Agents trained apart, distilled and fine-tuned in other processes are those of one `bred run`.
  @Test func aRunOfASweepIsTheRunAlone() throws {
    let answer = try CommandRunner.run("sweep", "run", try sweep(), "--output", folder.file("out"))
    #expect(answer.status == 0, "\(answer.errors)")
    #expect(answer.errorLines.last?.contains("14 of 14 jobs done") == true, "\(answer.errors)")
    let alone = try CommandRunner.run(
      [
        "run", "--task", "hopper-medium-v2", "--method", "bred", "--seed", "1", "--dataset",
        workshop.dataset, "--output", folder.file("alone"), "--quiet",
      ] + Workshop.small)
    #expect(alone.status == 0, "\(alone.errors)")
    let run = "out/runs/hopper-medium-v2/bred/seed-1"
    for stage in ["pretrain", "distill", "finetune"] {
      // What a link leads to.
      let place = URL(fileURLWithPath: folder.file("\(run)/\(stage)")).resolvingSymlinksInPath()
        .path
      let here = contents(of: place).filter {
        $0.key.hasSuffix(".safetensors") && $0.key.contains("weights/")
      }
      let there = weights("alone/\(stage)").reduce(into: [:]) { $0[$1.key] = $1.value }
      #expect(!here.isEmpty && here == there, "\(stage)")
    }
    let tables = ["\(run)/pretrain", "alone/pretrain"].map { path in
      (try? String(contentsOfFile: folder.file("\(path)/progress.csv"), encoding: .utf8))?
        .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        ?? []
    }
    #expect(tables[0].count == 5 && tables[0].first == tables[1].first)
    let header = tables[0].first ?? []
    for (row, other) in zip(tables[0], tables[1]).dropFirst() {
      for (column, name) in header.enumerated()
      where !["wall_seconds", "updates_per_second"].contains(name) {
        let (mine, its) = (Double(row[column]) ?? .nan, Double(other[column]) ?? .nan)
        #expect(mine == its || abs(mine - its) < 1e-9 * (1 + abs(its)), "\(name) \(mine) \(its)")
      }
    }
    // Again there is nothing to do; longer runs go on from where they were.
    let again = try CommandRunner.run("sweep", "run", try sweep(), "--output", folder.file("out"))
    #expect(again.status == 0 && !again.errors.contains("begins:"), "\(again.errors)")
    let longer = try CommandRunner.run(
      "sweep", "run", try sweep(steps: 500), "--output", folder.file("out"))
    #expect(longer.status == 0, "\(longer.errors)")
    #expect(longer.errorLines.count { $0.hasPrefix("begins:") } == 6, "\(longer.errors)")
    let log = try String(
      contentsOfFile: folder.file("out/logs/runs+hopper-medium-v2+bred+seed-1.log"), encoding: .utf8
    )
    #expect(log.contains("online.environmentSteps from 400 to 500"), "\(log)")
  }

  /// Two runners share the work; jobs are killed again and again.
  @Test func killsAndCompanyLeaveNoTrace() throws {
    #expect(
      try CommandRunner.run("sweep", "run", try sweep(), "-o", folder.file("whole"), "-q").status
        == 0)
    let arguments = ["sweep", "run", try sweep(), "--output", folder.file("killed"), "--jobs", "2"]
    let kills = try CommandRunner.killAtMilestones(
      arguments, times: 4, in: folder.file("killed")
    ) { $0.contains("step-") }
    #expect(kills > 0)
    let runners = try [CommandRunner.start(arguments), CommandRunner.start(arguments)]
    var jobKills = 0
    while runners.contains(where: { $0.process.isRunning }) {
      if jobKills < 3, try killOneJob() { jobKills += 1 }
      usleep(150_000)
    }
    for runner in runners { _ = try runner.wait() }
    let last = try CommandRunner.run(arguments)
    #expect(last.status == 0, "\(last.errors)")
    #expect(try status("killed")["done"] == 14)
    #expect(weights("killed") == weights("whole"))
  }

  private func killOneJob() throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["pkill", "-9", "-o", "-f", "sweep job \(folder.file("killed"))"]
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  @Test func interruptionWritesCheckpointsAndGoesOn() throws {
    let file = try sweep(updates: 100_000)
    let run = try CommandRunner.start(["sweep", "run", file, "-o", folder.file("out")])
    while run.process.isRunning,
      !contents(of: folder.file("out")).keys.contains(where: { $0.hasSuffix("progress.csv") })
    {
      usleep(20_000)
    }
    run.process.interrupt()
    let answer = try run.wait()
    #expect(answer.status == 130, "\(answer.errors)")
    #expect(answer.errors.contains("to continue, the same command:"))
    #expect(!answer.errors.contains("--resume"))
    let counts = try status("out")
    #expect(counts["running"] == 0 && counts["failed"] == 0, "\(counts)")
    #expect(contents(of: folder.file("out")).keys.contains { $0.contains("step-") })
  }

  /// What fails is reported with its log and stops nothing but what needs it.
  @Test func aFailureStopsNoOthers() throws {
    let file = try sweep()
    let plan = try CommandRunner.run("sweep", "plan", file, "--json", "--no-costs")
    let object = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any]
    let jobs = object?["jobs"] as? [[String: Any]] ?? []
    let agent = try #require(
      jobs.first { $0["kind"] as? String == "agent" }?["directory"] as? String)
    let place = folder.file("out/\(agent)")
    try FileManager.default.createDirectory(
      atPath: folder.file("out/stages"), withIntermediateDirectories: true)
    try "in the way".write(toFile: place, atomically: true, encoding: .utf8)
    let answer = try CommandRunner.run("sweep", "run", file, "-o", folder.file("out"))
    #expect(answer.status == 1)
    #expect(answer.errors.contains("there is a file of this name"), "\(answer.errors)")
    #expect(answer.errors.contains(".log"))
    // Of seed 0 an agent, two starts and two runs are missing.
    #expect(try status("out")["done"] == 9)
    #expect(try status("out")["failed"] == 1)
    #expect(try status("out")["blocked"] == 4)
    try FileManager.default.removeItem(atPath: place)
    #expect(try CommandRunner.run("sweep", "run", file, "-o", folder.file("out"), "-q").status == 0)
    #expect(try status("out")["done"] == 14)
  }

  @Test func agentsFromElsewhereAreAStart() throws {
    let file = try sweep(more: "agents: {hopper-medium-v2: \(workshop.ensemble)}")
    let answer = try CommandRunner.run("sweep", "run", file, "-o", folder.file("out"))
    #expect(answer.status == 0, "\(answer.errors)")
    // Nothing is trained offline; both seeds of cql-ft begin alike, those of bred distil each.
    #expect(answer.errors.contains("9 of 9 jobs done"), "\(answer.errors)")
    let alone = try CommandRunner.run(
      [
        "finetune", "--task", "hopper-medium-v2", "--method", "cql-ft", "--dataset",
        workshop.dataset, "--ensemble", workshop.ensemble, "--output", folder.file("alone"),
        "--quiet", "--seed", "1",
      ] + Workshop.smallWithoutDistillation)
    #expect(alone.status == 0, "\(alone.errors)")
    #expect(weights("alone") == weights("out/runs/hopper-medium-v2/cql-ft/seed-1"))
    let tooMany = try CommandRunner.run(
      "sweep", "plan",
      try sweep(
        "many.yaml",
        more: "agents: {hopper-medium-v2: \(workshop.ensemble)}\ngrid: {offline.members: [3]}"))
    #expect(tooMany.status == 2)
    #expect(tooMany.errors.contains("at most the 2 agents"), "\(tooMany.errors)")
  }
}
