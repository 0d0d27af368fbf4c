import Datasets
import Foundation
import HDF5

/// Writes small Minari datasets with whatever a test wants to be wrong with them.
struct MinariFile {
  struct Episode {
    var steps: Int
    var observationRows: Int
    var observationSize = 2
    var rewards: Int
    var flags: Int
    var id: Int?
    var totalSteps: Int?
    var terminates = true
    var name: String

    init(_ index: Int, steps: Int) {
      self.steps = steps
      observationRows = steps + 1
      (rewards, flags) = (steps, steps)
      (id, totalSteps) = (index, steps)
      name = "episode_\(index)"
    }
  }

  var episodes = [Episode(0, steps: 4), Episode(1, steps: 3), Episode(2, steps: 5)]
  var metadata: [String: Any] = [
    "dataset_id": "bred/test-v0", "total_episodes": 3, "total_steps": 12, "data_format": "hdf5",
    "observation_space":
      "{\"type\": \"Box\", \"dtype\": \"float32\", \"shape\": [2], \"low\": [-Infinity, 0.0], "
      + "\"high\": [Infinity, NaN]}",
    "action_space": "{\"type\": \"Box\", \"dtype\": \"float32\", \"shape\": [1]}",
    "minari_version": "0.5.0", "author": ["B", "A"],
  ]

  func write(to folder: String) throws {
    try FileManager.default.createDirectory(
      atPath: "\(folder)/data", withIntermediateDirectories: true)
    try JSONSerialization.data(withJSONObject: metadata).write(
      to: URL(fileURLWithPath: "\(folder)/data/metadata.json"))
    let file = try HDF5OutputFile(creating: "\(folder)/data/main_data.hdf5")
    for episode in episodes {
      try file.createGroup(episode.name)
      if let id = episode.id { try file.setAttribute("id", of: episode.name, to: id) }
      if let steps = episode.totalSteps {
        try file.setAttribute("total_steps", of: episode.name, to: steps)
      }
      func floats(_ name: String, _ shape: [Int]) throws {
        try file.createDataset("\(episode.name)/\(name)", shape: shape, type: .float(bytes: 4))
          .write((0..<shape.reduce(1, *)).map { Float($0) })
      }
      try floats("observations", [episode.observationRows, episode.observationSize])
      try floats("actions", [episode.steps, 1])
      try floats("rewards", [episode.rewards])
      for name in ["terminations", "truncations"] {
        let ends = name == "terminations" && episode.terminates
        try file.createDataset("\(episode.name)/\(name)", shape: [episode.flags], type: .boolean)
          .write((0..<episode.flags).map { ends && $0 == episode.flags - 1 })
      }
      try floats("infos/x_position", [episode.steps + 1])
    }
    try file.close()
  }
}
