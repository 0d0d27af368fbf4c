internal import Environments
internal import HDF5
internal import RLCore

/// Gymnasium's descriptions of the robots.
enum MinariEnvironment {
  /// Scalar of a D4RL file that says what its robot had otherwise than the plain one.
  static let differencesName = "environment_differences"

  private static func names(
    _ robot: EnvironmentKind
  ) -> (name: String, module: String, threshold: String) {
    switch robot.robot {
    case .halfcheetah: ("HalfCheetah", "half_cheetah", "4800.0")
    case .hopper: ("Hopper", "hopper", "3800.0")
    default: ("Walker2d", "walker2d", "null")
    }
  }

  /// The robot that a dataset's identifier speaks of, for want of a description.
  ///
  /// Minari's own sets, `mujoco/hopper/medium-v0`, were recorded in version 5.
  static func robot(ofDataset id: String) -> String? {
    let lower = id.lowercased()
    let kinds = EnvironmentKind.allCases.filter { $0 == $0.robot }
    guard let kind = kinds.first(where: { lower.contains($0.rawValue) }) else { return nil }
    return (lower.hasPrefix("mujoco/") ? kind.versionFive : kind).rawValue
  }

  /// The robot of an `env_spec`, and what is otherwise than with the plain one.
  static func robot(
    _ specification: [String: JSONValue]
  ) -> (robot: String?, differences: [String]) {
    guard let id = specification["id"]?.text else { return (nil, []) }
    let kinds = EnvironmentKind.allCases.filter { $0 == $0.robot }
    guard let robot = kinds.first(where: { id.lowercased().contains($0.rawValue) }) else {
      return (nil, [])
    }
    let parts = id.lowercased().split(separator: "-")
    let version = parts.count == 2 && parts[1].first == "v" ? Int(parts[1].dropFirst()) : nil
    let isKnown = parts[0] == robot.rawValue && (1...5).contains(version ?? 0)
    let kind = (version ?? 0) >= 5 ? robot.versionFive : robot
    var differences = isKnown ? [] : ["its id is \(id)"]
    differences += arguments(specification["kwargs"]?.object ?? [:], kind)
    for wrapper in specification["additional_wrappers"]?.list ?? [] {
      differences.append("it has the wrapper \(wrapper.object?["name"]?.text ?? "without a name")")
    }
    let limit = robot.specification.maximumEpisodeSteps
    switch specification["max_episode_steps"] {
    case nil, .integer(limit): break
    case .null: differences.append("it has no time limit (here \(limit) steps)")
    case .some(let other):
      differences.append("its time limit is \(other.words) steps (here \(limit))")
    }
    return (kind.rawValue, differences.map(\.printable))
  }

  /// Arguments that change nothing about the task.
  private static let viewing: Set<String> = [
    "render_mode", "width", "height", "camera_id", "camera_name", "default_camera_config",
    "max_geom", "visual_options",
  ]

  private static func arguments(
    _ arguments: [String: JSONValue], _ kind: EnvironmentKind
  ) -> [String] {
    let usual = defaults(kind)
    return arguments.sorted { $0.key < $1.key }.compactMap { name, value in
      guard !viewing.contains(name), text(value) != usual[name] else { return nil }
      return "its \(name) is \(text(value))" + (usual[name].map { " (here \($0))" } ?? "")
    }
  }

  /// Gymnasium's own values of the arguments, as ``text(_:)`` writes them.
  private static func defaults(_ kind: EnvironmentKind) -> [String: String] {
    var result = [
      "forward_reward_weight": "1.0", "exclude_current_positions_from_observation": "true",
    ]
    let module = names(kind).module
    result["xml_file"] = kind == .walker2dV5 ? "walker2d_v5.xml" : "\(module).xml"
    guard kind.robot != .halfcheetah else {
      return result.merging(
        ["frame_skip": "5.0", "ctrl_cost_weight": "0.1", "reset_noise_scale": "0.1"]
      ) { $1 }
    }
    result.merge([
      "frame_skip": "4.0", "ctrl_cost_weight": "0.001", "reset_noise_scale": "0.005",
      "healthy_reward": "1.0", "terminate_when_unhealthy": "true",
      "healthy_z_range": kind.robot == .hopper ? "[0.7, inf]" : "[0.8, 2.0]",
      "healthy_angle_range": kind.robot == .hopper ? "[-0.2, 0.2]" : "[-1.0, 1.0]",
    ]) { $1 }
    if kind.robot == .hopper { result["healthy_state_range"] = "[-100.0, 100.0]" }
    return result
  }

  private static func text(_ value: JSONValue) -> String {
    switch value {
    case .integer(let number): "\(Double(number))"
    case .list(let values): "[" + values.map(text).joined(separator: ", ") + "]"
    case .object: "an object"
    case .null: "null"
    default: value.scalar ?? ""
    }
  }

  /// Gymnasium's description of the environment: version 4, whose physics, observations and rewards
  /// are those of D4RL's (version 2), or version 5.
  static func specification(of robot: String) -> String? {
    guard let kind = EnvironmentKind(rawValue: robot) else { return nil }
    let (name, module, threshold) = names(kind)
    return "{\"id\": \"\(name)-v\(kind.version)\", \"entry_point\": "
      + "\"gymnasium.envs.mujoco.\(module)_v\(kind.version):\(name)Env\", "
      + "\"reward_threshold\": \(threshold), "
      + "\"nondeterministic\": false, \"max_episode_steps\": 1000, \"order_enforce\": true, "
      + "\"disable_env_checker\": false, \"kwargs\": {}, \"additional_wrappers\": [], "
      + "\"vector_entry_point\": null}"
  }
}
