// Short runs one after the other in one process, as a program that uses the library might do them, for as long as
// experiments/torture/soak.py likes. Outside the tests, whose library remembers the errors that it has seen.

import CAllocationCounter
import Configuration
import DenseMath
import Environments
import Foundation
import Runs
import Stages

/// Of this process between two runs: seconds, runs, MiB resident, bytes of heap in use, open files.
func sample(seconds: Double, runs: Int) throws -> String {
  let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
  let pages = Double(text.split(separator: " ")[1]) ?? 0
  let resident = pages * Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
  let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
  return "\(seconds),\(runs),\(resident),\(heap_bytes_in_use()),\(files)\n"
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let seconds = Double(arguments[1]), let interval = Double(arguments[2])
else {
  FileHandle.standardError.write(Data("usage: ShortRuns SECONDS INTERVAL FOLDER\n".utf8))
  exit(2)
}
let folder = arguments[3]
let start = Date()
var (runs, next) = (0, 0.0)
while true {
  let now = Date().timeIntervalSince(start)
  if now >= next {
    try FileHandle.standardOutput.write(contentsOf: Data(sample(seconds: now, runs: runs).utf8))
    next = now + interval
  }
  if now >= seconds { break }
  let configuration = try ExperimentConfiguration.resolve(
    ConfigurationSources(
      method: .scratch, file: ConfigurationLayer(name: "soak", yaml: "environment: hopper"),
      overrides: [
        "seed=\(runs)", "networks.hiddenUnits=16", "evaluation.episodes=1",
        "online.environmentSteps=300", "online.blockSteps=100", "online.updatesPerStep=0.1",
        "online.sac.batchSize=16", "online.checkpointInterval=1",
      ]),
    catalog: .registered, stages: [.online]
  ).configuration
  let pool = WorkerPool(threads: 2)
  try OnlineStage(StageContext(configuration: configuration, pool: pool))
    .run(ensemble: nil, output: "\(folder)/run")
  try FileManager.default.removeItem(atPath: "\(folder)/run")
  runs += 1
}
