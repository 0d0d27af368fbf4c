import Agents
import Algorithms
import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Sweeps

@Suite struct SweepPlanTests {
  let folder = TemporaryDirectory()

  private func plan(_ yaml: String) throws -> SweepPlan {
    try SweepPlan(SweepFile(path: "sweep.yaml", yaml: yaml))
  }

  private func refusal(_ yaml: String) -> String {
    do {
      _ = try plan(yaml)
      return "accepted"
    } catch { return "\(error)" }
  }

  private func dataset(_ text: String) throws -> String {
    let path = folder.file("data-\(UUID().uuidString).hdf5")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// Whatever the number of members, the replay or the method, agent i of a seed is one agent.
  @Test func runsShareTheirAgents() throws {
    let plan = try plan(
      """
      tasks: [hopper-medium-v2]
      seeds: [0, 7]
      datasets: {hopper-medium-v2: \(try dataset("a"))}
      runs:
        - methods: [bred, cql-ft, bred-uniform, sac]
        - methods: [bred]
          label: N
          grid: {offline.members: [1, 2]}
      """)
    #expect(plan.missing.isEmpty)
    #expect(plan.jobs(.agent).count == 2 * 5)
    // Per seed: five distilled, five as they are, one, and two distilled.
    #expect(plan.jobs(.start).count == 2 * 4)
    #expect(plan.jobs(.run).count == 2 * 6)
    let byID = Dictionary(uniqueKeysWithValues: plan.jobs.map { ($0.id, $0) })
    func agents(_ run: String) -> [String] {
      let start = byID["runs+hopper-medium-v2+\(run)+seed-7"]!.needs
      return start.flatMap { byID[$0]!.needs }
    }
    #expect(agents("bred").count == 5)
    #expect(agents("cql-ft") == agents("bred"))
    #expect(agents("N,members=2") == Array(agents("bred").prefix(2)))
    #expect(agents("sac").isEmpty)
    let firsts = try agents("bred").map { try byID[$0]!.configuration().offline.firstMember }
    #expect(firsts == [nil, 1, 2, 3, 4])
    #expect(plan.users(of: byID[agents("bred")[0]]!) == 5)
    // What others need comes first.
    for (index, job) in plan.jobs.enumerated() {
      for need in job.needs {
        #expect(plan.jobs.firstIndex { $0.id == need }! < index)
      }
    }
  }

  /// Ids hold the digest of the data and of every value that counts, and of nothing else.
  @Test func idsFollowWhatDeterminesTheBytes() throws {
    func agent(_ data: String, _ more: String) throws -> String {
      try plan(
        """
        tasks: [hopper-medium-v2]
        methods: [iql]
        seeds: [0]
        datasets: {hopper-medium-v2: \(try dataset(data))}
        \(more)
        """
      ).jobs(.agent)[0].id
    }
    let id = try agent("a", "")
    #expect(try agent("a", "") == id)
    #expect(try agent("a", "set: {online: {environmentSteps: 7000}}") == id)
    #expect(try agent("b", "") != id)
    #expect(try agent("a", "set: {offline: {gradientSteps: 7000}}") != id)
    #expect(try agent("a", "set: {offline: {iql: {expectile: 0.6}}}") != id)
    #expect(try agent("a", "set: {offline: {firstMember: 2}}") != id)
  }

  /// Of a file that a plan has seen the digest is kept while size and time of change are the same.
  @Test func aChangedFileIsOtherData() throws {
    let data = try dataset("a")
    let file = try SweepFile(
      path: "sweep.yaml",
      yaml: "{tasks: [hopper-medium-v2], methods: [iql], seeds: [0], "
        + "datasets: {hopper-medium-v2: \(data)}}")
    let sweep = folder.file("sweep")
    let first = try SweepPlan(file, in: sweep)
    try first.write(to: sweep)
    #expect(try SweepPlan(file, in: sweep).jobs == first.jobs)
    try "b".write(toFile: data, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: 60)], ofItemAtPath: data)
    #expect(try SweepPlan(file, in: sweep).jobs(.agent)[0].id != first.jobs(.agent)[0].id)
  }

  /// Agents that are distilled are distilled for each seed; as they are, one start serves all.
  @Test func givenAgentsAreDistilledForEachSeed() throws {
    let agents = try (0..<2).map { seed in
      var setup = AgentSetup(EnvironmentKind.hopper.specification)
      (setup.hiddenSizes, setup.seed) = ([8], UInt64(seed))
      return try Agent(
        ConservativeQLearning.self, CQLSettings(), setup, pool: WorkerPool(threads: 1))
    }
    try AgentFiles.write(
      agents: agents, to: folder.file("agents"),
      origin: .init(environment: "hopper", producer: "test"))
    func starts(_ method: String) throws -> Int {
      try plan(
        """
        tasks: [hopper-medium-v2]
        methods: [\(method)]
        seeds: [0, 1]
        datasets: {hopper-medium-v2: \(try dataset("a"))}
        agents: {hopper-medium-v2: \(folder.file("agents"))}
        set: {offline: {members: 2}}
        """
      ).jobs(.start).count
    }
    #expect(try starts("bred") == 2)
    #expect(try starts("bred-independent") == 1)
  }

  @Test func runsThatDifferOnlineOnlyMayBeginAlike() throws {
    let plan = try plan(
      """
      tasks: [hopper-medium-v2]
      methods: [bred]
      seeds: 0..2
      datasets: {hopper-medium-v2: \(try dataset("a"))}
      set: {offline: {seed: 4}}
      """)
    #expect(plan.jobs(.agent).count == 5)
    #expect(plan.jobs(.start).count == 1)
    #expect(plan.jobs(.run).map { try! $0.configuration().seed } == [0, 1, 2])
    #expect(try plan.jobs(.start)[0].configuration().seed == 4)
  }

  @Test func whatIsMissingIsListedWithAdvice() throws {
    let plan = try plan(
      "{tasks: [hopper-medium-v2], methods: [bred], seeds: [0], "
        + "datasets: {hopper-medium-v2: \(folder.file("none.hdf5"))}, "
        + "agents: {hopper-medium-v2: \(folder.file("nobody"))}}")
    #expect(plan.missing.count == 2)
    #expect(plan.missing[0].contains("none.hdf5"))
    #expect(plan.missing[1].contains("no folder \(folder.file("nobody"))"))
    #expect(plan.jobs.count == 1)
    // Before the jobs, which may be hundreds of lines.
    let text = SweepReport(plan, costs: [:], processors: 2).text
    #expect(text.components(separatedBy: "\n")[2] == "missing:")
  }

  @Test(arguments: [
    ("tasks: [hopper-medium-v2]\nmethods: [bred]\nsead: [0]", "did you mean 'seeds'?"),
    ("tasks: [hopper-medium-v2]\nmethods: [bred]", "no 'seeds' are given"),
    ("tasks: [hopper-medium-v2]\nmethods: [bred]\nseeds: [-1]", "whole numbers from 0"),
    ("tasks: [hopper-medium-v2]\nmethods: [bred]\nseeds: 3..1", "a list, or 0..3"),
    ("tasks: [hopper-medium-v2]\nmethods: [bred]\nseeds: [1, 1]", "each value once"),
    ("tasks: hopper-medium-v2\nmethods: [bred]\nseeds: [1]", "expected a list"),
    ("tasks: [hoper-medium-v2]\nmethods: [bred]\nseeds: [1]", "did you mean 'hopper-medium-v2'?"),
    ("tasks: [hopper-medium-v2]\nmethods: [bread]\nseeds: [1]", "did you mean 'bred'?"),
    (
      "tasks: [hopper-medium-v2]\nmethods: [bred]\nseeds: [1]\nset: {online: {replai: x}}",
      "did you mean"
    ),
    (
      "tasks: [hopper-medium-v2]\nmethods: [sac]\nseeds: [1]\nset: {offline: {gradientSteps: 9}}",
      "'set.offline.gradientSteps' contradict each other: none of the runs has a use for it"
    ),
    // A grid is strict: two of these runs would be the same.
    (
      "tasks: [hopper-medium-v2]\nmethods: [bred-uniform]\nseeds: [1]\n"
        + "grid: {online.initialOnlineFraction: [0.25, 0.5]}",
      "the online share is scheduled only with 'replay: balanced'"
    ),
    (
      "tasks: [hopper-medium-v2]\nseeds: [1]\nruns:\n- methods: [bred]\n- methods: [bred]\n"
        + "  set: {online: {environmentSteps: 5000}}",
      "two different runs are called"
    ),
    ("[1, 2]", "expected 'tasks:'"),
    ("tasks: [hopper-medium-v2]\nruns: []", "a list of blocks"),
  ])
  func mistakesAreRefused(yaml: String, message: String) {
    #expect(refusal(yaml).contains(message), "\(refusal(yaml))")
  }

  /// A value for all runs is dropped where one has no use for it.
  @Test func valuesForAllRunsAreLenient() throws {
    let plan = try plan(
      """
      {tasks: [hopper-medium-v2], methods: [sac, bred], seeds: [0],
       datasets: {hopper-medium-v2: \(try dataset("a"))},
       set: {offline: {gradientSteps: 9}, online: {environmentSteps: 5000}}}
      """)
    #expect(
      try plan.jobs(.run).map { try $0.configuration().online.environmentSteps } == [5000, 5000])
    #expect(try plan.jobs(.agent)[0].configuration().offline.gradientSteps == 9)
  }

  /// A scale keeps some tasks, replaces seeds, and lies over the values; the sweep has the last word.
  @Test func scalesLieOverSweeps() throws {
    let yaml = """
      tasks: [hopper-medium-v2, walker2d-medium-v2]
      methods: [sac]
      seeds: 0..3
      set: {online: {environmentSteps: 5000, blockSteps: 500}}
      grid: {online.randomSteps: [0, 100]}
      scales: {tiny: {set: {online: {blockSteps: 50}}, grid: {online.randomSteps: [7]}}}
      figure: {title: x, labels: {a: 1}}
      """
    let scale = """
      tasks: [hopper-medium-v2]
      seeds: [9]
      set: {online: {environmentSteps: 400, blockSteps: 100}, offline: {gradientSteps: 3}}
      """
    let plan = try SweepPlan(
      SweepFile(path: "sweep.yaml", yaml: yaml, scale: ("scales/tiny.yaml", scale)))
    #expect(plan.jobs.map(\.directory) == ["runs/hopper-medium-v2/sac,randomSteps=7/seed-9"])
    let online = try plan.jobs[0].configuration().online
    #expect(online.environmentSteps == 400 && online.blockSteps == 50)
    let other = try SweepPlan(
      SweepFile(path: "sweep.yaml", yaml: yaml, scale: ("scales/other.yaml", scale)))
    #expect(other.jobs.count == 2)
    #expect(try other.jobs[0].configuration().online.blockSteps == 100)
    #expect(throws: ConfigurationError.self) {
      try SweepFile(path: "sweep.yaml", yaml: yaml, scale: ("s.yaml", "tasks: [halfcheetah]"))
    }
    #expect(throws: ConfigurationError.self) {
      try SweepFile(
        path: "sweep.yaml",
        yaml: yaml.replacingOccurrences(of: "randomSteps: [7]", with: "randomStep: [7]"))
    }
  }

  /// What the sweep says of a scale's tasks and runs stands instead of both; seeds and values stay the scale's.
  @Test func aSweepSaysWhichRunsAScaleHas() throws {
    let yaml = """
      tasks: [hopper-medium-replay-v0]
      seeds: 0..3
      runs:
        - {methods: [sac], label: measured, grid: {online.randomSteps: [0, 100]}}
      scales:
        given:
          tasks: [hopper-medium-v0, walker2d-medium-v0]
          runs:
            - {methods: [sac]}
            - methods: [sac]
              label: short
              tasks: [hopper-medium-v0]
              set: {online: {blockSteps: 9}}
        tiny: {grid: {online.randomSteps: [7]}}
      """
    let scale = "{tasks: [hopper-medium-v0], seeds: [9], set: {online: {blockSteps: 70}}}"
    let plan = try SweepPlan(
      SweepFile(path: "sweep.yaml", yaml: yaml, scale: ("scales/given.yaml", scale)))
    #expect(
      plan.jobs.map(\.directory) == [
        "runs/hopper-medium-v0/sac/seed-9", "runs/walker2d-medium-v0/sac/seed-9",
        "runs/hopper-medium-v0/short/seed-9",
      ])
    #expect(try plan.jobs[0].configuration().online.blockSteps == 70)
    #expect(try plan.jobs[2].configuration().online.blockSteps == 9)
    let whole = try SweepPlan(SweepFile(path: "sweep.yaml", yaml: yaml))
    #expect(whole.jobs.count == 8)
    #expect(throws: ConfigurationError.self) {
      try SweepFile(
        path: "sweep.yaml", yaml: yaml.replacingOccurrences(of: "label: short", with: "lable: x"),
        scale: ("scales/given.yaml", scale))
    }
  }

  /// The program that draws takes a curve without a label by its variant, and leaves a label without a curve out:
  /// a typing error would change a picture and nothing else.
  @Test func everyCurveOfAFigureHasItsName() throws {
    let folder = Resources.package.appendingPathComponent("experiments/figures")
    func files(_ folder: URL) throws -> [URL] {
      try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "yaml" }
    }
    func oneSeed(_ file: URL) throws -> String {
      try String(contentsOf: file, encoding: .utf8).replacing(
        /seeds: 0\.\.[0-9]/, with: "seeds: [0]")
    }
    let scales = try files(folder.appendingPathComponent("scales"))
    var count = 0
    for figure in try files(folder) {
      let name = figure.lastPathComponent
      let plans = try scales.map {
        try SweepPlan(
          SweepFile(path: name, yaml: oneSeed(figure), scale: ($0.path, oneSeed($0))))
      }
      guard case .object(let settings)? = plans[0].figure,
        case .object(let labels)? = settings["labels"]
      else { continue }
      count += 1
      var variants: Set<String> = []
      for plan in plans {
        for run in plan.jobs(.run) { variants.insert(try #require(run.place).variant) }
      }
      #expect(Set(labels.keys) == variants, "\(name)")
      for (variant, label) in labels {
        if case .text = label { continue }
        Issue.record("\(name): the label of '\(variant)' is no text: \(label)")
      }
    }
    #expect(count == 15)
  }

  @Test func aPlanComesBackFromItsFile() throws {
    let plan = try plan(
      "{tasks: [hopper-medium-v2], methods: [bred], seeds: [0], "
        + "datasets: {hopper-medium-v2: \(try dataset("a"))}}")
    try plan.write(to: folder.file("sweep"))
    #expect(try SweepPlan.read(folder.file("sweep")) == plan)
    let job = try #require(plan.jobs(.run).first)
    #expect(try job.configuration().yaml() == job.yaml)
  }

  @Test func batchScriptsQueueAgainWhatWasStopped() throws {
    let plan = try plan(
      "{name: it's, tasks: [hopper-medium-v2], methods: [bred], seeds: 0..3, "
        + "datasets: {hopper-medium-v2: \(try dataset("a"))}}")
    var options = SlurmScripts.Options()
    options.partition = "long"
    options.atOnce = 3
    options.more = ["qos=low"]
    let output = folder.file("it's")
    try plan.write(to: output)
    let slurm = SlurmScripts(plan, output: output, program: "/opt/bred", options: options)
    #expect(slurm.scripts.map(\.kind) == [.agent, .start, .run])
    #expect(slurm.scripts.map(\.jobs.count) == [20, 4, 4])
    let text = slurm.scripts[0].text
    for line in [
      "#SBATCH --array=0-19%3", "#SBATCH --partition=long", "#SBATCH --qos=low",
      "#SBATCH --requeue", "#SBATCH --signal=B:USR1@120", "scontrol requeue",
    ] { #expect(text.contains(line), "\(line)") }
    try slurm.write()
    // A shell takes it, quotes in names included.
    for script in slurm.scripts {
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/bin/bash")
      shell.arguments = ["-n", script.path]
      try shell.run()
      shell.waitUntilExit()
      #expect(shell.terminationStatus == 0)
    }
    // What is done is not submitted again.
    let job = plan.jobs(.agent)[0]
    let directory = "\(output)/\(job.directory)"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    try job.yaml.write(toFile: "\(directory)/config.yaml", atomically: true, encoding: .utf8)
    try "{}".write(toFile: "\(directory)/summary.json", atomically: true, encoding: .utf8)
    let rest = SlurmScripts(plan, output: output, program: "/opt/bred", options: options)
    #expect(rest.scripts[0].jobs == slurm.scripts[0].jobs.filter { $0 != job.id })
    // More jobs than an array may have make several, each with its own list and logs.
    options.arraySize = 8
    let split = SlurmScripts(plan, output: output, program: "/opt/bred", options: options).scripts
    #expect(split.map(\.jobs.count) == [8, 8, 3, 4, 4])
    #expect(split.map(\.kind) == [.agent, .agent, .agent, .start, .run])
    #expect(split[..<3].flatMap(\.jobs) == rest.scripts[0].jobs)
    #expect(split[2].path.hasSuffix("/slurm/agent-3.sh") && split[2].text.contains("--array=0-2%3"))
    #expect(split[1].text.contains("/slurm-agent-2-%a.log"))
    #expect(SlurmScripts.kindBefore(.start, among: split[..<3].map(\.kind)) == .agent)
    #expect(SlurmScripts.kindBefore(.agent, among: [.agent, .agent]) == nil)
    #expect(SlurmScripts.kindBefore(.run, among: [.agent, .start, .run]) == .start)
  }
}
